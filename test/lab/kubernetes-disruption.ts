import {
  disruptionBudgets,
  isPodReady,
  withCondition,
  type DisruptionBudgetObject,
  type Draft,
  type PodObject,
  type Requirement,
} from './kubernetes-objects.ts'
import type { Owners } from './kubernetes-owners.ts'
import { deletePod, listPods, markDisrupted } from './kubernetes-pods.ts'
import { disruptionRefused, refuse } from './kubernetes-status.ts'
import type { World } from './kubernetes-world.ts'

/** How many pods of an application must stay. */
export interface DisruptionBudgetOptions {
  readonly name: string
  readonly namespace?: string
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly Requirement[]
  readonly minAvailable?: number
  readonly maxUnavailable?: number
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
    status: {
      conditions: [],
      currentHealthy: 0,
      desiredHealthy: 0,
      disruptionsAllowed: 0,
      expectedPods: 0,
      observedGeneration: 0,
    },
  }
}

/** Writes down what each budget allows at the moment (kubernetes pkg/controller/disruption). */
export function settleBudgets(world: World, owners: Owners): void {
  for (const budget of listBudgets(world)) {
    const problem = whyUncountable(world, owners, budget)
    const figures =
      problem === undefined ? countBudget(world, owners, budget) : { ...budget.status, disruptionsAllowed: 0 }
    const enough = figures.disruptionsAllowed > 0
    const conditions = withCondition(budget.status.conditions, {
      type: 'DisruptionAllowed',
      status: enough ? 'True' : 'False',
      reason: problem !== undefined ? 'SyncFailed' : enough ? 'SufficientPods' : 'InsufficientPods',
      message: problem ?? '',
      observedGeneration: 1,
    })
    world.store.replace(disruptionBudgets, { ...budget, status: { ...figures, conditions, observedGeneration: 1 } })
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
  const [budget, second] = listBudgets(world).filter((each) => matches(each, pod))
  if (budget === undefined) return
  if (second !== undefined) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    throw refuse(500, message)
  }
  // Counted afresh and not read from the status: two evictions may come before the controller has looked again.
  const { currentHealthy, desiredHealthy, disruptionsAllowed } = countBudget(world, owners, budget)
  if (!isPodReady(pod)) {
    if (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return
  }
  if (disruptionsAllowed > 0) return
  const { name } = budget.metadata
  throw disruptionRefused(
    currentHealthy <= desiredHealthy
      ? `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
      : `The disruption budget ${name} does not allow evicting pods currently`,
  )
}

/** Limits that count what is missing need to know how many there should be, which not every controller tells. */
function whyUncountable(world: World, owners: Owners, budget: DisruptionBudgetObject): string | undefined {
  if (budget.spec.maxUnavailable === undefined) return undefined
  const pod = listPods(world, budget.metadata.namespace).find(
    (each) =>
      matches(budget, each) && each.metadata.ownerReferences !== undefined && owners.scaleOf(each) === undefined,
  )
  return pod && `found no controllers for pod "${pod.metadata.name}"`
}

function countBudget(world: World, owners: Owners, budget: DisruptionBudgetObject) {
  const { minAvailable, maxUnavailable } = budget.spec
  const covered = listPods(world, budget.metadata.namespace).filter((pod) => matches(budget, pod))
  const scales = new Map(covered.map((pod) => [pod.metadata.ownerReferences?.[0]?.uid, owners.scaleOf(pod) ?? 0]))
  const scale = [...scales.values()].reduce((sum, each) => sum + each, 0)
  const expectedPods = maxUnavailable === undefined ? covered.length : scale
  const desiredHealthy = maxUnavailable === undefined ? (minAvailable ?? 0) : Math.max(0, scale - maxUnavailable)
  const healthy = covered.filter((pod) => pod.metadata.deletionTimestamp === undefined && isPodReady(pod))
  const currentHealthy = healthy.length
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  return { currentHealthy, desiredHealthy, disruptionsAllowed, expectedPods }
}

function listBudgets({ store }: World): readonly DisruptionBudgetObject[] {
  return store.list(disruptionBudgets)
}

function matches({ metadata, spec }: DisruptionBudgetObject, pod: PodObject): boolean {
  if (metadata.namespace !== pod.metadata.namespace) return false
  // An eviction of a pod without labels asks no budget at all, not even one that selects everything.
  if (Object.keys(pod.metadata.labels ?? {}).length === 0) return false
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
