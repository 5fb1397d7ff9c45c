import { type Cluster, isArmed, isHealthy, type Node, whyUnhealthy } from './cluster.ts'
import { isClosedByUs } from './disruption.ts'
import { goingBackObstacle, rollbackObstacle } from './etcd.ts'
import type { Circumstances, RollbackWish } from './gates.ts'
import { markOf } from './progress.ts'
import { go, type UpgradeDecision } from './upgrade-decision.ts'
import { finishRollbackPlan, reopenPlan, rollbackPlan, type UpgradePolicy } from './upgrade-plan.ts'

/**
 * What a person wants taken back goes before all else, and asks for little health: a broken cluster can be made whole by
 * it. Nodes that are not well come first, because they take nothing away. A wish that has to wait keeps nobody else's
 * work from being finished.
 */
export function decideRollback(
  cluster: Cluster,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision | undefined {
  const { nodes } = cluster
  const wishes = circumstances.rollbacks.flatMap((wish) => {
    const node = nodes.find(({ name }) => name === wish.node)
    return node ? [{ wish, node }] : []
  })
  const decisions = wishes
    .toSorted((a, b) => Number(isHealthy(a.node)) - Number(isHealthy(b.node)))
    .flatMap(({ wish, node }) => decideOne(node, wish, nodes, circumstances, policy) ?? [])
  const going = decisions.find(({ kind }) => kind === 'go')
  if (going) return going
  return nodes.some((node) => isClosedByUs(node) && !markOf(node)?.back) ? undefined : decisions[0]
}

function decideOne(
  node: Node,
  { bootId, to, force }: RollbackWish,
  nodes: readonly Node[],
  { now, powerObstacle }: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision | undefined {
  const { name } = node
  const mark = markOf(node)
  const rebooted = node.talos.ok && node.talos.value.bootId !== bootId
  const leaves = node.talos.ok && node.talos.value.stage === 'rebooting'
  if (mark?.back && mark.rebooting && (!node.talos.ok || rebooted || leaves))
    return go(name, `${name} is on its way back`, finishRollbackPlan(node, mark, policy))
  if (rebooted) return undefined
  if (!node.talos.ok) return { kind: 'wait', reason: `${name}, which is to go back, ${whyUnhealthy(node)}` }
  if (powerObstacle) return { kind: 'wait', reason: powerObstacle }
  if (node.kubernetes.ok && node.kubernetes.value.unschedulable && !node.kubernetes.value.cordon)
    return { kind: 'wait', reason: `${name}, which is to go back, was cordoned by somebody else: uncordon it to go on` }
  const barrier = force ? undefined : barrierOf(node, to)
  if (barrier)
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} can't go back: ${barrier}. \`caretaker rollback ${name} --force\` tries it all the same, \`caretaker retry ${name}\` leaves it as it is`,
    }
  const quorum = force ? undefined : rollbackObstacle(nodes, node)
  if (quorum) return { kind: 'wait', reason: `${name}, which is to go back, is needed: ${quorum}` }
  // What is only closed would keep this node's pods from finding a place.
  const idle = nodes.find(
    (other) => other !== node && isClosedByUs(other) && !markOf(other)?.back && !isArmed(other) && isHealthy(other),
  )
  if (idle) return go(idle.name, `${idle.name} is given back, so that ${name} can go back`, reopenPlan(idle))
  return go(name, `${name} is to go back from ${node.talos.value.version}`, rollbackPlan(node, now, policy))
}

/** Why its etcd would refuse the data. What is only installed has changed nothing in them. */
export function barrierOf(node: Node, to: string | undefined): string | undefined {
  if (!node.talos.ok) return undefined
  const { fallbackPending, staged, stage, bootId } = node.talos.value
  if (stage === 'running' && fallbackPending && !staged) return undefined
  const mark = markOf(node)
  // What it came from is known from a mark only when it has left that boot.
  const from = mark && mark.bootId !== bootId ? mark.from : undefined
  return goingBackObstacle(node, to ?? from)
}
