import { setTimeout as sleep } from 'node:timers/promises'
import { describeDuration } from '../../core/duration.ts'
import { AgentError } from '../../core/errors.ts'
import type { DrainPolicy } from '../../core/cluster/drain.ts'
import type { Api } from './api.ts'
import { createComebacks } from './recreated-pods.ts'
import { evict, remove } from './evictions.ts'
import { controllerOf, fullName, hasEmptyDir, mustGo, ownerOf, podsOn, type PodObject } from './pods.ts'
import { createSorter, tiersOf } from './tiers.ts'
import { awaitDetached } from './volumes.ts'

export interface DrainOptions {
  readonly evictEvery: number
  readonly signal: AbortSignal
}

/** Between two looks at what is still there, in ms. */
const lookEvery = 500

/**
 * Asks for every pod on the node to be evicted, tier after tier, which disruption budgets may refuse for a while, and
 * waits until they are gone, and their volumes with them. Left alone is what `mustGo` leaves alone.
 *
 * @throws AgentError that names the pods which would not go, and who kept them
 */
export async function drain(
  api: Api,
  node: string,
  policy: DrainPolicy,
  { evictEvery, signal }: DrainOptions,
): Promise<void> {
  const { deleteAfter, maxGrace, volumeDetachTimeout } = policy
  const tiers = tiersOf(policy)
  const sort = createSorter(api, node, tiers)
  const recreatedPods = createComebacks(node)
  const beganAt = performance.now()
  const asked = new Set<string>()
  /** By uid: why a pod has not even been asked to go. */
  const refusals = new Map<string, string>()
  let reached = { tier: -1, at: beganAt }
  let present: readonly PodObject[] = []
  let later = 0
  let askAgainAt = beganAt

  /** Asks those of the present tier who have not been asked, or were given longer than there is now. */
  async function askToGo(): Promise<void> {
    const now = performance.now()
    const overdue = deleteAfter !== undefined && now - reached.at >= deleteAfter
    const left = maxGrace === undefined ? undefined : Math.max(1, Math.round((maxGrace - (now - beganAt)) / 1_000))
    // A refused eviction is not repeated at every look; what is overdue does not wait.
    if (!overdue && now < askAgainAt) return
    // One that is stopping already, for an earlier drain or a person, may have been given longer than there is now.
    const isTooSlow = ({ metadata: { deletionGracePeriodSeconds = 0 } }: PodObject) =>
      left !== undefined && deletionGracePeriodSeconds > left
    const toAsk = present.filter((pod) => !asked.has(pod.metadata.uid) && (!isStopping(pod) || isTooSlow(pod)))
    if (toAsk.length > 0) askAgainAt = now + evictEvery
    await Promise.all(
      toAsk.map(async (pod) => {
        const refusal = await (overdue || isStopping(pod) ? remove : evict)(api, pod, left, signal)
        const { uid } = pod.metadata
        if (refusal !== undefined) {
          refusals.set(uid, refusal)
          return
        }
        refusals.delete(uid)
        asked.add(uid)
        recreatedPods.asked(pod)
      }),
    )
  }

  while (true) {
    try {
      const pods = recreatedPods.without((await podsOn(api, node, signal)).filter(mustGo))
      refuseToLose(pods, policy)
      if (pods.length === 0) break
      const tierOf = await sort(pods, signal)
      const first = Math.min(...pods.map(({ metadata }) => tierOf.get(metadata.uid) ?? 0))
      if (first > reached.tier) {
        reached = { tier: first, at: performance.now() }
        askAgainAt = 0
      }
      // What comes late, for a tier that is through, goes with the present one.
      present = pods.filter(({ metadata }) => (tierOf.get(metadata.uid) ?? 0) <= reached.tier)
      later = pods.length - present.length
      await askToGo()
    } catch (error) {
      if (!signal.aborted && !(error instanceof AgentError && error.retryable)) throw error
    }
    const within = tiers[reached.tier]?.within
    if (within !== undefined && performance.now() - reached.at >= within)
      throw new AgentError('timed-out', describe(present, refusals, later, within))
    if (!signal.aborted) await sleep(Math.min(lookEvery, evictEvery), undefined, { signal }).catch(() => {})
    if (signal.aborted) throw new AgentError('timed-out', describe(present, refusals, later))
  }
  if (volumeDetachTimeout !== undefined) await awaitDetached(api, node, volumeDetachTimeout, signal)
}

function isStopping({ metadata }: PodObject): boolean {
  return metadata.deletionTimestamp !== undefined
}

/** @throws AgentError `rejected` with the pods that the policy keeps, before any of them is asked to go */
function refuseToLose(pods: readonly PodObject[], { keepEmptyDir, keepUnmanaged }: DrainPolicy): void {
  const kept = pods
    .filter((pod) => !isStopping(pod))
    .flatMap((pod) => {
      if (keepUnmanaged && !controllerOf(pod)) return [`${fullName(pod)} would be made anew by nobody`]
      return keepEmptyDir && hasEmptyDir(pod) ? [`${nameWithOwner(pod)} keeps data in an emptyDir`] : []
    })
  if (kept.length > 0) throw new AgentError('rejected', `not to be evicted: ${kept.join('; ')}`)
}

function describe(
  remaining: readonly PodObject[],
  refusals: ReadonlyMap<string, string>,
  later: number,
  within?: number,
): string {
  if (remaining.length === 0) return 'the Kubernetes API did not answer'
  const pods = remaining.map((pod) => {
    return `${nameWithOwner(pod)}: ${refusals.get(pod.metadata.uid) ?? 'it is still stopping'}`
  })
  const limit = within === undefined ? '' : ` within ${describeDuration(within)}`
  const waiting = later === 0 ? '' : ` (${later} more ${later === 1 ? 'pod goes' : 'pods go'} after that)`
  return `would not go${limit}: ${pods.join('; ')}${waiting}`
}

function nameWithOwner(pod: PodObject): string {
  const owner = ownerOf(pod)
  return `${fullName(pod)}${owner ? ` (of ${owner})` : ''}`
}
