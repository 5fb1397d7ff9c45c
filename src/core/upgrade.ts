import { type Attempts, type CordonMark, isArmed, isHealthy, type Cluster, type Node, whyUnhealthy } from './cluster.ts'
import { describeDuration } from './duration.ts'
import { leadsEtcd, leavingObstacle, quorumObstacle } from './etcd.ts'
import { phase, type Plan } from './plan.ts'
import { finishPlan, reopenPlan, upgradePlan, type UpgradePolicy, type UpgradeTarget } from './upgrade-plan.ts'
import { isNewer } from './version.ts'
import { describeInstant, windowAt } from './window.ts'

export interface Circumstances {
  readonly now: Date
  /** Why the power speaks against it, or undefined. */
  readonly powerObstacle: string | undefined
  /** Why a person has stopped rollouts, or undefined. */
  readonly paused: string | undefined
}

export type UpgradeDecision =
  | { readonly kind: 'upgraded' }
  | { readonly kind: 'wait'; readonly reason: string; readonly until?: Date }
  | { readonly kind: 'go'; readonly node: string; readonly reason: string; readonly plan: Plan }
  /** Nothing goes on by itself from here. */
  | { readonly kind: 'stuck'; readonly reason: string }

/**
 * Decides the next thing to do on the way to the target: one node at most. Asked again after every node it starts from
 * what it then sees, so a crash half-way needs no bookkeeping: a node that carries our mark is our unfinished work, and
 * is finished before anything else is begun.
 */
export function decideUpgrade(
  cluster: Cluster,
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision {
  const leftover = cluster.nodes.find((node) => node.kubernetes.ok && node.kubernetes.value.leftover)
  if (leftover) {
    // Left there, it would make the next cordon of a person look like ours.
    const reason = `${leftover.name} was uncordoned by somebody else, and our mark is still on it`
    return { kind: 'go', node: leftover.name, reason, plan: reopenPlan(leftover) }
  }
  const unfinished = cluster.nodes.find((node) => markOf(node)?.why === 'upgrade')
  if (unfinished) return decideUnfinished(unfinished, cluster, target, circumstances, policy)

  // Without Kubernetes nobody knows whether a node still carries our mark.
  const silent = cluster.nodes.find((node) => !node.talos.ok || !node.kubernetes.ok)
  const outdated = cluster.nodes.filter((node) => isOutdated(node, target))
  if (outdated.length === 0) {
    return silent ? { kind: 'wait', reason: `${silent.name} ${whyUnhealthy(silent)}` } : { kind: 'upgraded' }
  }

  const stuck = outdated.find((node) => exhausted(node, target, policy))
  if (stuck) return { kind: 'stuck', reason: describeStuck(stuck, target) }

  const obstacle = obstacleTo(cluster, circumstances, policy)
  if (obstacle) return { kind: 'wait', ...obstacle }
  const next = nextNode(outdated, policy)
  const specific = obstacleFor(next, cluster, target)
  if (specific) return { kind: 'wait', reason: specific }
  return {
    kind: 'go',
    node: next.name,
    reason: `${next.name} runs ${describeRunning(next)}`,
    plan: upgradePlan(next, target, circumstances.now, policy, { count: nextCount(next, target) }),
  }
}

/** Nodes that are to be upgraded, in the order in which it would be done. For showing; `decideUpgrade` decides one at a time. */
export function upgradeOrder(cluster: Cluster, target: UpgradeTarget, policy: UpgradePolicy): readonly string[] {
  const rest = cluster.nodes.filter((node) => isOutdated(node, target))
  const order: string[] = []
  while (rest.length > 0) {
    const next = nextNode(rest, policy)
    order.push(next.name)
    rest.splice(rest.indexOf(next), 1)
  }
  return order
}

function decideUnfinished(
  node: Node,
  cluster: Cluster,
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision {
  const mark = markOf(node)!
  const { name } = node
  const go = (reason: string, plan: Plan): UpgradeDecision => ({ kind: 'go', node: name, reason, plan })
  const finish = finishPlan(node, target, mark.bootId ?? '', policy)

  if (!node.talos.ok) {
    if (mark.rebooting) return go(`${name} is rebooting into ${target.version}`, finish)
    return { kind: 'wait', reason: `${name}, which is being upgraded, ${whyUnhealthy(node)}` }
  }
  const facts = node.talos.value
  const rebooted = facts.bootId !== mark.bootId
  if (!isOutdated(node, target)) {
    if (rebooted && runs(node, target))
      return go(`${name} runs ${target.version} and is to be taken back into service`, finish)
    // There is no new boot to wait for: what it was to get was called off, or it has gone beyond it.
    if (isArmed(node)) {
      return {
        kind: 'stuck',
        reason: `${name} runs ${facts.version} as it should, and has another installed: its next boot starts that. Roll it back`,
      }
    }
    const unwell = whyUnhealthy(node)
    if (unwell) return { kind: 'wait', reason: `${name}, which was being upgraded, ${unwell}` }
    return go(`${name} runs ${facts.version} already, so it is given back`, reopenPlan(node))
  }
  if (mark.rebooting && rebooted && facts.stage === 'booting') return go(`${name} is booting`, finish)
  if (mark.rebooting && !rebooted && facts.stage === 'rebooting') return go(`${name} is about to reboot`, finish)

  const attempts = attemptsOf(node, target)
  const tried =
    (mark.release ?? target.version) === target.version &&
    (mark.schematic === undefined || mark.schematic === target.schematicOf(name))
  const rolledBack = tried && mark.rebooting && rebooted ? `rolled back to ${facts.version}` : undefined
  const failure = attempts.failure ?? rolledBack
  if (failure !== undefined && attempts.count >= policy.attempts) {
    // It runs its old release and carries nothing new: it may as well work. An armed node is left closed.
    const noted: Attempts = { release: target.version, count: attempts.count, failure }
    if (!isArmed(node) && isHealthy(node)) {
      return go(`giving up on ${name}: ${failure}`, [
        phase('note', { do: 'note-failure', node: name, attempts: noted }),
        ...reopenPlan(node),
      ])
    }
    return {
      kind: 'stuck',
      reason: `${name} failed ${attempts.count} times to get ${target.version} (${failure}), and stays cordoned`,
    }
  }

  // Only a failing battery stops what has begun; a window that closes does not.
  if (circumstances.powerObstacle) {
    if (isArmed(node) || !isHealthy(node)) return { kind: 'wait', reason: circumstances.powerObstacle }
    return go(`${circumstances.powerObstacle}, so ${name} is given back`, reopenPlan(node))
  }
  if (circumstances.paused && !isArmed(node) && isHealthy(node))
    return go(`${circumstances.paused}, so ${name} is given back`, reopenPlan(node))
  const unhealthy = whyUnhealthy(node)
  if (unhealthy) return { kind: 'wait', reason: `${name}, which is being upgraded, ${unhealthy}` }
  const beside = leavingObstacle(cluster.nodes, name)
  if (beside) return { kind: 'wait', reason: beside }
  const lost = extensionsObstacle(node, target)
  if (lost) return { kind: 'wait', reason: lost }

  if (failure !== undefined) {
    return go(
      `trying ${name} once more: ${failure}`,
      upgradePlan(node, target, circumstances.now, policy, { count: attempts.count + 1 }),
    )
  }
  // Cut short by a crash, by the power or by a reboot that never came: the same attempt goes on.
  const installed = isArmed(node) && mark.release !== undefined && tried
  return go(
    `${name} was being upgraded`,
    upgradePlan(node, target, circumstances.now, policy, { count: Math.max(1, attempts.count), installed }),
  )
}

function obstacleTo(
  cluster: Cluster,
  { now, paused, powerObstacle }: Circumstances,
  policy: UpgradePolicy,
): { reason: string; until?: Date } | undefined {
  if (paused) return { reason: paused }
  if (powerObstacle) return { reason: powerObstacle }
  const window = windowAt(policy.windows, policy.timeZone, now)
  if (!window.open) {
    return {
      reason: `the next window opens ${describeInstant(window.opensAt, policy.timeZone)}`,
      until: window.opensAt,
    }
  }
  const left = window.closesAt === undefined ? Infinity : window.closesAt.getTime() - now.getTime()
  if (left < policy.nodeTakes) {
    return {
      reason: `the window closes in ${describeDuration(left)}, and a node takes up to ${describeDuration(policy.nodeTakes)}`,
    }
  }
  const down = cluster.nodes.find((node) => !isHealthy(node))
  if (down) return { reason: `${down.name} ${whyUnhealthy(down)}` }
  const armed = cluster.nodes.find((node) => isArmed(node))
  if (armed)
    return {
      reason: `${armed.name} has an upgrade installed that nobody here began: its next boot starts another release. Reboot it or roll it back`,
    }
  return undefined
}

function obstacleFor(node: Node, cluster: Cluster, target: UpgradeTarget): string | undefined {
  const lost = extensionsObstacle(node, target)
  if (lost) return lost
  if (!node.kubernetes.ok) return `${node.name} ${whyUnhealthy(node)}`
  const { cordon, unschedulable } = node.kubernetes.value
  if (unschedulable && cordon?.why === 'power') return `${node.name} is still cordoned from a power cut`
  if (unschedulable) return `${node.name} was cordoned by somebody else: uncordon it to go on`
  return node.role === 'controlplane' ? quorumObstacle(cluster.nodes, node.name) : undefined
}

/** Extensions that run now and are not in the image to come. A node that loses one may not boot, or lose its storage. */
function extensionsObstacle(node: Node, target: UpgradeTarget): string | undefined {
  const kept = new Set(target.extensionsOf(node.name))
  const running = node.talos.ok ? (node.talos.value.extensions ?? []) : []
  const lost = running.filter((extension) => !kept.has(extension))
  if (lost.length === 0) return undefined
  return `${node.name} would lose ${lost.join(', ')}, which its schematic has and the configured one has not: add it to config/schematics`
}

/** By policy workers or control planes first; the etcd leader as the last of the control planes, for one election only. */
function nextNode(outdated: readonly Node[], { order }: UpgradePolicy): Node {
  const workers = outdated.filter((node) => node.role === 'worker')
  const controlPlanes = outdated.filter((node) => node.role === 'controlplane')
  const byLeadership = [...controlPlanes.filter((node) => !leadsEtcd(node)), ...controlPlanes.filter(leadsEtcd)]
  return (order === 'workers-first' ? [...workers, ...byLeadership] : [...byLeadership, ...workers])[0]!
}

/** Whether the node runs the target, in release and in schematic. */
function runs(node: Node, target: UpgradeTarget): boolean {
  return (
    node.talos.ok &&
    node.talos.value.version === target.version &&
    node.talos.value.schematic === target.schematicOf(node.name)
  )
}

/** Whether it runs something else than the target. A node that is ahead of it is not: nothing goes backwards. */
function isOutdated(node: Node, target: UpgradeTarget): boolean {
  return node.talos.ok && !runs(node, target) && !isNewer(node.talos.value.version, target.version)
}

function markOf(node: Node): CordonMark | undefined {
  return node.kubernetes.ok ? node.kubernetes.value.cordon : undefined
}

/** What the node remembers of attempts at this very release. */
function attemptsOf(node: Node, target: UpgradeTarget): { count: number; failure?: string } {
  const attempts = node.kubernetes.ok ? node.kubernetes.value.attempts : undefined
  return attempts?.release === target.version ? attempts : { count: 0 }
}

/** An attempt that ended without a failure, because of the power or a person, doesn't count. */
function nextCount(node: Node, target: UpgradeTarget): number {
  const { count, failure } = attemptsOf(node, target)
  return failure === undefined ? Math.max(1, count) : count + 1
}

function exhausted(node: Node, target: UpgradeTarget, policy: UpgradePolicy): boolean {
  return nextCount(node, target) > policy.attempts
}

function describeStuck(node: Node, target: UpgradeTarget): string {
  const { count, failure = 'rolled back' } = attemptsOf(node, target)
  return (
    `${node.name} failed ${count} times to get ${target.version} (${failure}): find out why, ` +
    `then remove its annotation caretaker.homelab/attempts to try again`
  )
}

function describeRunning({ talos }: Node): string {
  return talos.ok
    ? `${talos.value.version}${talos.value.schematic ? ` of ${talos.value.schematic.slice(0, 12)}` : ''}`
    : 'nothing'
}
