import type { Plan } from '../plan.ts'

/** One node, and what is to be done with it. */
export interface NodePlan {
  readonly node: string
  readonly reason: string
  readonly plan: Plan
}

export type UpgradeDecision =
  | { readonly kind: 'upgraded' }
  | { readonly kind: 'wait'; readonly reason: string; readonly until?: Date }
  /** `first` is done before any of the nodes is touched. More than one node: workers that go at the same time. */
  | { readonly kind: 'go'; readonly first: Plan; readonly nodes: readonly NodePlan[] }
  /** Nothing goes on by itself from here. */
  | { readonly kind: 'stuck'; readonly node: string; readonly reason: string }

/** One node alone; `first` is done before it is touched. */
export function go(node: string, reason: string, plan: Plan, first: Plan = []): UpgradeDecision & { kind: 'go' } {
  return { kind: 'go', first, nodes: [{ node, reason, plan }] }
}
