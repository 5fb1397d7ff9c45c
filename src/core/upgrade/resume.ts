import { type Cluster, describeIdentity, isHealthy, type Node, whyUnhealthy } from '../cluster/cluster.ts'
import { componentsObstacle } from '../cluster/components.ts'
import { leavingObstacle, workersAtOnce } from '../cluster/disruption.ts'
import { type Circumstances, lossObstacle, roleObstacle } from './gates.ts'
import { whyAnotherMachine } from '../cluster/identity.ts'
import { isArmed, isInstalled } from '../cluster/next-boot.ts'
import { phase } from '../plan.ts'
import { attemptsOf, isOutdated, markOf, rollbackNote, runs } from './attempts.ts'
import { whyNotBack } from './rollback.ts'
import { go, type UpgradeDecision } from './decision.ts'
import {
  fetchPlan,
  finishPlan,
  finishRollbackPlan,
  reopenPlan,
  savePlan,
  upgradePlan,
  type UpgradePolicy,
  type UpgradeTarget,
} from './plan.ts'

/**
 * Workers are finished together, as many as may be away at once. A control plane is finished alone; what is rebooting or
 * unwell comes first, because nothing else can go on before it is back.
 */
export function decideAllUnfinished(
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
  // What another machine runs says nothing of this one.
  const stranger = whyAnotherMachine(
    facts,
    mark.machineId === undefined ? node : { ...node, machineId: mark.machineId },
  )
  if (stranger !== undefined && (node.identity.kind === 'same' || node.identity.kind === 'late'))
    return {
      kind: 'stuck',
      node: name,
      reason: `${name} is another machine now, or was reinstalled, since it was cordoned (${stranger}): \`kubectl uncordon ${name}\` takes it as it is`,
    }
  if (stranger ?? (node.identity.kind === 'another' ? describeIdentity(node) : undefined))
    return { kind: 'wait', reason: `${name}, which is being upgraded: ${stranger ?? describeIdentity(node)}` }
  const rebooted = facts.bootId !== mark.bootId
  if (mark.back) {
    // Nobody asks for it any more: it is left with what it runs.
    if (mark.rebooting && rebooted && whyNotBack(facts, mark) !== undefined && isHealthy(node))
      return go(name, `${name} runs ${facts.version}, and is uncordoned as it is`, reopenPlan(node))
    if (mark.rebooting && rebooted)
      return go(name, `${name} went back to ${facts.version}`, finishRollbackPlan(node, mark, policy))
    if (!isArmed(node) && isHealthy(node)) return go(name, `${name} did not go back`, reopenPlan(node))
    const why = whyUnhealthy(node) ?? `is armed: \`caretaker rollback ${name}\` disarms it`
    return { kind: 'wait', reason: `${name}, which was to go back, ${why}` }
  }
  if (!isOutdated(node, target)) {
    const { count, failure } = attemptsOf(node, target)
    if (rebooted && runs(node, target) && failure !== undefined && count >= policy.attempts) {
      return {
        kind: 'stuck',
        node: name,
        reason: `${name} runs ${target.version}, and is not as it should be (${failure}): \`kubectl uncordon ${name}\` takes it as it is, \`caretaker retry ${name}\` looks again, \`caretaker rollback ${name}\` takes it back`,
      }
    }
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
  // `upgrading` is the one call of Talos 1.12 at work: it ends in a reboot, whether it succeeds or not.
  if (mark.rebooting && !rebooted && ['rebooting', 'upgrading'].includes(facts.stage))
    return go(name, `${name} is about to reboot`, finish)

  const attempts = attemptsOf(node, target)
  const tried =
    (mark.release ?? target.version) === target.version &&
    (mark.schematic === undefined || mark.schematic === target.schematicOf(name))
  const note = rollbackNote(node, target.version, tried ? { release: target.version, ...mark } : undefined)
  const failure = note?.failure ?? attempts.failure
  // What is wrong with a kexec may be right after a firmware boot; a second one of the same kind proves nothing.
  const powercycled = attempts.powercycled ? !note : note !== undefined && policy.afterRollback === 'powercycle'
  const isOver = note ? !powercycled : attempts.count >= policy.attempts
  if (failure !== undefined && isOver) {
    // It runs its old release and carries nothing new: it may as well work. An armed node is left closed.
    const noted = note ?? { ...attempts, release: target.version, failure }
    if (!isArmed(node) && isHealthy(node)) {
      return go(name, `giving up on ${name}: ${failure}`, [
        phase('note', { do: 'note-failure', node: name, attempts: noted }),
        ...reopenPlan(node),
      ])
    }
    return {
      kind: 'stuck',
      node: name,
      reason: note
        ? `${name} booted its old system after the upgrade to ${target.version} (${failure}), and stays cordoned because it ${whyUnhealthy(node) ?? 'is armed'}: find out why, then \`caretaker retry ${name}\` tries again`
        : `${name} failed ${attempts.count} times to get ${target.version} (${failure}), and stays cordoned: \`caretaker retry ${name}\` tries again, \`caretaker rollback ${name}\` takes it back`,
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
  const lost = lossObstacle(node, target, circumstances, policy) ?? roleObstacle(cluster.nodes)
  if (lost) return { kind: 'wait', reason: lost }
  const mismatch = isArmed(node) ? undefined : componentsObstacle([node], target.version, circumstances.components)
  if (mismatch) return { kind: 'wait', reason: mismatch }

  // Cut short by a crash, by the power or by a reboot that never came: the same attempt goes on.
  const installed = failure === undefined && isInstalled(node, target.version) && mark.release !== undefined && tried
  const count = failure === undefined ? Math.max(1, attempts.count) : attempts.count + 1
  return go(
    name,
    failure === undefined
      ? `${name} was being upgraded`
      : `trying ${name} once more${powercycled ? ' by a firmware boot' : ''}: ${failure}`,
    upgradePlan(node, target, circumstances.now, policy, { count, installed, powercycled }),
    [...(installed ? [] : fetchPlan([node], target, policy)), ...savePlan(node, target, circumstances, policy)],
  )
}

function nodePause({ kubernetes }: Node): string | undefined {
  const reason = kubernetes.ok ? kubernetes.value.paused : undefined
  return reason === undefined ? undefined : `it is paused (${reason})`
}
