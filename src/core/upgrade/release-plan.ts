import type { Attempts, CordonMark, Node } from '../cluster/cluster.ts'
import { phase, type Phase, type Plan, type StopReason } from '../plan.ts'

/** Plans that uncordon a node as it is, and note something on it before. */

/** Notes need the API server, which a failing battery has no time for; a node to roll back is observed again first. */
const beforeNote: readonly StopReason[] = ['failing-power', 'rollback-request']

/** Uncordons the node as it is. */
export function uncordonPlan({ name }: Pick<Node, 'name'>): Plan {
  return [phase('uncordon', [], { do: 'uncordon', node: name, why: 'upgrade' })]
}

/** Notes on the node why its attempt failed, which outlives our mark. */
export function failureNote({ name }: Pick<Node, 'name'>, attempts: Attempts): Phase {
  return phase('annotate', beforeNote, { do: 'note-failure', node: name, attempts })
}

/** Keeps on the node what only our annotation records, before it is removed. */
export function stagedNote({ name }: Pick<Node, 'name'>, mark: CordonMark): Phase {
  return phase('annotate', beforeNote, { do: 'note-staged', node: name, mark })
}
