import { isHealthy, type Node, whyUnhealthy } from './cluster.ts'
import { etcdObstacle, quorumObstacle } from './etcd.ts'

/** How many nodes may be down at once. Control planes: always one. */
export interface DisruptionPolicy {
  /** Workers at once: a number, or a share of all of them. */
  readonly parallel: number | { readonly percent: number }
  /** A two-member etcd loses its quorum in any upgrade; `allow` accepts that. */
  readonly twoMembers: 'refuse' | 'allow'
}

/** How many workers may be down at once, at least one. */
export function workersAtOnce(nodes: readonly Node[], { parallel }: Pick<DisruptionPolicy, 'parallel'>): number {
  if (typeof parallel === 'number') return parallel
  const workers = nodes.filter(({ role }) => role === 'worker').length
  return Math.max(1, Math.floor((workers * parallel.percent) / 100))
}

/** Whether Caretaker has cordoned the node for its upgrade. */
export function isCordonedByUs({ kubernetes }: Node): boolean {
  return kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade'
}

/**
 * Why this node can't be taken away now; undefined when it can. What is away already, for whatever reason, counts: nodes
 * that are not ready shrink the budget. A control plane goes only while every other node is in service, a worker only
 * while every control plane is, and no other worker of its zone is away.
 *
 * Nodes that we have cordoned count as away for one that is still in service. Of those that are cordoned already the first
 * by name goes first: else each would wait for the other, or all would go together.
 */
export function leavingObstacle(nodes: readonly Node[], leaving: string, policy: DisruptionPolicy): string | undefined {
  const node = nodes.find(({ name }) => name === leaving)
  const isBefore = (other: Node) => !(node && isCordonedByUs(node)) || other.name < leaving
  const isAway = (other: Node) => !isHealthy(other) || (isCordonedByUs(other) && isBefore(other))
  const away = nodes.filter((other) => other.name !== leaving && isAway(other))
  const says = (other: Node) => `${other.name} ${whyUnhealthy(other) ?? 'is being upgraded'}`
  if (node?.role === 'controlplane') {
    if (away[0]) return says(away[0])
    return etcdObstacle(nodes) ?? quorumObstacle(nodes, [leaving], policy.twoMembers === 'allow')
  }
  const controlPlane = away.find(({ role }) => role === 'controlplane')
  if (controlPlane) return says(controlPlane)
  const atOnce = workersAtOnce(nodes, policy)
  if (away.length >= atOnce) {
    const others = away.map(says).join(', ')
    return atOnce === 1 ? others : `${others}: only ${atOnce} workers may be down at once`
  }
  const zone = zoneOf(node)
  const neighbour = zone === undefined ? undefined : away.find((other) => zoneOf(other) === zone)
  return neighbour && `${says(neighbour)}, and is in the same zone (${zone})`
}

function zoneOf(node: Node | undefined): string | undefined {
  return node?.kubernetes.ok ? node.kubernetes.value.zone : undefined
}
