import type { Node, Role } from '../cluster/cluster.ts'
import { workersAtOnce } from '../cluster/disruption.ts'
import type { NodeTimes } from './record.ts'
import type { UpgradePolicy } from './policy.ts'

/** How long nodes took before, by role; absent while this cluster has no history. */
export type NodeTimesByRole = Readonly<Partial<Record<Role, NodeTimes>>>

/** The margin beyond the longest time that a node has taken. */
const margin = 1.25
/** A node that hung for a night is ignored: otherwise no window would ever be long enough. */
const most = 4

/** So much of a window must be left to start upgrading a node of this role, in ms. */
export function neededFor(
  role: Role,
  times: NodeTimesByRole,
  { nodeEstimate }: Pick<UpgradePolicy, 'nodeEstimate'>,
): number {
  const known = times[role]
  return known ? Math.round(Math.min(known.longest * margin, nodeEstimate * most)) : nodeEstimate
}

/** How long a node of this role usually takes, in ms. */
function typicalFor(role: Role, times: NodeTimesByRole, { nodeEstimate }: Pick<UpgradePolicy, 'nodeEstimate'>): number {
  return times[role]?.typical ?? nodeEstimate
}

/** How long these nodes take one after another, workers as many at once as the policy lets, in ms. */
export function estimateRollout(
  toCome: readonly Pick<Node, 'role'>[],
  all: readonly Node[],
  times: NodeTimesByRole,
  policy: UpgradePolicy,
): number {
  const workers = toCome.filter(({ role }) => role === 'worker').length
  const rounds = Math.ceil(workers / workersAtOnce(all, policy))
  const controlPlanes = toCome.length - workers
  return rounds * typicalFor('worker', times, policy) + controlPlanes * typicalFor('controlplane', times, policy)
}
