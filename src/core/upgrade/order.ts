import type { Cluster, Node } from '../cluster/cluster.ts'
import { leadsEtcd } from '../cluster/etcd.ts'
import { isOutdated } from './attempts.ts'
import { approvalObstacle, type Obstacle, setAside, type Situation } from './gates.ts'
import type { UpgradePolicy, UpgradeTarget } from './policy.ts'

/** Nodes that are to be upgraded, in the order in which it would be done. For showing; `decideUpgrade` decides. */
export function upgradeOrder(cluster: Cluster, target: UpgradeTarget, policy: UpgradePolicy): readonly Node[] {
  return inOrder(
    cluster.nodes.filter((node) => isOutdated(node, target)),
    policy,
  )
}

/**
 * The canary, then by policy workers or control planes; the etcd leader as the last of the control planes, for one
 * election only.
 */
export function inOrder(nodes: readonly Node[], { order, canary }: UpgradePolicy): readonly Node[] {
  const rank = (node: Node) => {
    if (node.name === canary?.node) return 0
    const late = (node.role === 'worker') === (order === 'control-planes-first')
    return 1 + (late ? 2 : 0) + (leadsEtcd(node) ? 1 : 0)
  }
  return nodes.toSorted((a, b) => rank(a) - rank(b))
}

/**
 * Those that can be next, in order. Nodes that are set aside by a person or for a while let others go before them, and so
 * do nodes whose step waits for approval.
 */
export function candidatesOf(
  outdated: readonly Node[],
  { target, circumstances, policy }: Omit<Situation, 'cluster'>,
): readonly Node[] {
  const isHeld = (node: Node) => setAside(node, circumstances) ?? approvalObstacle(node, target, circumstances, policy)
  return inOrder(
    outdated.filter((node) => isHeld(node) === undefined),
    policy,
  )
}

/** Why no node can be next. What a person can say yes to comes first. */
export function whyNone(
  outdated: readonly Node[],
  { target, circumstances, policy }: Omit<Situation, 'cluster'>,
): Obstacle {
  const free = outdated.find((node) => setAside(node, circumstances) === undefined)
  const unapproved = free && approvalObstacle(free, target, circumstances, policy)
  return unapproved ?? setAside(outdated[0]!, circumstances)!
}
