import {
  type Cluster,
  type CordonMark,
  describeIdentity,
  isHealthy,
  type Node,
  type TalosFacts,
  whyUnhealthy,
} from '../cluster/cluster.ts'
import { isCordonedByUs } from '../cluster/disruption.ts'
import { goingBackObstacle, quorumObstacle } from '../cluster/etcd.ts'
import { type Circumstances, roleObstacle, type RollbackRequest } from './gates.ts'
import { isArmed, isInstalled, nextBootObstacle } from '../cluster/next-boot.ts'
import { markOf } from './attempts.ts'
import type { Rollout } from './record.ts'
import { go, type UpgradeDecision } from './decision.ts'
import type { UpgradePolicy, UpgradeTarget } from './policy.ts'
import { uncordonPlan } from './release-plan.ts'
import { finishRollbackPlan, rollbackPlan } from './rollback-plan.ts'

/**
 * Rollbacks come before everything else, and require little health, because a rollback may repair a broken cluster.
 * Nodes that are not well come first, because they take nothing away. A request that has to wait keeps no one else's
 * work from being finished.
 */
export function decideRollback(
  cluster: Cluster,
  circumstances: Circumstances,
  policy: UpgradePolicy,
  networkBootOf: UpgradeTarget['networkBootOf'] = () => undefined,
): UpgradeDecision | undefined {
  const { nodes } = cluster
  const requests = circumstances.rollbacks.flatMap((request) => {
    const node = nodes.find(({ name }) => name === request.node)
    return node ? [{ request, node }] : []
  })
  const decisions = requests
    .toSorted((a, b) => Number(isHealthy(a.node)) - Number(isHealthy(b.node)))
    .flatMap(({ request, node }) => decideOne(node, request, { nodes, circumstances, policy, networkBootOf }) ?? [])
  const going = decisions.find(({ kind }) => kind === 'go')
  if (going) return going
  return nodes.some((node) => isCordonedByUs(node) && !markOf(node)?.back) ? undefined : decisions[0]
}

interface Surroundings {
  readonly nodes: readonly Node[]
  readonly circumstances: Circumstances
  readonly policy: UpgradePolicy
  readonly networkBootOf: NonNullable<UpgradeTarget['networkBootOf']>
}

/** Undefined where the request is fulfilled: the node has another boot than the one that it was to leave. */
function decideOne(node: Node, request: RollbackRequest, around: Surroundings): UpgradeDecision | undefined {
  const { name, talos } = node
  const mark = markOf(node)
  const { policy } = around
  // Another machine's boot says nothing of the one that is meant.
  const stranger = node.identity.kind === 'another' ? describeIdentity(node) : undefined
  if (stranger) return { kind: 'wait', reason: `the rollback of ${name} waits: it ${stranger}` }
  const rebooted = talos.ok && talos.value.bootId !== request.bootId
  const leaves = talos.ok && talos.value.stage === 'rebooting'
  if (mark?.back && mark.rebooting && (!talos.ok || rebooted || leaves)) {
    const elsewhere = talos.ok && rebooted ? whyNotBack(talos.value, mark) : undefined
    if (elsewhere) return { kind: 'stuck', node: name, reason: describeNotBack(name, elsewhere) }
    const plan = finishRollbackPlan(node, mark, policy)
    return go({ node: name, intent: 'rollback', reason: `${name} is being rolled back`, plan })
  }
  if (rebooted) return undefined
  if (!request.force && hasNothingToBoot(node)) {
    if (!mark) return undefined
    const reason = `${name} has no previous release to boot, and keeps what it runs`
    return go({ node: name, intent: 'release', reason, plan: uncordonPlan(node) })
  }
  return whyNotYet(node, request, around) ?? beginRollback(node, request, around)
}

function whyNotYet(
  node: Node,
  { to, force }: RollbackRequest,
  { nodes, circumstances: { powerObstacle }, policy }: Surroundings,
): UpgradeDecision | undefined {
  const { name } = node
  const wait = (reason: string) => ({ kind: 'wait', reason }) as const
  if (!node.talos.ok) return wait(`the rollback of ${name} waits: it ${whyUnhealthy(node)}`)
  if (powerObstacle) return wait(powerObstacle)
  if (node.kubernetes.ok && node.kubernetes.value.unschedulable && !node.kubernetes.value.cordon)
    return wait(`the rollback of ${name} waits: it was cordoned by someone else; uncordon it to continue`)
  const misplaced = roleObstacle(nodes)
  if (misplaced) return wait(misplaced)
  const barrier = force ? undefined : barrierOf(node, to)
  if (barrier)
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} can't be rolled back: ${barrier}. Try anyway with \`caretaker rollback ${name} --force\`, or keep its release with \`caretaker retry ${name}\``,
    }
  const quorum = force ? undefined : quorumObstacle(nodes, [name], policy.twoMembers === 'allow')
  return quorum === undefined ? undefined : wait(`${name} can't be rolled back yet: ${quorum}`)
}

function beginRollback(
  node: Node,
  { to, force }: RollbackRequest,
  { nodes, circumstances: { now }, policy, networkBootOf }: Surroundings,
): UpgradeDecision {
  const { name, talos } = node
  const isDiskless = talos.ok && networkBootOf(name, talos.value.version) !== undefined
  const boot = isDiskless && to !== undefined ? networkBootOf(name, to) : undefined
  if (isDiskless && !boot)
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} can't be rolled back: it is unknown what it ran before. Give its image back with \`caretaker stage --rollback\`, and reboot it`,
    }
  // Another node that is only cordoned would leave this node's pods unschedulable.
  const idle = nodes.find(
    (other) => other !== node && isCordonedByUs(other) && !markOf(other)?.back && !isArmed(other) && isHealthy(other),
  )
  if (idle) {
    const reason = `${idle.name} is being uncordoned before ${name} is rolled back`
    return go({ node: idle.name, intent: 'release', reason, plan: uncordonPlan(idle) })
  }
  const reason = `${name} is being rolled back from ${talos.ok ? talos.value.version : 'its current release'}`
  return go({ node: name, intent: 'rollback', reason, plan: rollbackPlan(node, { to, force, boot }, { now, policy }) })
}

/** Why its etcd would refuse the data. What is only installed has changed nothing in them. */
export function barrierOf(node: Node, to: string | undefined): string | undefined {
  if (!node.talos.ok) return undefined
  // Where the installer may have failed, the way back may lead to an older release.
  if (isInstalled(node) && !node.talos.value.staged) return undefined
  return goingBackObstacle(node, to ?? cameFrom(node))
}

/** The release that the other boot entry holds, as our mark says; undefined where it has not left the mark's boot. */
export function cameFrom(node: Node): string | undefined {
  const mark = markOf(node)
  if (!mark || !node.talos.ok || mark.bootId === node.talos.value.bootId) return undefined
  if (!mark.back) return mark.from
  // It is on what it was to leave, or on what it was not to boot: the other entry is what it was to run.
  return mark.disarm ? mark.release : mark.to
}

/** Whether the node says that there is nothing that a rollback could boot or take back: it was never upgraded. */
export function hasNothingToBoot(node: Node): boolean {
  return node.talos.ok && node.talos.value.hasOtherEntry === false && !isArmed(node)
}

/** What a rollback of a node starts: what it came from, or once more what it has gone back from. */
export interface OtherEntry {
  /** `v1.13.9` */
  readonly release: string
  readonly isForward: boolean
}

/**
 * What the node's other boot entry holds, as far as our own records tell: a rollback changes to it, whatever it is
 * (siderolabs/talos Rollback), so a second one in a row brings the node forward again. Undefined where the node was last
 * brought to what it runs by someone else.
 *
 * @param rollouts newest first
 */
export function otherEntryOf(name: string, version: string, rollouts: readonly Rollout[]): OtherEntry | undefined {
  for (const { release, nodes } of rollouts) {
    const begun = nodes[name]
    if (begun?.outcome === 'upgraded')
      return release === version ? { release: begun.from, isForward: false } : undefined
    const installed =
      begun?.outcome === 'rolled-back' || (begun?.outcome === 'failed' && begun.phases.install !== undefined)
    if (installed) return begun.from === version && release !== version ? { release, isForward: true } : undefined
  }
  return undefined
}

/**
 * Why the boot after a rollback is not the one that was wanted; undefined where it is. A reboot that fails (its kexec is
 * refused, say) makes Talos switch the boot entry once more, which undoes the rollback (siderolabs/talos
 * internal/app/machined/revert.go); only the boot that follows shows it.
 */
export function whyNotBack(facts: TalosFacts, mark: CordonMark): string | undefined {
  const { release, schematic, disarm, to } = mark
  // Nothing was expected of it by the agent that wrote this mark.
  if (release === undefined || (schematic === undefined && disarm === undefined)) return undefined
  const isSame = facts.version === release && (schematic === undefined || facts.schematic === schematic)
  if (disarm && !isSame) return `it booted ${facts.version}, but should still run ${release}`
  if (!disarm && isSame) return `it booted ${facts.version} again`
  if (to !== undefined && facts.version !== to) return `it booted ${facts.version}, not ${to}`
  return nextBootObstacle(facts)
}

function describeNotBack(name: string, why: string): string {
  return `the rollback of ${name} failed: ${why}. Its reboot may have failed, and Talos switched back: try again with \`caretaker rollback ${name}\`, or uncordon it as it is with \`caretaker retry ${name}\``
}
