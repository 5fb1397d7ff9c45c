import { type Cluster, isArmed, isHealthy, whyUnhealthy } from './cluster.ts'
import { isClosedByUs } from './disruption.ts'
import { goingBackObstacle } from './etcd.ts'
import type { Circumstances } from './gates.ts'
import { markOf } from './progress.ts'
import { go, type UpgradeDecision } from './upgrade-decision.ts'
import { finishRollbackPlan, reopenPlan, rollbackPlan, type UpgradePolicy } from './upgrade-plan.ts'

/** What a person wants taken back goes before all else, and asks for no health: a broken cluster can be made whole by it. */
export function decideRollback(
  { nodes }: Cluster,
  { now, rollbacks, powerObstacle }: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision | undefined {
  for (const wish of rollbacks) {
    const { node: name, bootId, to, force } = wish
    const node = nodes.find((candidate) => candidate.name === name)
    if (!node) continue
    const mark = markOf(node)
    const rebooted = node.talos.ok && node.talos.value.bootId !== bootId
    if (mark?.back && mark.rebooting && (!node.talos.ok || rebooted))
      return go(name, `${name} is on its way back`, finishRollbackPlan(node, mark, policy))
    if (rebooted) continue
    if (!node.talos.ok) return { kind: 'wait', reason: `${name}, which is to go back, ${whyUnhealthy(node)}` }
    if (powerObstacle) return { kind: 'wait', reason: powerObstacle }
    // What is only installed has changed nothing in etcd's data.
    const barrier = force || isArmed(node) ? undefined : goingBackObstacle(node, to ?? mark?.from)
    if (barrier)
      return { kind: 'stuck', node: name, reason: `${name} can't go back: ${barrier}. --force tries it all the same` }
    // What is only closed would keep this node's pods from finding a place.
    const idle = nodes.find(
      (other) => other !== node && isClosedByUs(other) && !markOf(other)?.back && !isArmed(other) && isHealthy(other),
    )
    if (idle) return go(idle.name, `${idle.name} is given back, so that ${name} can go back`, reopenPlan(idle))
    return go(name, `${name} is to go back from ${node.talos.value.version}`, rollbackPlan(node, now, policy))
  }
  return undefined
}
