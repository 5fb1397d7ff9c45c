import { type Attempts, type Cluster, type CordonMark, isHealthy, type Node, whyUnhealthy } from '../cluster/cluster.ts'
import { componentsObstacle } from '../cluster/components.ts'
import { workersAtOnce } from '../cluster/disruption.ts'
import { leadsEtcd } from '../cluster/etcd.ts'
import {
  approvalObstacle,
  canaryObstacle,
  type Circumstances,
  isStagedFor,
  nodeObstacle,
  type Obstacle,
  setAside,
  startObstacle,
  windowObstacle,
} from './gates.ts'
import { isArmed, isInstalled } from '../cluster/next-boot.ts'
import {
  attemptsOf,
  bootedOldSystem,
  describeRunning,
  describeStuck,
  exhausted,
  goesByFirmware,
  isOutdated,
  markOf,
  nextCount,
  rollbackNote,
} from './attempts.ts'
import { phase, type Plan } from '../plan.ts'
import { decideRollback } from './rollback.ts'
import { decideAllUnfinished } from './resume.ts'
import { go, type UpgradeDecision } from './decision.ts'
import {
  fetchPlan,
  reopenPlan,
  savePlan,
  stagePlan,
  upgradePlan,
  type UpgradePolicy,
  type UpgradeTarget,
} from './plan.ts'
import { hasLifecycleService } from '../version.ts'

/**
 * Decides the next thing to do on the way to the target: one node, or as many workers as may be away at once. Asked
 * again after every node it starts from what it then sees, so a crash half-way needs no bookkeeping: a node that carries
 * our mark is our unfinished work, and is finished before anything else is begun.
 */
export function decideUpgrade(
  cluster: Cluster,
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision {
  const leftover = cluster.nodes.find((node) => node.kubernetes.ok && node.kubernetes.value.leftover)
  // Left there, it would make the next cordon of a person look like ours.
  if (leftover)
    return go(
      leftover.name,
      `${leftover.name} was uncordoned by somebody else, and our mark is still on it`,
      tidyPlan(leftover),
    )
  const rollback = decideRollback(cluster, circumstances, policy)
  if (rollback) return rollback
  const unfinished = cluster.nodes.filter((node) => markOf(node)?.why === 'upgrade')
  if (unfinished.length > 0) return decideAllUnfinished(unfinished, cluster, target, circumstances, policy)

  // Without Kubernetes nobody knows whether a node still carries our mark.
  const silent = cluster.nodes.find((node) => !node.talos.ok || !node.kubernetes.ok)
  const outdated = cluster.nodes.filter((node) => isOutdated(node, target))
  if (outdated.length === 0) {
    return silent ? { kind: 'wait', reason: `${silent.name} ${whyUnhealthy(silent)}` } : { kind: 'upgraded' }
  }
  const fallen = outdated.find(
    (node) => stagedMark(node)?.release === target.version && bootedOldSystem(node, stagedMark(node)),
  )
  if (fallen) return noteFallen(fallen, target)
  // Whoever pauses the node that fails lets the others go on.
  const stays = (node: Node) => setAside(node, { ...circumstances, blocked: new Map() }) !== undefined
  const stuck = outdated.find((node) => exhausted(node, target, policy) && !stays(node))
  if (stuck) return { kind: 'stuck', node: stuck.name, reason: describeStuck(stuck, target) }
  const obstacle = startObstacle(cluster, target, circumstances)
  if (obstacle) return { kind: 'wait', ...obstacle }

  const canary = policy.canary && cluster.nodes.find(({ name }) => name === policy.canary?.node)
  if (canary && (!canary.talos.ok || isOutdated(canary, target))) {
    const aside = canary.talos.ok ? setAside(canary, circumstances)?.reason : `${canary.name} ${whyUnhealthy(canary)}`
    if (aside) return { kind: 'wait', reason: `the canary is to go first: ${aside}` }
    const unapproved = approvalObstacle(canary, target, circumstances, policy)
    if (unapproved) return { kind: 'wait', ...unapproved }
  }
  const [next, ...others] = candidates(outdated, target, circumstances, policy)
  if (!next) return { kind: 'wait', ...whyNone(outdated, target, circumstances, policy) }
  const mismatch = componentsObstacle([next, ...others], target.version, circumstances.components)
  if (mismatch) return { kind: 'wait', reason: mismatch }
  const window = windowObstacle(next.role, circumstances, policy)
  if (window) return decideStaging(outdated, window, cluster, target, circumstances, policy)
  const specific =
    nodeObstacle(next, cluster.nodes, target, circumstances, policy) ??
    (next.name === policy.canary?.node ? undefined : canaryObstacle(cluster.nodes, circumstances, policy))
  if (specific) return { kind: 'wait', ...specific }

  const together = [next, ...besides(next, others, cluster.nodes, target, circumstances, policy)]
  return {
    kind: 'go',
    // What the canary must prove includes that its image can be had; the others' come before the second node.
    first: [
      ...fetchPlan(
        [...together, ...others.filter((node) => !together.includes(node) && isHealthy(node))],
        target,
        policy,
      ),
      ...savePlan(next, target, circumstances, policy),
    ],
    nodes: together.map((node) => ({
      node: node.name,
      reason: `${node.name} runs ${describeRunning(node)}`,
      plan: upgradePlan(node, target, circumstances.now, policy, {
        count: nextCount(node, target),
        installed: isStagedFor(node, target) && isInstalled(node, target.version),
        powercycled: goesByFirmware(node, target, policy),
      }),
    })),
  }
}

/**
 * Takes our mark off a node that somebody has uncordoned, and keeps what it alone tells: that the node booted its old
 * system, or that an installer has run there.
 */
function tidyPlan(node: Node): Plan {
  const mark = node.kubernetes.ok ? node.kubernetes.value.leftover : undefined
  const noted = mark?.release === undefined ? undefined : rollbackNote(node, mark.release, mark)
  if (noted) return [phase('note', { do: 'note-failure', node: node.name, attempts: noted }), ...reopenPlan(node)]
  // What has not been booted yet, or whose boot is still to be seen.
  const isOpen = !node.talos.ok || node.talos.value.stage !== 'running' || mark?.bootId === node.talos.value.bootId
  const isNeeded = mark !== undefined && !mark.back && isOpen && (mark.installer !== undefined || mark.rebooting)
  return isNeeded
    ? [phase('note', { do: 'note-staged', node: node.name, mark }), ...reopenPlan(node)]
    : reopenPlan(node)
}

/** A node that was armed for its window, was rebooted by something else, and came back with its old system. */
function noteFallen(node: Node, target: UpgradeTarget): UpgradeDecision {
  const failure = `rolled back to ${node.talos.ok ? node.talos.value.version : 'its old release'}`
  const attempts: Attempts = {
    ...attemptsOf(node, target),
    release: target.version,
    count: nextCount(node, target),
    failure,
    rolledBack: true,
  }
  return go(node.name, `${node.name} booted its old system: ${failure}`, [
    phase('note', { do: 'note-failure', node: node.name, attempts }),
  ])
}

function stagedMark({ kubernetes }: Node): CordonMark | undefined {
  return kubernetes.ok ? kubernetes.value.staged : undefined
}

/** Nodes that are to be upgraded, in the order in which it would be done. For showing; `decideUpgrade` decides. */
export function upgradeOrder(cluster: Cluster, target: UpgradeTarget, policy: UpgradePolicy): readonly Node[] {
  return inOrder(
    cluster.nodes.filter((node) => isOutdated(node, target)),
    policy,
  )
}

/**
 * Those that can be next, in order. Nodes that are set aside by a person or for a while let others go before them, and so
 * do nodes whose step waits for approval.
 */
function candidates(
  outdated: readonly Node[],
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): readonly Node[] {
  const isHeld = (node: Node) => setAside(node, circumstances) ?? approvalObstacle(node, target, circumstances, policy)
  return inOrder(
    outdated.filter((node) => isHeld(node) === undefined),
    policy,
  )
}

/** Why no node can be next. What a person can say yes to comes first. */
function whyNone(
  outdated: readonly Node[],
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): Obstacle {
  const free = outdated.find((node) => setAside(node, circumstances) === undefined)
  const unapproved = free && approvalObstacle(free, target, circumstances, policy)
  return unapproved ?? setAside(outdated[0]!, circumstances)!
}

/** Further workers that may be away at the same time as the first one. */
function besides(
  first: Node,
  others: readonly Node[],
  nodes: readonly Node[],
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): readonly Node[] {
  if (first.role === 'controlplane' || first.name === policy.canary?.node) return []
  // Two nodes can hold the last two copies of something, and nobody tells which.
  if (!circumstances.storage.ok || circumstances.storage.value.systems.length > 0) return []
  const chosen: Node[] = []
  const free = workersAtOnce(nodes, policy) - 1
  for (const node of others.filter(({ role }) => role === 'worker')) {
    if (chosen.length >= free) break
    const gone = new Set([first.name, ...chosen.map(({ name }) => name)])
    const then = nodes.map((other) => (gone.has(other.name) ? closed(other) : other))
    if (nodeObstacle(node, then, target, circumstances, policy) === undefined) chosen.push(node)
  }
  return chosen
}

/** The node as it will look as soon as we have begun. */
function closed(node: Node): Node {
  if (!node.kubernetes.ok) return node
  const cordon: CordonMark = { why: 'upgrade', at: '' }
  return { ...node, kubernetes: { ok: true, value: { ...node.kubernetes.value, unschedulable: true, cordon } } }
}

/** Outside a window: with `mode: staged` the next node gets its release installed, and keeps running. */
function decideStaging(
  outdated: readonly Node[],
  window: Obstacle,
  cluster: Cluster,
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision {
  if (policy.mode !== 'staged') return { kind: 'wait', ...window }
  const ready = inOrder(
    outdated.filter((node) => isStagedFor(node, target) && isArmed(node)),
    policy,
  )
  const next = candidates(outdated, target, circumstances, policy).find(
    (node) =>
      node.talos.ok &&
      hasLifecycleService(node.talos.value.version) &&
      !ready.includes(node) &&
      // Nobody else is armed before the canary has proven anything.
      (node.name === policy.canary?.node || !outdated.some(({ name }) => name === policy.canary?.node)),
  )
  if (!next) {
    const names = ready.map(({ name }) => name).join(', ')
    return { kind: 'wait', ...window, reason: `${window.reason}${names && `; it is installed already on ${names}`}` }
  }
  const specific = nodeObstacle(next, cluster.nodes, target, circumstances, policy)
  if (specific) return { kind: 'wait', ...specific }
  return {
    kind: 'go',
    first: fetchPlan([next], target, policy),
    nodes: [
      {
        node: next.name,
        reason: `${next.name} gets ${target.version} installed now, and reboots in its window`,
        plan: stagePlan(next, target, circumstances.now, policy),
      },
    ],
  }
}

/**
 * The canary, then by policy workers or control planes; the etcd leader as the last of the control planes, for one
 * election only.
 */
function inOrder(nodes: readonly Node[], { order, canary }: UpgradePolicy): readonly Node[] {
  const rank = (node: Node) => {
    if (node.name === canary?.node) return 0
    const late = (node.role === 'worker') === (order === 'control-planes-first')
    return 1 + (late ? 2 : 0) + (leadsEtcd(node) ? 1 : 0)
  }
  return nodes.toSorted((a, b) => rank(a) - rank(b))
}
