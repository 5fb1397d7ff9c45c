import {
  type AcceptedWarning,
  type Cluster,
  describeIdentity,
  isHealthy,
  type Node,
  type Observed,
  type StorageFacts,
  whyUnhealthy,
} from '../cluster/cluster.ts'
import type { KubernetesComponent } from '../cluster/components.ts'
import { leavingObstacle } from '../cluster/disruption.ts'
import { type Abort, describeAbort } from './abort.ts'
import { describeDuration } from '../duration.ts'
import { neededFor, type NodeTimesByRole } from './estimate.ts'
import { isArmed, isStagedByUs } from '../cluster/next-boot.ts'
import { lossesOf, unknownExtensions } from '../release/provisions.ts'
import { storageObstacle } from '../cluster/storage.ts'
import type { UpgradePolicy, UpgradeTarget } from './policy.ts'
import type { Gate } from './gate.ts'
import { installationObstacle } from './network-boot.ts'
import { isDiskless } from './preparation.ts'
import { minorOf } from '../version.ts'
import { describeTime } from '../time.ts'
import { type Blackout, windowAt } from './window.ts'

/** Everything besides the cluster and the policy that allows or blocks an upgrade now. */
export interface Circumstances {
  readonly now: Date
  /** Why the power blocks it, or undefined. */
  readonly powerObstacle: string | undefined
  /** Why a person has stopped rollouts, or undefined. */
  readonly paused: string | undefined
  /** Why the clock is not to be believed, or undefined: then neither windows nor blackouts are. */
  readonly clockFault?: string | undefined
  /** Why no more nodes may be upgraded, by the release policy. */
  readonly hold?: Obstacle | undefined
  /** Blackouts; or why their calendar could not be read. */
  readonly blackouts: Observed<readonly Blackout[]>
  /** The release that a person has approved last. */
  readonly approved: string | undefined
  /** When the window that a person has opened closes. */
  readonly openUntil: Date | undefined
  /** That a person has aborted the rollout of the target release. */
  readonly aborted: Abort | undefined
  readonly rollbacks: readonly RollbackRequest[]
  /** What a person has agreed to lose with the release that is approved, by name. */
  readonly mayLose: readonly string[]
  /** The node that this agent itself runs on. */
  readonly ownNode: string | undefined
  /** Nodes that are left alone until then, because their drain was refused. */
  readonly blocked: ReadonlyMap<string, { readonly until: Date; readonly why: string }>
  readonly storage: Observed<StorageFacts>
  /** What Kubernetes' own components are of, node by node. */
  readonly components: Observed<readonly KubernetesComponent[]>
  /** Warnings of storage that a person accepts for a time. */
  readonly acceptedStorage?: readonly AcceptedWarning[]
  /** Which of the user's own checks do not pass, and why. */
  readonly failedChecks: readonly string[]
  /** When the canary was found to be well with the release; undefined where it is not on record. */
  readonly canaryDoneAt: Date | undefined
  /** A snapshot of etcd has been taken for this rollout. */
  readonly snapshotted: boolean
  /** How long nodes took before. */
  readonly times: NodeTimesByRole
}

/** All inputs of the decision. */
export interface Situation {
  readonly cluster: Cluster
  readonly target: UpgradeTarget
  readonly circumstances: Circumstances
  readonly policy: UpgradePolicy
}

/** A request to roll a node back. */
export interface RollbackRequest {
  readonly node: string
  /** The boot id at the time of the request: one request is one reboot, whatever boots then. */
  readonly bootId: string
  /** What it ran before, where that is on record. */
  readonly to?: string
  /** Although its etcd may refuse the data then. */
  readonly force: boolean
}

export interface Obstacle {
  readonly gate: Gate
  readonly reason: string
  /** When to check again; undefined: soon. */
  readonly until?: Date
}

/** Why nothing may start now, whichever node is next. Undefined when something may. */
export function startObstacle(
  cluster: Cluster,
  target: UpgradeTarget,
  circumstances: Circumstances,
): Obstacle | undefined {
  const { paused, hold, powerObstacle, aborted, storage, failedChecks, clockFault } = circumstances
  if (paused) return { gate: 'paused', reason: paused }
  if (clockFault) return { gate: 'clock', reason: `${clockFault}: no node is upgraded by it` }
  if (hold) return hold
  if (aborted?.release === target.version) return { gate: 'aborted', reason: describeAbort(aborted) }
  if (powerObstacle) return { gate: 'power', reason: powerObstacle }
  const blackout = blackoutObstacle(circumstances)
  if (blackout) return blackout
  // A worker that is away only makes the budget smaller; a control plane stops everything.
  const lost = cluster.nodes.find((node) => node.role === 'controlplane' && !isHealthy(node))
  if (lost) return { gate: 'node', reason: `${lost.name} ${whyUnhealthy(lost)}` }
  const stranger = cluster.nodes.find(({ identity }) => identity.kind === 'another')
  if (stranger) return { gate: 'node', reason: `${stranger.name} ${describeIdentity(stranger)}` }
  const misplaced = roleObstacle(cluster.nodes)
  if (misplaced) return { gate: 'node', reason: misplaced }
  const armed = cluster.nodes.find((node) => isArmed(node) && !isStagedByUs(node))
  if (armed)
    return {
      gate: 'node',
      reason: `${armed.name} has an upgrade installed that Caretaker did not start: its next boot starts another release. Reboot it, or disarm it with \`caretaker rollback ${armed.name}\``,
    }
  if (!storage.ok) return { gate: 'storage', reason: `it is unknown whether storage is healthy (${storage.error})` }
  const unwell = storageObstacle(storage.value, circumstances.acceptedStorage ?? [], circumstances.now)
  if (unwell) return { gate: 'storage', reason: unwell }
  const [failed] = failedChecks
  if (failed) return { gate: 'checks', reason: `the check ${failed}` }
  return undefined
}

/** Why no window is open, or why what is left of it is too short for a node of this role. */
export function windowObstacle(
  role: Node['role'],
  { now, openUntil, times }: Circumstances,
  policy: UpgradePolicy,
): Obstacle | undefined {
  const window = windowAt(policy.windows, policy.timeZone, now)
  const byHand = openUntil !== undefined && openUntil > now
  if (!window.open && !byHand) {
    return {
      gate: 'window',
      reason: `the next window opens on ${describeTime(window.opensAt, policy.shownZone)}`,
      until: window.opensAt,
    }
  }
  if (window.open && window.closesAt === undefined) return undefined
  const closes = Math.max(byHand ? openUntil.getTime() : 0, window.open ? window.closesAt!.getTime() : 0)
  const left = closes - now.getTime()
  const needed = neededFor(role, times, policy)
  if (left >= needed) return undefined
  return {
    gate: 'window',
    reason: `the window closes on ${describeTime(closes, policy.shownZone)}, and a node takes up to ${describeDuration(needed)}`,
    ...(window.open ? {} : { until: window.opensAt }),
  }
}

/** Why this node is skipped while others continue. */
export function setAside(
  { name, kubernetes }: Node,
  { ownNode, blocked, now }: Pick<Circumstances, 'ownNode' | 'blocked' | 'now'>,
): Obstacle | undefined {
  if (name === ownNode)
    return {
      gate: 'postponed',
      reason: `${name} is the machine that Caretaker runs on: upgrade it with talosctl, or run Caretaker elsewhere`,
    }
  const paused = kubernetes.ok ? kubernetes.value.paused : undefined
  if (paused !== undefined)
    return { gate: 'postponed', reason: `${name} is paused (${paused}): resume it with \`caretaker resume ${name}\`` }
  const block = blocked.get(name)
  return block && block.until > now
    ? { gate: 'postponed', reason: `${name} is postponed: ${block.why}`, until: block.until }
    : undefined
}

/** Why this node can't be next. */
export function nodeObstacle(node: Node, { cluster, target, circumstances, policy }: Situation): Obstacle | undefined {
  const { storage } = circumstances
  const lost = lossObstacle(node, target, circumstances, policy)
  if (lost) return { gate: 'losses', reason: lost }
  const unwell = whyUnhealthy(node)
  if (unwell || !node.kubernetes.ok) return { gate: 'node', reason: `${node.name} ${unwell}` }
  const elsewhere = installationObstacle(node, isDiskless(node.name, target))
  if (elsewhere) return { gate: 'node', reason: elsewhere }
  const { cordon, unschedulable } = node.kubernetes.value
  if (unschedulable && cordon?.why === 'power')
    return { gate: 'outage', reason: `${node.name} is still cordoned from a power cut` }
  if (unschedulable)
    return { gate: 'node', reason: `${node.name} was cordoned by someone else: uncordon it to continue` }
  const [replica] = storage.ok ? (storage.value.lastReplicas.get(node.name) ?? []) : []
  if (replica !== undefined)
    return { gate: 'storage', reason: `${node.name} holds the last healthy replica of ${replica}` }
  const reason = leavingObstacle(cluster.nodes, node.name, policy)
  return reason === undefined ? undefined : { gate: 'node', reason }
}

/**
 * What runs now and is not in the image to come, unless a person has agreed to lose it. A node that loses an extension, a
 * kernel argument or its board's overlay may not boot, or lose its network or storage.
 */
export function lossObstacle(
  node: Node,
  target: UpgradeTarget,
  { mayLose }: Pick<Circumstances, 'mayLose'>,
  policy: Pick<UpgradePolicy, 'mayLose'>,
): string | undefined {
  const lost = lossesOf(node, target, [...mayLose, ...policy.mayLose])
  if (lost.length === 0) return undefined
  const accept = `accept the loss with \`caretaker approve ${target.version} --losing ${forShell(lost.join(','))}\``
  if (lost.includes(unknownExtensions))
    return `${node.name} does not report which extensions its image has, and gets another schematic: compare them, and ${accept}`
  const all = lost.join(', ')
  return `${node.name} would lose ${all}, which the configured schematic lacks: add it to config/schematics, or ${accept}`
}

/** Quoted as one word for a shell. */
function forShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/**
 * The first node that runs in another role than the configured one: which nodes may go, and in which order, would be
 * decided wrongly. Undefined where there is none.
 */
export function roleObstacle(nodes: readonly Node[]): string | undefined {
  const node = nodes.find(({ role, configuredRole }) => role !== configuredRole)
  return (
    node &&
    `${node.name} is configured as a ${node.configuredRole}, and runs as a ${node.role}: correct its role in caretaker.yaml`
  )
}

/** Whether it was armed for this very target. */
export function isStagedFor(node: Node, target: UpgradeTarget): boolean {
  const staged = node.kubernetes.ok ? node.kubernetes.value.staged : undefined
  return isStagedByUs(node) && staged?.release === target.version && staged.schematic === target.schematicOf(node.name)
}

/** Why this node waits for a person to say yes to its step; undefined where no one is asked, or one has. */
export function approvalObstacle(
  { talos }: Node,
  { version }: Pick<UpgradeTarget, 'version'>,
  { approved }: Pick<Circumstances, 'approved'>,
  { approval }: Pick<UpgradePolicy, 'approval'>,
): Obstacle | undefined {
  if (approval === 'none' || approved === version || !talos.ok) return undefined
  if (approval === 'minor' && minorOf(talos.value.version) === minorOf(version)) return undefined
  return { gate: 'approval', reason: `${version} waits for approval: approve it with \`caretaker approve ${version}\`` }
}

function blackoutObstacle({ blackouts, now }: Circumstances): Obstacle | undefined {
  if (!blackouts.ok) return { gate: 'blackout', reason: `the blackout calendar could not be read (${blackouts.error})` }
  const at = now.getTime()
  const current = blackouts.value.filter(({ from, to }) => from <= at && at < to).toSorted((a, b) => b.to - a.to)[0]
  return current && { gate: 'blackout', reason: `no upgrades now: ${current.reason}`, until: new Date(current.to) }
}

/** Whether the canary still has to prove the release; the others wait for it. */
export function canaryObstacle(
  nodes: readonly Node[],
  { canaryDoneAt, now }: Circumstances,
  { canary, shownZone }: UpgradePolicy,
): Obstacle | undefined {
  const node = canary && nodes.find(({ name }) => name === canary.node)
  if (!canary || !node || canaryDoneAt === undefined) return undefined
  const until = new Date(canaryDoneAt.getTime() + canary.watch)
  if (until <= now) return undefined
  if (!isHealthy(node)) return { gate: 'canary', reason: `the canary ${node.name} ${whyUnhealthy(node)}` }
  return { gate: 'canary', reason: `the canary ${node.name} is watched until ${describeTime(until, shownZone)}`, until }
}
