import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../../core/errors.ts'
import type { DrainPolicy } from '../../core/plan.ts'
import { type Api, ApiRefusal } from './api.ts'
import { asRecord } from './kubeconfig.ts'

interface PodObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly deletionGracePeriodSeconds?: number
    readonly ownerReferences?: readonly {
      readonly kind: string
      readonly name: string
      readonly controller?: boolean
    }[]
  }
  readonly spec?: { readonly terminationGracePeriodSeconds?: number }
  readonly status?: { readonly phase?: string }
}

export interface DrainOptions {
  readonly evictEvery: number
  readonly signal: AbortSignal
}

/** Between two looks at what is still there, in ms. */
const lookEvery = 500

/**
 * Asks for every pod on the node to be evicted, which disruption budgets may refuse for a while, and waits until they
 * are gone. Left alone are pods of DaemonSets, which would come back at once, mirror pods of the kubelet, and pods that
 * have ended (as `kubectl drain --ignore-daemonsets --force --delete-emptydir-data` does, kubernetes/kubectl pkg/drain).
 *
 * @throws AgentError that names the pods which would not go, and who kept them
 */
export async function drain(
  api: Api,
  node: string,
  { deleteAfter, maxGrace }: DrainPolicy,
  { evictEvery, signal }: DrainOptions,
): Promise<void> {
  const beganAt = performance.now()
  const asked = new Set<string>()
  /** By uid: why a pod has not even been asked to go. */
  const refusals = new Map<string, string>()
  let remaining: readonly PodObject[] = []
  let askAgainAt = beganAt

  while (true) {
    try {
      remaining = (await podsOn(api, node, signal)).filter(mustGo)
      if (remaining.length === 0) return
      const overdue = deleteAfter !== undefined && performance.now() - beganAt >= deleteAfter
      const left =
        maxGrace === undefined ? undefined : Math.max(1, Math.round((maxGrace - (performance.now() - beganAt)) / 1_000))
      // One that is stopping already, for an earlier drain or a person, may have been given longer than there is now.
      const isTooSlow = ({ metadata: { deletionGracePeriodSeconds = 0 } }: PodObject) =>
        left !== undefined && deletionGracePeriodSeconds > left
      const isStopping = ({ metadata }: PodObject) => metadata.deletionTimestamp !== undefined
      // A refused eviction is not repeated at every look; what is overdue does not wait.
      const due = overdue || performance.now() >= askAgainAt
      const toAsk = remaining.filter(
        (pod) => due && !asked.has(pod.metadata.uid) && (!isStopping(pod) || isTooSlow(pod)),
      )
      if (toAsk.length > 0) askAgainAt = performance.now() + evictEvery
      const answers = await Promise.all(
        toAsk.map(async (pod) => {
          const ask = overdue || isStopping(pod) ? remove : evict
          return [pod, await ask(api, pod, left, signal)] as const
        }),
      )
      for (const [{ metadata }, refusal] of answers) {
        if (refusal !== undefined) refusals.set(metadata.uid, refusal)
        else {
          refusals.delete(metadata.uid)
          asked.add(metadata.uid)
        }
      }
    } catch (error) {
      if (!signal.aborted && !(error instanceof AgentError && error.retryable)) throw error
    }
    if (!signal.aborted) await sleep(Math.min(lookEvery, evictEvery), undefined, { signal }).catch(() => {})
    if (signal.aborted) throw new AgentError('timed-out', describe(remaining, refusals))
  }
}

async function podsOn(api: Api, node: string, signal: AbortSignal): Promise<readonly PodObject[]> {
  const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`
  return (await api.send<{ items?: readonly PodObject[] }>({ method: 'GET', path, signal })).items ?? []
}

function mustGo({ metadata, status }: PodObject): boolean {
  if (metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return false
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  return !metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DaemonSet' && controller !== false)
}

/** Returns why the pod was not asked to go; undefined when it was, or is gone already. */
async function evict(
  api: Api,
  pod: PodObject,
  left: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name, namespace } = pod.metadata
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: deleteOptions(pod, left),
  }
  try {
    await api.send({ method: 'POST', path: `${pathOf(pod)}/eviction`, body, signal })
    return undefined
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    if (error.status === 404) return undefined
    // 429: a disruption budget does not allow it now. 500: more than one budget matches the pod, and none ever will.
    if (error.status === 429) return describeBudget(error)
    if (error.status === 500) return error.message
    throw error
  }
}

async function remove(
  api: Api,
  pod: PodObject,
  left: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await api.send({
      method: 'DELETE',
      path: pathOf(pod),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions(pod, left) },
      signal,
    })
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 404) throw error
  }
  return undefined
}

/** The very pod that we saw and no namesake, with its own grace or, in seconds, what is left. */
function deleteOptions({ metadata, spec }: PodObject, left: number | undefined): object {
  const own = spec?.terminationGracePeriodSeconds ?? 30
  return {
    preconditions: { uid: metadata.uid },
    ...(left !== undefined && left < own ? { gracePeriodSeconds: left } : {}),
  }
}

function pathOf({ metadata: { name, namespace } }: PodObject): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`
}

/** `The disruption budget db needs 2 healthy pods and has 2 currently`. */
function describeBudget({ details, message }: ApiRefusal): string {
  const causes = asRecord(details)['causes']
  const texts = Array.isArray(causes)
    ? causes.map((cause) => asRecord(cause)['message']).filter((text) => typeof text === 'string')
    : []
  return texts.join('; ') || message
}

function describe(remaining: readonly PodObject[], refusals: ReadonlyMap<string, string>): string {
  const pods = remaining.map(({ metadata }) => {
    const owner = metadata.ownerReferences?.[0]
    const why = refusals.get(metadata.uid) ?? 'it is still stopping'
    return `${metadata.namespace}/${metadata.name}${owner ? ` (of ${owner.kind} ${owner.name})` : ''}: ${why}`
  })
  return pods.length === 0 ? 'the Kubernetes API did not answer' : `would not go: ${pods.join('; ')}`
}
