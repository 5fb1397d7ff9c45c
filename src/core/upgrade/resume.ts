import { counted } from '../count.ts'
import {
  type Attempts,
  type CordonMark,
  describeIdentity,
  isHealthy,
  type Node,
  type TalosFacts,
  whyUnhealthy,
} from '../cluster/cluster.ts'
import { componentsObstacle } from '../cluster/components.ts'
import { leavingObstacle, workersAtOnce } from '../cluster/disruption.ts'
import { whyAnotherMachine } from '../cluster/identity.ts'
import { isArmed, isInstalled } from '../cluster/next-boot.ts'
import { attemptsOf, isOutdated, markOf, rollbackNote, runs } from './attempts.ts'
import { bestEffort, phase, type Plan } from '../plan.ts'
import { go, type UpgradeDecision } from './decision.ts'
import { lossObstacle, roleObstacle, type Situation } from './gates.ts'
import { finishPlan, upgradePlan } from './plan.ts'
import type { UpgradeTarget } from './policy.ts'
import { pullPlan, snapshotPlan } from './preparation.ts'
import { failureNote, uncordonPlan } from './release-plan.ts'
import { finishRollbackPlan } from './rollback-plan.ts'
import { whyNotBack } from './rollback.ts'

/** Nodes that carry our mark: what was started there is finished, or the node is released. */

/**
 * Workers are finished together, as many as may be away at once. A control plane is finished alone; what is rebooting or
 * unwell comes first, because nothing else can continue before it is back.
 */
export function decideResumes(unfinished: readonly Node[], situation: Situation): UpgradeDecision {
  const { cluster, policy } = situation
  const isAway = (node: Node) => !isHealthy(node)
  const sorted = [...unfinished.filter(isAway), ...unfinished.filter((node) => !isAway(node))]
  const decisions = sorted.map((node) => decideResume(node, situation))
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

/** A node that carries our mark and answers. */
interface Marked extends Situation {
  readonly node: Node
  readonly name: string
  readonly mark: CordonMark
  readonly facts: TalosFacts
  /** It has another boot than the one that the mark was written in. */
  readonly rebooted: boolean
}

function decideResume(node: Node, situation: Situation): UpgradeDecision {
  const mark = markOf(node)!
  const { name, talos } = node
  if (!talos.ok) {
    const plan = finishPlan(node, situation.target, mark, situation.policy)
    if (mark.rebooting && !mark.back)
      return go({ node: name, intent: 'resume', reason: `${name} is rebooting into ${situation.target.version}`, plan })
    return { kind: 'wait', reason: `${underWay(name, mark)}, ${whyUnhealthy(node)}` }
  }
  const facts = talos.value
  const marked: Marked = { ...situation, node, name, mark, facts, rebooted: facts.bootId !== mark.bootId }
  const stranger = decideStranger(marked)
  if (stranger) return stranger
  if (mark.back) return decideBack(marked)
  if (!isOutdated(node, situation.target)) return decideArrived(marked)
  return decideRebooting(marked) ?? decideAttempt(marked)
}

function underWay(name: string, { back }: CordonMark): string {
  return `${name}, which is being ${back ? 'rolled back' : 'upgraded'}`
}

/** What another machine runs says nothing of this one. */
function decideStranger({ node, name, mark, facts }: Marked): UpgradeDecision | undefined {
  const stranger = whyAnotherMachine(
    facts,
    mark.machineId === undefined ? node : { ...node, machineId: mark.machineId },
  )
  if (stranger !== undefined && (node.identity.kind === 'same' || node.identity.kind === 'late')) {
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} was replaced or reinstalled after it was cordoned (${stranger}): accept it with \`kubectl uncordon ${name}\``,
    }
  }
  const why = stranger ?? (node.identity.kind === 'another' ? describeIdentity(node) : undefined)
  return why === undefined ? undefined : { kind: 'wait', reason: `${underWay(name, mark)}: ${why}` }
}

/** A node that was being rolled back, and whose request is fulfilled or cancelled. */
function decideBack(marked: Marked): UpgradeDecision {
  const { node, name, mark, facts, rebooted, policy } = marked
  if (mark.rebooting && rebooted) {
    const notBack = whyNotBack(facts, mark)
    if (notBack !== undefined && isHealthy(node))
      return release(marked, `${name} runs ${facts.version}, and is being uncordoned`)
    const plan = finishRollbackPlan(node, mark, policy)
    const reason =
      notBack === undefined
        ? `${name} was rolled back to ${facts.version}`
        : `${name} has rebooted to be rolled back, but ${notBack}`
    return go({ node: name, intent: 'rollback', reason, plan })
  }
  if (!isArmed(node) && isHealthy(node)) return release(marked, `${name} was not rolled back`)
  const why = whyUnhealthy(node) ?? `is armed: disarm it with \`caretaker rollback ${name}\``
  return { kind: 'wait', reason: `${underWay(name, mark)}, ${why}` }
}

/** A node that runs its target, or something other than it. */
function decideArrived(marked: Marked): UpgradeDecision {
  const { node, name, facts, rebooted, target, policy } = marked
  if (rebooted && runs(node, target)) {
    const { count, failure } = attemptsOf(node, target)
    if (failure === undefined || count < policy.attempts)
      return finish(marked, `${name} runs ${target.version} and is about to be uncordoned`)
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} runs ${target.version}, but failed verification (${failure}): accept it with \`kubectl uncordon ${name}\`, verify it again with \`caretaker retry ${name}\`, or roll it back with \`caretaker rollback ${name}\``,
    }
  }
  // There is no new boot to wait for: what it was to get was cancelled, or it has gone beyond it.
  if (isArmed(node)) {
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} runs ${facts.version}, and has another release installed for its next boot: disarm it with \`caretaker rollback ${name}\``,
    }
  }
  const unwell = whyUnhealthy(node)
  if (unwell) return { kind: 'wait', reason: `${name}, which was being upgraded, ${unwell}` }
  return release(marked, `${name} already runs ${facts.version}, so it is being uncordoned`)
}

function decideRebooting(marked: Marked): UpgradeDecision | undefined {
  const { name, mark, facts, rebooted } = marked
  if (!mark.rebooting) return undefined
  if (rebooted && facts.stage === 'booting') return finish(marked, `${name} is booting`)
  // `upgrading` is the one call of Talos 1.12 at work: it ends in a reboot, whether it succeeds or not.
  if (!rebooted && ['rebooting', 'upgrading'].includes(facts.stage)) return finish(marked, `${name} is about to reboot`)
  return undefined
}

/** How the attempt that the mark stands for has gone so far. */
interface AttemptSoFar {
  readonly attempts: Omit<Attempts, 'release'>
  /** The mark is of this very target. */
  readonly isOfTarget: boolean
  /** What the node is to remember of having booted its previous release. */
  readonly note: Attempts | undefined
  /** Undefined where it was cut short, and has not failed. */
  readonly failure: string | undefined
  readonly powercycled: boolean
}

function attemptSoFar({ node, name, mark, target, policy }: Marked): AttemptSoFar {
  const attempts = attemptsOf(node, target)
  const isOfTarget =
    (mark.release ?? target.version) === target.version &&
    (mark.schematic === undefined || mark.schematic === target.schematicOf(name))
  const note = rollbackNote(node, target.version, isOfTarget ? { release: target.version, ...mark } : undefined)
  return {
    attempts,
    isOfTarget,
    note,
    failure: note?.failure ?? attempts.failure,
    // What fails with kexec may work through the firmware; a second kexec would prove nothing.
    powercycled: attempts.powercycled ? !note : note !== undefined && policy.afterRollback === 'powercycle',
  }
}

/** A node that runs its previous release: its attempt continues, is made once more, or is given up. */
function decideAttempt(marked: Marked): UpgradeDecision {
  const attempt = attemptSoFar(marked)
  const { attempts, note, failure, powercycled } = attempt
  const isOver = note ? !powercycled : attempts.count >= marked.policy.attempts
  if (failure !== undefined && isOver) return giveUp(marked, attempt, failure)
  const givesUp = whyRelease(marked)
  if (givesUp !== undefined && !isArmed(marked.node) && isHealthy(marked.node))
    return release(marked, `${givesUp}, so ${marked.name} is being uncordoned`)
  const obstacle = obstacleTo(marked)
  return obstacle === undefined ? goOn(marked, attempt) : { kind: 'wait', reason: obstacle }
}

/** It runs its previous release and nothing new is installed: it is uncordoned. An armed node stays cordoned. */
function giveUp({ node, name, target }: Marked, { attempts, note }: AttemptSoFar, failure: string): UpgradeDecision {
  const noted = note ?? { ...attempts, release: target.version, failure }
  if (!isArmed(node) && isHealthy(node)) {
    const plan = [failureNote(node, noted), ...republishPlan(node, target), ...uncordonPlan(node)]
    return go({ node: name, intent: 'give-up', reason: `giving up on ${name}: ${failure}`, plan })
  }
  return {
    kind: 'stuck',
    node: name,
    reason: note
      ? `${name} booted its previous release after the upgrade to ${target.version} (${failure}), and stays cordoned because it ${whyUnhealthy(node) ?? 'is armed'}: find out why, then try again with \`caretaker retry ${name}\``
      : `${name} failed ${counted(attempts.count, 'time')} to upgrade to ${target.version} (${failure}), and stays cordoned: try again with \`caretaker retry ${name}\`, or roll it back with \`caretaker rollback ${name}\``,
  }
}

/** Only what can't wait stops what has started; a window that closes does not. What is armed is finished. */
function whyRelease({ node, name, target, circumstances }: Marked): string | undefined {
  const { powerObstacle, paused, hold, blocked, aborted } = circumstances
  return (
    (powerObstacle ?? paused ?? hold?.reason ?? nodePause(node) ?? blocked.get(name)?.why) ||
    (aborted?.release === target.version ? `the rollout of ${target.version} was aborted` : undefined)
  )
}

function nodePause({ kubernetes }: Node): string | undefined {
  const reason = kubernetes.ok ? kubernetes.value.paused : undefined
  return reason === undefined ? undefined : `it is paused (${reason})`
}

/** Why the attempt can't continue now. */
function obstacleTo({ node, name, cluster, target, circumstances, policy }: Marked): string | undefined {
  const unhealthy = whyUnhealthy(node)
  return (
    circumstances.powerObstacle ??
    (unhealthy && `${name}, which is being upgraded, ${unhealthy}`) ??
    leavingObstacle(cluster.nodes, name, policy) ??
    lossObstacle(node, target, circumstances, policy) ??
    roleObstacle(cluster.nodes) ??
    (isArmed(node) ? undefined : componentsObstacle([node], target.version, circumstances.components))
  )
}

/** What was cut short by a crash, by the power or by a reboot that never came is the same attempt, and continues. */
function goOn({ node, name, mark, target, circumstances, policy }: Marked, attempt: AttemptSoFar): UpgradeDecision {
  const { attempts, isOfTarget, failure, powercycled } = attempt
  const installed =
    failure === undefined && isInstalled(node, target.version) && mark.release !== undefined && isOfTarget
  const count = failure === undefined ? Math.max(1, attempts.count) : attempts.count + 1
  const reason =
    failure === undefined
      ? `${name} was being upgraded`
      : `trying ${name} once more${powercycled ? ' with a power cycle' : ''}: ${failure}`
  const plan = upgradePlan(node, { count, installed, powercycled }, { target, policy, now: circumstances.now })
  return go({ node: name, intent: 'upgrade', reason, plan }, [
    ...(installed ? [] : pullPlan([node], target, policy)),
    ...snapshotPlan(node, target, circumstances, policy),
  ])
}

function finish({ node, name, mark, target, policy }: Marked, reason: string): UpgradeDecision {
  return go({ node: name, intent: 'resume', reason, plan: finishPlan(node, target, mark, policy) })
}

/** A node without an installation is served what it runs again: its turn is over. */
function release({ node, target }: Pick<Marked, 'node' | 'target'>, reason: string): UpgradeDecision {
  const plan = [...republishPlan(node, target), ...uncordonPlan(node)]
  return go({ node: node.name, intent: 'release', reason, plan })
}

/** A share that is away keeps no node cordoned: staging publishes it as soon as it can. */
function republishPlan({ name, talos }: Node, target: UpgradeTarget): Plan {
  const boot = talos.ok ? target.networkBootOf?.(name, talos.value.version) : undefined
  if (!boot) return []
  const { order: image, file: publishAs } = boot
  return [bestEffort(phase('stage-image', [], { do: 'stage-image', image, publishAs }))]
}
