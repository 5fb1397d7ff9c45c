import type { Node } from '../cluster/cluster.ts'
import { isArmed } from '../cluster/next-boot.ts'
import { hasLifecycleService } from '../version.ts'
import { go, type UpgradeDecision } from './decision.ts'
import { isStagedFor, nodeObstacle, type Obstacle, type Situation } from './gates.ts'
import { candidatesOf, inOrder } from './order.ts'
import { stagePlan } from './plan.ts'
import { isDiskless, pullPlan } from './preparation.ts'

/** Outside a window: with `mode: staged` the next node gets its release installed, and keeps running. */
export function decideStaging(outdated: readonly Node[], window: Obstacle, situation: Situation): UpgradeDecision {
  const { target, circumstances, policy } = situation
  if (policy.mode !== 'staged') return { kind: 'wait', ...window }
  const ready = inOrder(
    outdated.filter((node) => isStagedFor(node, target) && isArmed(node)),
    policy,
  )
  const next = candidatesOf(outdated, situation).find(
    (node) =>
      node.talos.ok &&
      hasLifecycleService(node.talos.value.version) &&
      !isDiskless(node.name, target) &&
      !ready.includes(node) &&
      // No one else is armed before the canary has proven anything.
      (node.name === policy.canary?.node || !outdated.some(({ name }) => name === policy.canary?.node)),
  )
  if (!next) {
    const names = ready.map(({ name }) => name).join(', ')
    return { kind: 'wait', ...window, reason: `${window.reason}${names && `; it is already installed on ${names}`}` }
  }
  const specific = nodeObstacle(next, situation)
  if (specific) return { kind: 'wait', ...specific }
  return go(
    {
      node: next.name,
      intent: 'stage',
      reason: `${next.name} gets ${target.version} installed now, and reboots in its window`,
      plan: stagePlan(next, { target, policy, now: circumstances.now }),
    },
    pullPlan([next], target, policy),
  )
}
