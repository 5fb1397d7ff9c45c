import { counted } from '../../core/count.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeDuration } from '../../core/duration.ts'
import { AgentError } from '../../core/errors.ts'
import type { DrainPolicy } from '../../core/cluster/drain.ts'
import type { Api } from './api.ts'
import { createRecreatedPods } from './recreated-pods.ts'
import { evict, remove } from './evictions.ts'
import { controllerOf, fullName, hasEmptyDir, mustGo, ownerOf, podsOn, type PodObject } from './pods.ts'
import { createSorter, tiersOf } from './tiers.ts'
import { awaitDetached } from './volumes.ts'

export interface DrainOptions {
  readonly evictEvery: number
  readonly signal: AbortSignal
}

/** In ms. */
const pollInterval = 500

/**
 * Evicts every pod on the node, tier after tier, as disruption budgets allow, and waits until the pods are gone and
 * their volumes are detached. Pods that `mustGo` excludes stay.
 *
 * @throws AgentError that names the pods that are still there, and why
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
  const recreatedPods = createRecreatedPods(node)
  const beganAt = performance.now()
  const asked = new Set<string>()
  /** By uid: why the eviction of a pod was refused. */
  const refusals = new Map<string, string>()
  let reached = { tier: -1, at: beganAt }
  let present: readonly PodObject[] = []
  let later = 0
  let askAgainAt = beganAt

  /** Evicts the pods of the current tier that are not terminating, or whose grace period exceeds the time left. */
  async function askToGo(): Promise<void> {
    const now = performance.now()
    const overdue = deleteAfter !== undefined && now - reached.at >= deleteAfter
    const left = maxGrace === undefined ? undefined : Math.max(1, Math.round((maxGrace - (now - beganAt)) / 1_000))
    // A refused eviction is not repeated with every poll; overdue pods do not wait.
    if (!overdue && now < askAgainAt) return
    // A pod that is already terminating may have a longer grace period than the time left.
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
      // Late pods of an earlier tier are evicted with the current one.
      present = pods.filter(({ metadata }) => (tierOf.get(metadata.uid) ?? 0) <= reached.tier)
      later = pods.length - present.length
      await askToGo()
    } catch (error) {
      if (!signal.aborted && !(error instanceof AgentError && error.retryable)) throw error
    }
    const within = tiers[reached.tier]?.within
    if (within !== undefined && performance.now() - reached.at >= within)
      throw new AgentError('timed-out', describe(present, refusals, later, within))
    if (!signal.aborted) await sleep(Math.min(pollInterval, evictEvery), undefined, { signal }).catch(() => {})
    if (signal.aborted) throw new AgentError('timed-out', describe(present, refusals, later))
  }
  if (volumeDetachTimeout !== undefined) await awaitDetached(api, node, volumeDetachTimeout, signal)
}

function isStopping({ metadata }: PodObject): boolean {
  return metadata.deletionTimestamp !== undefined
}

/** @throws AgentError `rejected` with the pods that the policy keeps, before any pod is evicted */
function refuseToLose(pods: readonly PodObject[], { keepEmptyDir, keepUnmanaged }: DrainPolicy): void {
  const kept = pods
    .filter((pod) => !isStopping(pod))
    .flatMap((pod) => {
      if (keepUnmanaged && !controllerOf(pod)) return [`${fullName(pod)} has no controller to recreate it`]
      return keepEmptyDir && hasEmptyDir(pod) ? [`${nameWithOwner(pod)} keeps data in an emptyDir`] : []
    })
  if (kept.length > 0) throw new AgentError('rejected', `refusing to evict: ${kept.join('; ')}`)
}

function describe(
  remaining: readonly PodObject[],
  refusals: ReadonlyMap<string, string>,
  later: number,
  within?: number,
): string {
  if (remaining.length === 0) return 'the Kubernetes API did not answer'
  const pods = remaining.map((pod) => {
    return `${nameWithOwner(pod)}: ${refusals.get(pod.metadata.uid) ?? 'still terminating'}`
  })
  const limit = within === undefined ? '' : ` after ${describeDuration(within)}`
  const waiting = later === 0 ? '' : ` (${counted(later, 'more pod is', 'more pods are')} evicted after that)`
  return `still on the node${limit}: ${pods.join('; ')}${waiting}`
}

function nameWithOwner(pod: PodObject): string {
  const owner = ownerOf(pod)
  return `${fullName(pod)}${owner ? ` (of ${owner})` : ''}`
}
