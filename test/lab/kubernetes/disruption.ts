import {
  disruptionBudgets,
  isPodReady,
  withCondition,
  type DisruptionBudgetObject,
  type Draft,
  type OwnerReference,
  type PodObject,
  type Requirement,
} from './objects.ts'
import type { Owners } from './owners.ts'
import { deletePod, listPods, markDisrupted } from './pods.ts'
import { disruptionRefused, refuse } from './status.ts'
import type { World } from './world.ts'

/** How many pods of an application must stay. */
export interface DisruptionBudgetOptions {
  readonly name: string
  readonly namespace?: string
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly Requirement[]
  /** A number of pods, or a share of them such as `50%`. */
  readonly minAvailable?: number | string
  readonly maxUnavailable?: number | string
  readonly unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow'
}

export function draftDisruptionBudget(options: DisruptionBudgetOptions): Draft<DisruptionBudgetObject> {
  const { name, namespace = 'default', matchLabels, matchExpressions, ...limits } = options
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace, generation: 1 },
    spec: {
      ...limits,
      selector: { ...(matchLabels && { matchLabels }), ...(matchExpressions && { matchExpressions }) },
    },
    // Zeros of these four are written, and that of observedGeneration is not (k8s.io/api policy/v1, omitempty).
    status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
  }
}

/** Writes down what each budget allows at the moment (kubernetes pkg/controller/disruption). */
export function settleBudgets(world: World, owners: Owners): void {
  for (const budget of listBudgets(world)) {
    const { generation = 1 } = budget.metadata
    const problem = whyUncountable(world, owners, budget)
    if (problem !== undefined) {
      // Its failSafe: nothing is allowed, and all else stays as it was, observedGeneration too.
      const { observedGeneration } = budget.status
      const conditions = withCondition(budget.status.conditions ?? [], {
        type: 'DisruptionAllowed',
        status: 'False',
        reason: 'SyncFailed',
        message: problem,
        ...(observedGeneration !== undefined && { observedGeneration }),
      })
      world.store.replace(disruptionBudgets, {
        ...budget,
        status: { ...budget.status, disruptionsAllowed: 0, conditions },
      })
      continue
    }
    const figures = countBudget(world, owners, budget)
    const enough = figures.disruptionsAllowed > 0
    const conditions = withCondition(budget.status.conditions ?? [], {
      type: 'DisruptionAllowed',
      status: enough ? 'True' : 'False',
      reason: enough ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      observedGeneration: generation,
    })
    const status = { ...figures, conditions, observedGeneration: generation }
    world.store.replace(disruptionBudgets, { ...budget, status })
  }
}

/**
 * Evicts a pod, or throws the refusal of its budget. A pod that has not started, has finished or goes already needs no
 * budget; one with two budgets is never evicted (kubernetes pkg/registry/core/pod/storage/eviction.go).
 */
export function evictPod(
  world: World,
  owners: Owners,
  pod: PodObject,
  { grace, dryRun }: { readonly grace: number | undefined; readonly dryRun: boolean },
): void {
  if (pod.status.phase === 'Running' && pod.metadata.deletionTimestamp === undefined) askBudget(world, owners, pod)
  if (dryRun) return
  deletePod(world, markDisrupted(world, pod), grace)
}

function askBudget(world: World, owners: Owners, pod: PodObject): void {
  // An eviction of a pod without labels asks no budget at all, not even one that selects everything.
  if (Object.keys(pod.metadata.labels ?? {}).length === 0) return
  const [budget, second] = listBudgets(world).filter((each) => matches(each, pod))
  if (budget === undefined) return
  if (second !== undefined) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    throw refuse(500, message)
  }
  const { name, generation = 1 } = budget.metadata
  const { conditions = [], observedGeneration = 0 } = budget.status
  const failed = conditions.find(({ reason }) => reason === 'SyncFailed')
  // Counted afresh and not read from the status: two evictions may come before the controller has looked again.
  const figures = failed === undefined ? countBudget(world, owners, budget) : budget.status
  const { currentHealthy, desiredHealthy, disruptionsAllowed } = figures
  if (!isPodReady(pod)) {
    if (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return
  }
  if (failed !== undefined && observedGeneration < generation)
    throw disruptionRefused(`The disruption budget ${name} is still being processed by the server.`, 10)
  if (disruptionsAllowed > 0) return
  if (failed !== undefined) {
    const why = `because it failed sync: ${failed.message ?? ''}`
    throw disruptionRefused(`The disruption budget ${name} does not allow evicting pods currently ${why}`)
  }
  throw disruptionRefused(
    currentHealthy <= desiredHealthy
      ? `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
      : `The disruption budget ${name} does not allow evicting pods currently`,
  )
}

/** Whether it says how many must stay of the pods there are; all else needs to know how many there should be. */
function isCounted({ spec }: DisruptionBudgetObject): boolean {
  return spec.maxUnavailable === undefined && typeof spec.minAvailable !== 'string'
}

/** Which not every controller tells. Pods without one are left out (getExpectedScale, unmanagedPods). */
function whyUncountable(world: World, owners: Owners, budget: DisruptionBudgetObject): string | undefined {
  if (isCounted(budget)) return undefined
  const pod = listPods(world, budget.metadata.namespace).find(
    (each) => matches(budget, each) && controllerOf(each) !== undefined && owners.scaleOf(each) === undefined,
  )
  if (pod === undefined) return undefined
  const { kind = '' } = controllerOf(pod) ?? {}
  const scaleless: Readonly<Record<string, string>> = { DaemonSet: 'daemonsets.apps', Job: 'jobs.batch', Node: 'nodes' }
  if (kind in scaleless) return `${scaleless[kind]} does not implement the scale subresource`
  return `found no controllers for pod "${pod.metadata.name}"`
}

function countBudget(world: World, owners: Owners, budget: DisruptionBudgetObject) {
  const { minAvailable = 0, maxUnavailable } = budget.spec
  const covered = listPods(world, budget.metadata.namespace).filter((pod) => matches(budget, pod))
  const scales = new Map(covered.map((pod) => [controllerOf(pod)?.uid, owners.scaleOf(pod) ?? 0]))
  const scale = [...scales.values()].reduce((sum, each) => sum + each, 0)
  const expectedPods = isCounted(budget) ? covered.length : scale
  const desiredHealthy =
    maxUnavailable === undefined
      ? scaled(minAvailable, expectedPods)
      : Math.max(0, expectedPods - scaled(maxUnavailable, expectedPods))
  const healthy = covered.filter((pod) => pod.metadata.deletionTimestamp === undefined && isPodReady(pod))
  const currentHealthy = healthy.length
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  return { currentHealthy, desiredHealthy, disruptionsAllowed, expectedPods }
}

/** A share is rounded up (k8s.io/apimachinery pkg/util/intstr GetScaledValueFromIntOrPercent). */
function scaled(value: number | string, of: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * of) / 100)
}

function controllerOf({ metadata }: PodObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller)
}

function listBudgets({ store }: World): readonly DisruptionBudgetObject[] {
  return store.list(disruptionBudgets)
}

function matches({ metadata, spec }: DisruptionBudgetObject, pod: PodObject): boolean {
  if (metadata.namespace !== pod.metadata.namespace) return false
  const { matchLabels = {}, matchExpressions = [] } = spec.selector
  const labels = pod.metadata.labels ?? {}
  const equal = Object.entries(matchLabels).every(([label, value]) => labels[label] === value)
  return equal && matchExpressions.every((requirement) => meets(labels, requirement))
}

/** k8s.io/apimachinery pkg/labels Requirement.Matches: what is not there is not in the list. */
function meets(labels: Readonly<Record<string, string>>, { key, operator, values = [] }: Requirement): boolean {
  const value = labels[key]
  if (operator === 'Exists') return value !== undefined
  if (operator === 'DoesNotExist') return value === undefined
  return (value !== undefined && values.includes(value)) === (operator === 'In')
}
