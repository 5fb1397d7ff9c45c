import type { Attempts, CordonMark, Node } from '../cluster/cluster.ts'
import { phase, type Phase, type Plan, type StopReason } from '../plan.ts'

/** Nodes that are put back into service as they are, and what is noted on them before. */

/** A note is a call to an API that a failing battery needs for more; a node that is to go back is looked at anew first. */
const beforeNote: readonly StopReason[] = ['failing-power', 'rollback-request']

/** Back into service as it is. */
export function uncordonPlan({ name }: Pick<Node, 'name'>): Plan {
  return [phase('uncordon', [], { do: 'uncordon', node: name, why: 'upgrade' })]
}

/** Notes on the node why its attempt failed, which outlives our mark. */
export function failureNote({ name }: Pick<Node, 'name'>, attempts: Attempts): Phase {
  return phase('annotate', beforeNote, { do: 'note-failure', node: name, attempts })
}

/** Keeps on the node what our mark alone tells, before it is taken off. */
export function stagedNote({ name }: Pick<Node, 'name'>, mark: CordonMark): Phase {
  return phase('annotate', beforeNote, { do: 'note-staged', node: name, mark })
}
