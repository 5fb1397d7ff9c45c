import { type Cluster, type CordonMark, isHealthy, type Node, whyUnhealthy } from '../cluster/cluster.ts'
import { componentsObstacle } from '../cluster/components.ts'
import { workersAtOnce } from '../cluster/disruption.ts'
import { isInstalled } from '../cluster/next-boot.ts'
import { describeRunning, describeStuck, exhausted, goesByFirmware, isOutdated, markOf, nextCount } from './attempts.ts'
import type { NodePlan, UpgradeDecision } from './decision.ts'
import {
  approvalObstacle,
  canaryObstacle,
  type Circumstances,
  isStagedFor,
  nodeObstacle,
  type Obstacle,
  setAside,
  type Situation,
  startObstacle,
  windowObstacle,
} from './gates.ts'
import { decideFallen, decideLeftover } from './leftovers.ts'
import { candidatesOf, whyNone } from './order.ts'
import { upgradePlan } from './plan.ts'
import type { UpgradePolicy, UpgradeTarget } from './policy.ts'
import { pullPlan, snapshotPlan } from './preparation.ts'
import { decideResumes } from './resume.ts'
import { decideRollback } from './rollback.ts'
import { decideStaging } from './stage.ts'

/**
 * Decides the next thing to do on the way to the target: one node, or as many workers as may be away at once. Asked
 * again after every node it starts from what it then sees, so a crash half-way needs no bookkeeping: a node that carries
 * our mark is our unfinished work, and is finished before anything else is started.
 */
export function decideUpgrade(
  cluster: Cluster,
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision {
  const begun = decideLeftover(cluster.nodes) ?? decideRollback(cluster, circumstances, policy, target.networkBootOf)
  if (begun) return begun
  const situation: Situation = { cluster, target, circumstances, policy }
  const unfinished = cluster.nodes.filter((node) => markOf(node)?.why === 'upgrade')
  return unfinished.length > 0 ? decideResumes(unfinished, situation) : decideNext(situation)
}

/** Which node is started, where none is under way. */
function decideNext(situation: Situation): UpgradeDecision {
  const { cluster, target, circumstances, policy } = situation
  const outdated = cluster.nodes.filter((node) => isOutdated(node, target))
  if (outdated.length === 0) {
    // Without Kubernetes no one knows whether a node still carries our mark.
    const silent = cluster.nodes.find((node) => !node.talos.ok || !node.kubernetes.ok)
    return silent
      ? { kind: 'wait', gate: 'node', reason: `${silent.name} ${whyUnhealthy(silent)}` }
      : { kind: 'upgraded' }
  }
  const failed = decideFallen(outdated, target) ?? decideStuck(outdated, situation)
  if (failed) return failed
  const obstacle = startObstacle(cluster, target, circumstances) ?? firstCanary(situation)
  if (obstacle) return { kind: 'wait', ...obstacle }

  const [next, ...others] = candidatesOf(outdated, situation)
  if (!next) return { kind: 'wait', ...whyNone(outdated, situation) }
  const mismatch = componentsObstacle([next, ...others], target.version, circumstances.components)
  if (mismatch) return { kind: 'wait', gate: 'components', reason: mismatch }
  const window = windowObstacle(next.role, circumstances, policy)
  if (window) return decideStaging(outdated, window, situation)
  const specific =
    nodeObstacle(next, situation) ??
    (next.name === policy.canary?.node ? undefined : canaryObstacle(cluster.nodes, circumstances, policy))
  return specific ? { kind: 'wait', ...specific } : begin(next, others, situation)
}

/** A node that has failed too often stops the others too; pausing it lets them continue. */
function decideStuck(
  outdated: readonly Node[],
  { target, circumstances, policy }: Situation,
): UpgradeDecision | undefined {
  const stays = (node: Node) => setAside(node, { ...circumstances, blocked: new Map() }) !== undefined
  const stuck = outdated.find((node) => exhausted(node, target, policy) && !stays(node))
  return stuck && { kind: 'stuck', node: stuck.name, reason: describeStuck(stuck, target) }
}

/** Why the canary can't be the next one; the others wait for it. */
function firstCanary({ cluster, target, circumstances, policy }: Situation): Obstacle | undefined {
  const canary = policy.canary && cluster.nodes.find(({ name }) => name === policy.canary?.node)
  if (!canary || (canary.talos.ok && !isOutdated(canary, target))) return undefined
  const aside = canary.talos.ok ? setAside(canary, circumstances)?.reason : `${canary.name} ${whyUnhealthy(canary)}`
  if (aside) return { gate: 'canary', reason: `the canary must be upgraded first: ${aside}` }
  return approvalObstacle(canary, target, circumstances, policy)
}

function begin(next: Node, others: readonly Node[], situation: Situation): UpgradeDecision {
  const { target, circumstances, policy } = situation
  const together = [next, ...besides(next, others, situation)]
  const later = others.filter((node) => !together.includes(node) && isHealthy(node))
  return {
    kind: 'go',
    // The canary's image is pulled first; the others' images before the second node.
    first: [...pullPlan([...together, ...later], target, policy), ...snapshotPlan(next, target, circumstances, policy)],
    nodes: together.map((node) => beginOne(node, situation)),
  }
}

function beginOne(node: Node, { target, circumstances: { now }, policy }: Situation): NodePlan {
  const attempt = {
    count: nextCount(node, target),
    installed: isStagedFor(node, target) && isInstalled(node, target.version),
    powercycled: goesByFirmware(node, target, policy),
  }
  return {
    node: node.name,
    intent: 'upgrade',
    reason: `${node.name} runs ${describeRunning(node)}`,
    plan: upgradePlan(node, attempt, { target, policy, now }),
  }
}

/** Further workers that may be away at the same time as the first one. */
function besides(first: Node, others: readonly Node[], situation: Situation): readonly Node[] {
  const { cluster, circumstances, policy } = situation
  if (first.role === 'controlplane' || first.name === policy.canary?.node) return []
  // Two nodes may hold the last two replicas of a volume, and nothing shows which.
  if (!circumstances.storage.ok || circumstances.storage.value.systems.length > 0) return []
  const chosen: Node[] = []
  const free = workersAtOnce(cluster.nodes, policy) - 1
  for (const node of others.filter(({ role }) => role === 'worker')) {
    if (chosen.length >= free) break
    const gone = new Set([first.name, ...chosen.map(({ name }) => name)])
    const nodes = cluster.nodes.map((other) => (gone.has(other.name) ? asCordoned(other) : other))
    if (nodeObstacle(node, { ...situation, cluster: { ...cluster, nodes } }) === undefined) chosen.push(node)
  }
  return chosen
}

/** The node as it will be once it is cordoned. */
function asCordoned(node: Node): Node {
  if (!node.kubernetes.ok) return node
  const cordon: CordonMark = { why: 'upgrade', at: '' }
  return { ...node, kubernetes: { ok: true, value: { ...node.kubernetes.value, unschedulable: true, cordon } } }
}
