import { describeIdentity, type Node, type TalosFacts } from '../core/cluster/cluster.ts'
import { quorumObstacle } from '../core/cluster/etcd.ts'
import { isArmed } from '../core/cluster/next-boot.ts'
import { AgentError } from '../core/errors.ts'
import type { Asked } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import { bootedOldSystem, markOf } from '../core/upgrade/attempts.ts'
import type { RollbackRequest } from '../core/upgrade/gates.ts'
import { endRollout, type Rollout } from '../core/upgrade/record.ts'
import { barrierOf, cameFrom, hasNothingToBoot, otherEntryOf } from '../core/upgrade/rollback.ts'
import { abortRelease } from './aborts.ts'
import { remembered, withdrawRollbacks } from './facts.ts'
import { originOf, patiently, type RequestMeans, unchanged } from './request.ts'
import { changedRollout, previewPlan } from './rollout-requests.ts'
import { findJob } from './running-agent.ts'

interface Wanted {
  readonly node: string
  readonly force: boolean
}

/** Rolls a node back to what it ran before, or disarms it; the upgrade does so when nothing speaks against it. */
export async function rollBack(means: RequestMeans, { node, force }: Wanted, asked: Asked): Promise<RequestAnswer> {
  const { agent, ports } = means
  const { journal } = ports
  const facts = await ports.talos.observe(node, patiently(asked.signal))
  const { nodes: observed } = await agent.observe(patiently(asked.signal))
  const seen = observed.find(({ name }) => name === node)!
  const to = destinationOf(seen, facts, { force, rollouts: journal.rollouts(20) })
  const request = { node, bootId: facts.bootId, force, ...(to === undefined ? {} : { to }) }
  const armed = isArmed(seen)
  const keeps = !force && hasNothingToBoot(seen)
  const text = keeps
    ? `the upgrade of ${node} is stopped: it keeps ${facts.version}`
    : describe(seen, facts.version, to)
  if ((remembered.rollbacks.recall(journal) ?? []).some((before) => isSame(before, request))) {
    // Whoever asks again wants it to be tried now.
    await agent.start(findJob(agent, 'upgrade-node')).catch(() => {})
    return unchanged(`${text} (already requested)`)
  }
  remembered.rollbacks.remember(journal, [...withdrawRollbacks(journal, [node]), request])
  // Otherwise the next run would upgrade it again.
  abortRolloutOf(means, armed || markOf(seen)?.release ? undefined : facts.version, asked)
  const quorum = force ? quorumObstacle(observed, [node], false) : undefined
  if (quorum !== undefined) return changedRollout(means, `${text}, although ${quorum}`, asked, node)
  // It is requested by now: whoever leaves before the end of the look, or what that can't read, changes nothing of it.
  const plan = await previewPlan(means, patiently(asked.signal)).catch(() => undefined)
  const said = plan?.decision.kind === 'wait' ? `${text}; waiting: ${plan.decision.reason}` : text
  return changedRollout(means, said, asked, node)
}

function describe(node: Node, from: string, to: string | undefined): string {
  if (isArmed(node)) return `${node.name} is disarmed: it reboots into the release that it runs`
  return `${node.name} will be rolled back from ${from}${to === undefined ? '' : ` to ${to}`}`
}

/** What the node goes back to, where that is known. @throws AgentError `rejected` where it can't go back */
function destinationOf(
  node: Node,
  facts: TalosFacts,
  { force, rollouts }: { readonly force: boolean; readonly rollouts: readonly Rollout[] },
): string | undefined {
  const { name } = node
  const refuse = (why: string) => new AgentError('rejected', `${name} ${why}`)
  const stranger = describeIdentity(node)
  if (stranger !== undefined) throw refuse(`can't be rolled back: it ${stranger}`)
  if (facts.staged && !force)
    throw refuse(
      `can't be rolled back: any next boot installs the upgrade that is staged on it. Remove it with \`talosctl -n ${name} meta delete 0x07\``,
    )
  if (!force && bootedOldSystem(node, markOf(node)))
    throw refuse(
      `runs ${facts.version} already, the release before the upgrade: let it be upgraded again with \`caretaker retry ${name}\``,
    )
  const armed = isArmed(node)
  const recorded = otherEntryOf(name, facts.version, rollouts)
  // The other entry of an armed node is what was installed since.
  const other = armed && recorded?.isForward ? undefined : recorded
  if (!force && other?.isForward)
    throw refuse(
      `can't be rolled back any further: it was rolled back from ${other.release}, which another rollback would boot again. Do so anyway with --force`,
    )
  const to = other?.release ?? (armed ? undefined : cameFrom(node))
  // What is under way there and not installed yet is only stopped.
  const isBegun = markOf(node)?.release !== undefined
  if (!force && !isBegun && hasNothingToBoot(node))
    throw refuse(
      `can't be rolled back: it has no previous release to boot, because it was never upgraded. Try anyway with --force`,
    )
  const barrier = force ? undefined : barrierOf(node, to)
  if (barrier !== undefined) throw refuse(`can't be rolled back: ${barrier}. Try anyway with --force`)
  if (!force && !armed && !isBegun && to === undefined && facts.hasOtherEntry !== true)
    throw refuse(
      `can't be rolled back: it is unknown whether it has a previous release to boot, because Caretaker has not upgraded it. Try anyway with --force`,
    )
  return to
}

/** Aborts the rollout that is under way; or else the release that the node leaves. */
function abortRolloutOf({ ports, now }: RequestMeans, leaves: string | undefined, asked: Asked): void {
  const { journal } = ports
  const open = journal.openRollout()
  const release = open?.release ?? leaves
  if (release !== undefined) abortRelease(journal, release, originOf(asked, now()))
  if (open) journal.saveRollout(endRollout(open, 'aborted', now()))
}

function isSame(one: RollbackRequest, other: RollbackRequest): boolean {
  return one.node === other.node && one.bootId === other.bootId && one.force === other.force && one.to === other.to
}
