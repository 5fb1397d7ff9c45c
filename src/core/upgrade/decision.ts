import type { Plan } from '../plan.ts'
import type { Gate } from './gate.ts'
import type { NodeOutcome } from './record.ts'

/**
 * The intent of a node's plan.
 *
 * | intent   | means                                                                                 | at its end    |
 * |----------|---------------------------------------------------------------------------------------|---------------|
 * | upgrade  | brings it to the target release, from the cordon on; also once more, or after a crash | `upgraded`    |
 * | stage    | installs the target release, and leaves the node in service until its window          | –             |
 * | resume   | finishes what has left its old boot already                                           | `upgraded`    |
 * | rollback | brings it back to what it ran before, or disarms it                                   | `rolled-back` |
 * | release  | uncordons it as it is                                                                 | `released`    |
 * | give-up  | notes on it that it has failed, and uncordons it                                      | `failed`      |
 */
export type Intent = 'upgrade' | 'stage' | 'resume' | 'rollback' | 'release' | 'give-up'

/** One node and its plan. */
export interface NodePlan {
  readonly node: string
  readonly intent: Intent
  readonly reason: string
  readonly plan: Plan
}

export type UpgradeDecision =
  | { readonly kind: 'upgraded' }
  /** Without a gate: for a node that is under way. */
  | { readonly kind: 'wait'; readonly reason: string; readonly gate?: Gate; readonly until?: Date }
  /** `first` is done before any of the nodes is touched. More than one node: workers that go at the same time. */
  | { readonly kind: 'go'; readonly first: Plan; readonly nodes: readonly NodePlan[] }
  /** Nothing continues by itself from here. */
  | { readonly kind: 'stuck'; readonly node: string; readonly reason: string }

/** One node alone; `first` is done before it is touched. */
export function go(one: NodePlan, first: Plan = []): UpgradeDecision & { kind: 'go' } {
  return { kind: 'go', first, nodes: [one] }
}

/** Whether it starts the upgrade of a node. */
export function isForward({ intent }: Pick<NodePlan, 'intent'>): boolean {
  return intent === 'upgrade' || intent === 'stage'
}

/** The nodes that are to pull an installer. */
export function nodesThatPull(decision: UpgradeDecision): readonly string[] {
  if (decision.kind !== 'go') return []
  const steps = [decision.first, ...decision.nodes.map(({ plan }) => plan)].flat().flatMap((phase) => phase.steps)
  return steps.flatMap((step) => ('node' in step && 'image' in step ? [step.node] : []))
}

/** What has become of a node whose plan was carried out to its end; undefined where its attempt continues. */
export function outcomeOf(intent: Intent): NodeOutcome | undefined {
  switch (intent) {
    case 'upgrade':
    case 'resume':
      return 'upgraded'
    case 'rollback':
      return 'rolled-back'
    case 'release':
      return 'released'
    case 'give-up':
      return 'failed'
    case 'stage':
      return undefined
    default:
      return intent satisfies never
  }
}
