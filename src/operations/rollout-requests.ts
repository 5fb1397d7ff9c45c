import type { Agent } from '../agent.ts'
import type { RolloutAnswer, SaidAnswer } from '../http/protocol.ts'
import type { RolloutControl } from '../http/routes/rollouts.ts'
import { reportRollout } from './rollout-alerts.ts'
import { describeDuration } from '../core/duration.ts'
import { describeIdentity } from '../core/cluster/cluster.ts'
import { AgentError } from '../core/errors.ts'
import type { Job } from './job.ts'
import { isArmed } from '../core/cluster/next-boot.ts'
import type { Ports } from '../core/ports.ts'
import { previewUpgrade } from './preview-upgrade.ts'
import { endRollout } from '../core/upgrade/record.ts'
import { remembered, withdrawRollbacks } from './facts.ts'
import { quorumObstacle } from '../core/cluster/etcd.ts'
import { bootedOldSystem, markForRetry, markOf } from '../core/upgrade/attempts.ts'
import { barrierOf, cameFrom, otherEntryOf } from '../core/upgrade/rollback.ts'
import { parseVersion } from '../core/version.ts'

export interface RolloutControlOptions {
  readonly agent: Agent
  readonly ports: Ports
  readonly upgradeNode: Job
  readonly nodes: readonly string[]
}

/** What a person may say of rollouts. Each word is remembered, and the job looks at it when it next decides. */
export function createRolloutControl({ agent, ports, upgradeNode, nodes }: RolloutControlOptions): RolloutControl {
  const { journal, kubernetes, snapshots } = ports
  /** So many ms may a question to Kubernetes take that a person waits for. */
  const patience = 10_000

  const plan = async (signal: AbortSignal) => {
    const { cluster: _, ...rest } = await previewUpgrade(agent.preview(upgradeNode, signal))
    return rest
  }
  async function said(text: string, subject = 'rollout'): Promise<SaidAnswer> {
    journal.write({ kind: 'event', subject, text })
    await agent.start(upgradeNode).catch(() => {})
    return { said: text }
  }
  function known(node: string): string {
    if (nodes.includes(node)) return node
    throw new AgentError(
      'misconfigured',
      `there is no node ${node} in the configuration; there are ${nodes.join(', ')}`,
    )
  }
  /** The release that a word is about where none is named. */
  async function theRelease(named: string | undefined, signal: AbortSignal): Promise<string> {
    if (named !== undefined && (!named.startsWith('v') || !parseVersion(named)))
      throw new AgentError('misconfigured', `${named} is not a Talos release such as v1.13.9`)
    const version = named ?? journal.openRollout()?.release ?? (await plan(signal)).version
    if (version === undefined)
      throw new AgentError('rejected', 'there is no release to go to at present: see `caretaker plan`')
    return version
  }

  /** An approval may come before the release does; one that is misspelled would never count. */
  function doubtsAbout(version: string): string {
    if (remembered.withdrawn.recall(journal)?.includes(version))
      return ', but it is withdrawn: no node is brought to it'
    const offered = remembered.versions.recall(journal)
    return offered === undefined || offered.includes(version) ? '' : ', but the Factory has not offered it so far'
  }

  return {
    rollout: async (signal): Promise<RolloutAnswer> => {
      const openUntil = remembered.openUntil.recall(journal)
      const [preview, kept] = await Promise.all([plan(signal), snapshots.list().catch(() => [])])
      return {
        plan: preview,
        current: journal.openRollout(),
        approved: remembered.approved.recall(journal),
        aborted: remembered.aborted.recall(journal),
        paused: remembered.paused.recall(journal),
        openUntil: openUntil !== undefined && openUntil > Date.now() ? new Date(openUntil).toISOString() : undefined,
        snapshot: kept[0],
      }
    },
    rollouts: () => journal.rollouts(50),
    pause: async (reason) => {
      remembered.paused.remember(journal, reason)
      return said(`no further node is begun: ${reason}`)
    },
    resume: async () => {
      remembered.paused.remember(journal, undefined)
      return said('rollouts go on')
    },
    start: async () => {
      remembered.paused.remember(journal, undefined)
      remembered.aborted.remember(journal, undefined)
      remembered.rollbacks.remember(journal, undefined)
      return said('rollouts go on; what was aborted or paused begins anew')
    },
    abort: async (signal) => {
      const version = await theRelease(undefined, signal)
      remembered.aborted.remember(journal, version)
      const open = journal.openRollout()
      if (open) journal.saveRollout(endRollout(open, 'aborted', new Date()))
      return said(
        `the rollout of ${version} is aborted: what is installed is finished, what is only closed is given back`,
      )
    },
    approve: async (named, losing, signal) => {
      const version = await theRelease(named, signal)
      remembered.approved.remember(journal, version)
      const but = doubtsAbout(version)
      if (losing.length === 0) return said(`${version} is approved${but}`)
      remembered.losses.remember(journal, { release: version, names: losing })
      return said(`${version} is approved, and nodes may lose ${losing.join(', ')} by it${but}`)
    },
    runNow: async (lasts) => {
      const until = Date.now() + lasts
      remembered.openUntil.remember(journal, until)
      return said(`a window is open by hand for ${describeDuration(lasts)}, until ${new Date(until).toISOString()}`)
    },
    pauseNode: async (node, reason) => {
      await kubernetes.pause(known(node), reason, AbortSignal.timeout(patience))
      return said(reason === undefined ? `${node} is upgraded again` : `${node} is not upgraded: ${reason}`, node)
    },
    retry: async (node) => {
      const names = node === undefined ? nodes : [known(node)]
      const { nodes: observed } = await agent.observe(AbortSignal.timeout(patience))
      for (const found of observed.filter(({ name }) => names.includes(name))) {
        const mark = markForRetry(found)
        if (mark) await kubernetes.noteMark(found.name, mark, AbortSignal.timeout(patience))
        await kubernetes.forgetAttempts(found.name, AbortSignal.timeout(patience))
      }
      const blocked = remembered.blocked.recall(journal) ?? {}
      remembered.blocked.remember(
        journal,
        Object.fromEntries(Object.entries(blocked).filter(([name]) => !names.includes(name))),
      )
      withdrawRollbacks(journal, names)
      reportRollout(agent.alerts, undefined)
      return said(`${node ?? 'every node'} is tried again`, node)
    },
    rollback: async (node, force) => {
      const { talos } = ports
      const facts = await talos.observe(known(node), AbortSignal.timeout(patience))
      const { nodes: observed } = await agent.observe(AbortSignal.timeout(patience))
      const seenNode = observed.find(({ name }) => name === node)!
      const stranger = describeIdentity(seenNode)
      if (stranger !== undefined) throw new AgentError('rejected', `${node} can't go back: it ${stranger}`)
      if (facts.staged && !force)
        throw new AgentError(
          'rejected',
          `${node} can't go back: the upgrade that is staged on it is installed by its next boot, whichever that is. \`talosctl -n ${node} meta delete 0x07\` takes it off the node`,
        )
      const armed = isArmed(seenNode)
      const forward = markOf(seenNode)
      if (!force && bootedOldSystem(seenNode, forward))
        throw new AgentError(
          'rejected',
          `${node} runs ${facts.version} already, which it came from: \`caretaker retry ${node}\` lets it be upgraded again`,
        )
      const recorded = otherEntryOf(node, facts.version, journal.rollouts(20))
      // The other entry of an armed node is what was installed since.
      const other = armed && recorded?.isForward ? undefined : recorded
      if (!force && other?.isForward)
        throw new AgentError(
          'rejected',
          `${node} can't go back any further: it went back from ${other.release}, which a rollback would start again. --force does so all the same`,
        )
      const to = other?.release ?? (armed ? undefined : cameFrom(seenNode))
      const barrier = force ? undefined : barrierOf(seenNode, to)
      if (barrier !== undefined)
        throw new AgentError('rejected', `${node} can't go back: ${barrier}. --force tries it all the same`)
      const request = { node, bootId: facts.bootId, force, ...(to === undefined ? {} : { to }) }
      remembered.rollbacks.remember(journal, [...withdrawRollbacks(journal, [node]), request])
      // Else the next run would bring it forward again.
      const leaves = journal.openRollout()?.release ?? (armed || forward?.release ? undefined : facts.version)
      if (leaves !== undefined) remembered.aborted.remember(journal, leaves)
      const open = journal.openRollout()
      if (open && open.release === leaves) journal.saveRollout(endRollout(open, 'aborted', new Date()))
      const text = armed
        ? `${node} is disarmed: it reboots into what it runs`
        : `${node} goes back from ${facts.version}${to === undefined ? '' : ` to ${to}`}`
      const quorum = force ? quorumObstacle(observed, [node], false) : undefined
      if (quorum !== undefined) return said(`${text}, although ${quorum}`, node)
      const { decision } = await plan(AbortSignal.timeout(patience))
      return said(decision.kind === 'wait' ? `${text}, but not yet: ${decision.reason}` : text, node)
    },
  }
}
