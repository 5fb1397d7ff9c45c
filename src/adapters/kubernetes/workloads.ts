import type { BlockingBudget, Workloads } from '../../core/cluster.ts'
import { type Api, listOf, queryOf } from './api.ts'
import { fullName, isStorageEngine, mustGo, ownerOf, type PodObject } from './pods.ts'

/** k8s.io/api policy/v1. */
interface BudgetObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly generation?: number }
  readonly spec?: { readonly selector?: LabelSelector | null }
  readonly status?: {
    readonly disruptionsAllowed?: number
    readonly desiredHealthy?: number
    readonly expectedPods?: number
    readonly observedGeneration?: number
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
  }
}

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** What of the workloads would keep a node's drain from ending, or has no place already. */
export async function lookAtWorkloads(api: Api, signal: AbortSignal): Promise<Workloads> {
  const pendingOnes = `/api/v1/pods${queryOf({ fieldSelector: 'status.phase=Pending' })}`
  const [budgets, pending] = await Promise.all([
    listOf<BudgetObject>(api, '/apis/policy/v1/poddisruptionbudgets', signal),
    listOf<PodObject>(api, pendingOnes, signal),
  ])
  const blocking = await Promise.all(budgets.map((budget) => blockingBudget(api, budget, signal)))
  return { blocking: blocking.filter((one) => one !== undefined), pending: pending.flatMap(describeUnschedulable) }
}

async function blockingBudget(
  api: Api,
  budget: BudgetObject,
  signal: AbortSignal,
): Promise<BlockingBudget | undefined> {
  const { name, namespace } = budget.metadata
  const why = whyNever(budget)
  const labelSelector = selectorText(budget.spec?.selector)
  if (why === undefined || labelSelector === undefined) return undefined
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods${queryOf({ labelSelector })}`
  const pods = (await listOf<PodObject>(api, path, signal)).flatMap((pod) => {
    const node = pod.spec?.nodeName
    // What a drain leaves alone is not kept by its budget, and Longhorn takes its engines' budgets away by itself.
    return node === undefined || !mustGo(pod) || isStorageEngine(pod)
      ? []
      : [{ name: pod.metadata.name, node, owner: ownerOf(pod) }]
  })
  return pods.length === 0 ? undefined : { budget: `${namespace}/${name}`, why, pods }
}

/**
 * Why this budget will never allow an eviction as its workload stands. One that needs fewer pods than there are to be
 * only has no room at present, as while a pod is unwell; and what its controller has not looked at yet says nothing
 * (kubernetes pkg/controller/disruption).
 */
function whyNever({ metadata, status = {} }: BudgetObject): string | undefined {
  const { disruptionsAllowed = 0, desiredHealthy = 0, expectedPods = 0, observedGeneration = 0 } = status
  if (disruptionsAllowed > 0 || observedGeneration < (metadata.generation ?? 0)) return undefined
  // The controller can't count, for example pods that have no owner with a scale: then nothing is ever allowed.
  const failed = status.conditions?.find(({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed')
  if (failed) return failed.message || 'it can not be worked out'
  if (expectedPods === 0 || desiredHealthy < expectedPods) return undefined
  return `needs ${desiredHealthy} of ${expectedPods} pods`
}

/** As a list's `labelSelector` (k8s.io/apimachinery meta/v1 LabelSelectorAsSelector); undefined where it chooses nothing. */
function selectorText(selector: LabelSelector | null | undefined): string | undefined {
  if (!selector) return undefined
  const { matchLabels = {}, matchExpressions = [] } = selector
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`)
  const others = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`
  })
  return [...equal, ...others].join(',')
}

function describeUnschedulable(pod: PodObject): string[] {
  const found = pod.status?.conditions?.find(
    ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  )
  return found ? [`${fullName(pod)}: ${found.message ?? 'it does not say why'}`] : []
}
