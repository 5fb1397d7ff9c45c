import { type Attempts, type Cluster, type CordonMark, isArmed, isHealthy, type Node, whyUnhealthy } from './cluster.ts'
import { isClosedByUs, leavingObstacle, workersAtOnce } from './disruption.ts'
import { goingBackObstacle, leadsEtcd } from './etcd.ts'
import {
  canaryObstacle,
  type Circumstances,
  extensionsObstacle,
  isStagedFor,
  nodeObstacle,
  type Obstacle,
  setAside,
  startObstacle,
  windowObstacle,
} from './gates.ts'
import { phase, type Plan } from './plan.ts'
import {
  fetchPlan,
  finishPlan,
  finishRollbackPlan,
  reopenPlan,
  rollbackPlan,
  snapshotPlan,
  stagePlan,
  upgradePlan,
  type UpgradePolicy,
  type UpgradeTarget,
} from './upgrade-plan.ts'
import { hasLifecycleService, isNewer } from './version.ts'

/** One node, and what is to be done with it. */
export interface NodePlan {
  readonly node: string
  readonly reason: string
  readonly plan: Plan
}

export type UpgradeDecision =
  | { readonly kind: 'upgraded' }
  | { readonly kind: 'wait'; readonly reason: string; readonly until?: Date }
  /** `first` is done before any of the nodes is touched. More than one node: workers that go at the same time. */
  | { readonly kind: 'go'; readonly first: Plan; readonly nodes: readonly NodePlan[] }
  /** Nothing goes on by itself from here. */
  | { readonly kind: 'stuck'; readonly node: string; readonly reason: string }

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
      reopenPlan(leftover),
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
  const stuck = outdated.find((node) => exhausted(node, target, policy))
  if (stuck) return { kind: 'stuck', node: stuck.name, reason: describeStuck(stuck, target) }
  const obstacle = startObstacle(cluster, target, circumstances, policy)
  if (obstacle) return { kind: 'wait', ...obstacle }

  const [next, ...others] = candidates(outdated, circumstances, policy)
  if (!next) return { kind: 'wait', ...setAside(outdated[0]!, circumstances)! }
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
        installed: isStagedFor(node, target) && isArmed(node),
      }),
    })),
  }
}

/** Nodes that are to be upgraded, in the order in which it would be done. For showing; `decideUpgrade` decides. */
export function upgradeOrder(cluster: Cluster, target: UpgradeTarget, policy: UpgradePolicy): readonly Node[] {
  return inOrder(
    cluster.nodes.filter((node) => isOutdated(node, target)),
    policy,
  )
}

function go(node: string, reason: string, plan: Plan, first: Plan = []): UpgradeDecision & { kind: 'go' } {
  return { kind: 'go', first, nodes: [{ node, reason, plan }] }
}

function savePlan(
  node: Node,
  target: UpgradeTarget,
  { snapshotted }: Pick<Circumstances, 'snapshotted'>,
  policy: UpgradePolicy,
): Plan {
  return node.role === 'controlplane' && !snapshotted ? snapshotPlan(node, target, policy) : []
}

/** Those that can be next, in order. Nodes that are set aside by a person or for a while let others go before them. */
function candidates(outdated: readonly Node[], circumstances: Circumstances, policy: UpgradePolicy): readonly Node[] {
  return inOrder(
    outdated.filter((node) => setAside(node, circumstances) === undefined),
    policy,
  )
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
  const next = candidates(outdated, circumstances, policy).find(
    (node) => node.talos.ok && hasLifecycleService(node.talos.value.version) && !ready.includes(node),
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

/** What a person wants taken back goes before all else, and asks for no health: a broken cluster can be made whole by it. */
function decideRollback(
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

/**
 * Workers are finished together, as many as may be away at once. A control plane is finished alone; what is rebooting or
 * unwell comes first, because nothing else can go on before it is back.
 */
function decideAllUnfinished(
  unfinished: readonly Node[],
  cluster: Cluster,
  target: UpgradeTarget,
  circumstances: Circumstances,
  policy: UpgradePolicy,
): UpgradeDecision {
  const isAway = (node: Node) => !isHealthy(node)
  const sorted = [...unfinished.filter(isAway), ...unfinished.filter((node) => !isAway(node))]
  const decisions = sorted.map((node) => decideUnfinished(node, cluster, target, circumstances, policy))
  const going = decisions.filter((decision) => decision.kind === 'go')
  const [first] = going
  if (!first) return decisions.find(({ kind }) => kind === 'stuck') ?? decisions[0]!
  const isWorker = ({ nodes: [one] }: (typeof going)[number]) =>
    cluster.nodes.find(({ name }) => name === one?.node)?.role === 'worker'
  if (!isWorker(first)) return first
  const workers = going.filter(isWorker).slice(0, workersAtOnce(cluster.nodes, policy))
  return {
    kind: 'go',
    first: workers.flatMap((decision) => decision.first),
    nodes: workers.flatMap(({ nodes }) => nodes),
  }
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
  const finish = finishPlan(node, target, mark, policy)

  if (!node.talos.ok) {
    if (mark.rebooting && !mark.back) return go(name, `${name} is rebooting into ${target.version}`, finish)
    return { kind: 'wait', reason: `${name}, which is being upgraded, ${whyUnhealthy(node)}` }
  }
  const facts = node.talos.value
  const rebooted = facts.bootId !== mark.bootId
  if (mark.back) {
    if (mark.rebooting && rebooted)
      return go(name, `${name} went back to ${facts.version}`, finishRollbackPlan(node, mark, policy))
    if (!isArmed(node) && isHealthy(node)) return go(name, `${name} did not go back`, reopenPlan(node))
    return { kind: 'wait', reason: `${name}, which was to go back, ${whyUnhealthy(node) ?? 'is armed'}` }
  }
  if (!isOutdated(node, target)) {
    if (rebooted && runs(node, target))
      return go(name, `${name} runs ${target.version} and is to be taken back into service`, finish)
    // There is no new boot to wait for: what it was to get was called off, or it has gone beyond it.
    if (isArmed(node)) {
      return {
        kind: 'stuck',
        node: name,
        reason: `${name} runs ${facts.version} as it should, and has another installed: its next boot starts that. \`caretaker rollback ${name}\` takes it back`,
      }
    }
    const unwell = whyUnhealthy(node)
    if (unwell) return { kind: 'wait', reason: `${name}, which was being upgraded, ${unwell}` }
    return go(name, `${name} runs ${facts.version} already, so it is given back`, reopenPlan(node))
  }
  if (mark.rebooting && rebooted && facts.stage === 'booting') return go(name, `${name} is booting`, finish)
  if (mark.rebooting && !rebooted && facts.stage === 'rebooting') return go(name, `${name} is about to reboot`, finish)

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
      return go(name, `giving up on ${name}: ${failure}`, [
        phase('note', { do: 'note-failure', node: name, attempts: noted }),
        ...reopenPlan(node),
      ])
    }
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} failed ${attempts.count} times to get ${target.version} (${failure}), and stays cordoned: \`caretaker retry ${name}\` tries again, \`caretaker rollback ${name}\` takes it back`,
    }
  }

  // Only what can't wait stops what has begun; a window that closes does not. What is armed is finished.
  const { powerObstacle, paused, blocked, aborted } = circumstances
  const givesUp =
    (powerObstacle ?? paused ?? nodePause(node) ?? blocked.get(name)?.why) ||
    (aborted === target.version ? `the rollout of ${target.version} was aborted` : undefined)
  if (givesUp !== undefined && !isArmed(node) && isHealthy(node))
    return go(name, `${givesUp}, so ${name} is given back`, reopenPlan(node))
  if (powerObstacle) return { kind: 'wait', reason: powerObstacle }
  const unhealthy = whyUnhealthy(node)
  if (unhealthy) return { kind: 'wait', reason: `${name}, which is being upgraded, ${unhealthy}` }
  const beside = leavingObstacle(cluster.nodes, name, policy)
  if (beside) return { kind: 'wait', reason: beside }
  const lost = extensionsObstacle(node, target)
  if (lost) return { kind: 'wait', reason: lost }

  // Cut short by a crash, by the power or by a reboot that never came: the same attempt goes on.
  const installed = failure === undefined && isArmed(node) && mark.release !== undefined && tried
  const count = failure === undefined ? Math.max(1, attempts.count) : attempts.count + 1
  return go(
    name,
    failure === undefined ? `${name} was being upgraded` : `trying ${name} once more: ${failure}`,
    upgradePlan(node, target, circumstances.now, policy, { count, installed }),
    [...(installed ? [] : fetchPlan([node], target, policy)), ...savePlan(node, target, circumstances, policy)],
  )
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
  return isClosedByUs(node) && node.kubernetes.ok ? node.kubernetes.value.cordon : undefined
}

function nodePause({ kubernetes }: Node): string | undefined {
  const reason = kubernetes.ok ? kubernetes.value.paused : undefined
  return reason === undefined ? undefined : `it is paused (${reason})`
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
  return `${node.name} failed ${count} times to get ${target.version} (${failure}): find out why, then \`caretaker retry ${node.name}\` tries again`
}

function describeRunning({ talos }: Node): string {
  return talos.ok
    ? `${talos.value.version}${talos.value.schematic ? ` of ${talos.value.schematic.slice(0, 12)}` : ''}`
    : 'nothing'
}
