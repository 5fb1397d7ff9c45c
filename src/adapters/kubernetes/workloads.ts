import type { BlockingBudget, Workloads } from '../../core/cluster/cluster.ts'
import { type Api, listOf, queryOf } from './api.ts'
import { controllerOf, fullName, isStorageEngine, mustGo, ownerOf, type PodObject } from './pods.ts'

/** k8s.io/api policy/v1. */
interface BudgetObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly generation?: number }
  readonly spec?: {
    readonly selector?: LabelSelector | null
    /** A number of pods, or a share of them such as `50%`. */
    readonly minAvailable?: number | string
    readonly maxUnavailable?: number | string
    readonly unhealthyPodEvictionPolicy?: string
  }
  readonly status?: {
    readonly disruptionsAllowed?: number
    readonly currentHealthy?: number
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

/** Workloads that would block a node's drain, and pods that can't be scheduled. */
export async function observeWorkloads(api: Api, signal: AbortSignal): Promise<Workloads> {
  const pendingOnes = `/api/v1/pods${queryOf({ fieldSelector: 'status.phase=Pending' })}`
  const [budgets, pending] = await Promise.all([
    listOf<BudgetObject>(api, '/apis/policy/v1/poddisruptionbudgets', signal),
    listOf<PodObject>(api, pendingOnes, signal),
  ])
  const suspects = budgets.filter((budget) => mayBlock(budget) || budgets.some((other) => mayOverlap(budget, other)))
  const covered = await Promise.all(
    suspects.map(async (budget) => ({ budget, pods: await podsOf(api, budget, signal) })),
  )
  const alone = covered.flatMap(({ budget, pods }): BlockingBudget[] => {
    const why = whyNever(budget, pods)
    return why === undefined
      ? []
      : blocking(
          budget,
          why,
          pods.filter((pod) => !isFreeToGo(budget, pod)),
        )
  })
  return { blocking: [...alone, ...shared(covered)], pending: pending.flatMap(describeUnschedulable) }
}

interface Covered {
  readonly budget: BudgetObject
  readonly pods: readonly PodObject[]
}

/** The pods that the budget's selector chooses, whatever becomes of them. */
async function podsOf(api: Api, { metadata, spec }: BudgetObject, signal: AbortSignal): Promise<readonly PodObject[]> {
  const labelSelector = selectorText(spec?.selector)
  if (labelSelector === undefined) return []
  const path = `/api/v1/namespaces/${encodeURIComponent(metadata.namespace)}/pods${queryOf({ labelSelector })}`
  return listOf<PodObject>(api, path, signal)
}

/** The pods that a drain would evict and that the budget protects. */
function blocking({ metadata }: BudgetObject, why: string, pods: readonly PodObject[]): BlockingBudget[] {
  const kept = pods.flatMap((pod) => {
    const node = pod.spec?.nodeName
    return node === undefined || !asksBudget(pod) || isStorageEngine(pod)
      ? []
      : [{ name: pod.metadata.name, node, owner: ownerOf(pod) }]
  })
  return kept.length === 0 ? [] : [{ budget: `${metadata.namespace}/${metadata.name}`, why, pods: kept }]
}

/**
 * Whether a drain asks a budget for this pod: not what it leaves alone, and an eviction asks none for a pod that has not
 * started yet, goes already, or has no labels (kubernetes pkg/registry/core/pod/storage/eviction.go).
 */
function asksBudget(pod: PodObject): boolean {
  const { labels = {}, deletionTimestamp } = pod.metadata
  const isStarting = pod.status?.phase === 'Pending'
  return mustGo(pod) && !isStarting && deletionTimestamp === undefined && Object.keys(labels).length > 0
}

/**
 * A pod that is not ready goes although nothing is allowed: with `AlwaysAllow` in any case, else where the others are
 * enough (eviction.go).
 */
function isFreeToGo({ spec, status = {} }: BudgetObject, { status: pod }: PodObject): boolean {
  if (pod?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) return false
  const { currentHealthy = 0, desiredHealthy = 0 } = status
  return spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (desiredHealthy > 0 && currentHealthy >= desiredHealthy)
}

/** It allows no disruption now, and its controller has computed that, or has failed to. */
function mayBlock({ metadata, status = {} }: BudgetObject): boolean {
  const { disruptionsAllowed = 0, observedGeneration = 0 } = status
  if (disruptionsAllowed > 0) return false
  // A budget that was never computed has no observedGeneration.
  return syncFailure(status) !== undefined || observedGeneration >= (metadata.generation ?? 0)
}

/**
 * Why this budget will never allow an eviction as its workload stands. One that needs fewer pods than there are to be
 * only has no room at present, as while a pod is unwell; and what its controller has not looked at yet says nothing
 * (kubernetes pkg/controller/disruption/disruption.go getExpectedPodCount, updatePdbStatus).
 */
function whyNever(budget: BudgetObject, pods: readonly PodObject[]): string | undefined {
  if (!mayBlock(budget)) return undefined
  const { spec, status = {} } = budget
  // The controller can't count, for example pods whose owner has no scale: then nothing is ever allowed.
  const failure = syncFailure(status)
  if (failure !== undefined) return failure
  const { desiredHealthy = 0, expectedPods = 0 } = status
  const running = pods.filter(({ status: { phase } = {} }) => phase !== 'Succeeded' && phase !== 'Failed')
  // A number of pods that must stay is compared with the pods there are, everything else with what their owners want.
  const isCounted = spec?.maxUnavailable === undefined && typeof spec?.minAvailable === 'number'
  const bare = running.filter((pod) => controllerOf(pod) === undefined)
  if (!isCounted && expectedPods === 0 && running.length > 0) {
    const [first] = bare
    return first === undefined
      ? 'the controllers of its pods want 0 replicas'
      : `pod "${first.metadata.name}" has no controller, and only an absolute minAvailable counts such pods`
  }
  const most = isCounted ? running.length : expectedPods + bare.length
  return most === 0 || desiredHealthy < most ? undefined : `needs ${desiredHealthy} of ${most} pods`
}

/** The controller's message where it can't compute a budget. */
function syncFailure({ conditions }: NonNullable<BudgetObject['status']>): string | undefined {
  const failed = conditions?.find(({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed')
  return failed && (failed.message || 'it could not be computed')
}

/** Pods with more than one budget: the API server evicts none of them, whatever the budgets say (500). */
function shared(covered: readonly Covered[]): BlockingBudget[] {
  const budgetsOf = new Map<string, { readonly pod: PodObject; readonly budgets: BudgetObject[] }>()
  for (const { budget, pods } of covered) {
    for (const pod of pods) {
      const known = budgetsOf.get(pod.metadata.uid)
      if (known) known.budgets.push(budget)
      else budgetsOf.set(pod.metadata.uid, { pod, budgets: [budget] })
    }
  }
  const groups = new Map<string, { readonly budgets: readonly BudgetObject[]; readonly pods: PodObject[] }>()
  for (const { pod, budgets } of budgetsOf.values()) {
    if (budgets.length < 2) continue
    const key = budgets.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(' ')
    const group = groups.get(key)
    if (group) group.pods.push(pod)
    else groups.set(key, { budgets, pods: [pod] })
  }
  return [...groups.values()].flatMap(({ budgets: [first, ...others], pods }) => {
    const names = others.map(({ metadata }) => metadata.name).join(' and ')
    return blocking(first!, `${names} covers the same pods, and a pod with two budgets is never evicted`, pods)
  })
}

/** Whether two budgets can have a pod in common: not where they want different values of the same label. */
function mayOverlap(one: BudgetObject, other: BudgetObject): boolean {
  if (one === other || one.metadata.namespace !== other.metadata.namespace) return false
  if (!one.spec?.selector || !other.spec?.selector) return false
  const { matchLabels: first = {} } = one.spec.selector
  const { matchLabels: second = {} } = other.spec.selector
  return !Object.entries(first).some(([key, value]) => Object.hasOwn(second, key) && second[key] !== value)
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
  return found ? [`${fullName(pod)}: ${found.message ?? 'no reason given'}`] : []
}
