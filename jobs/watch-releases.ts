import type { Cluster } from '../src/core/cluster/cluster.ts'
import { AgentError, messageOf } from '../src/core/errors.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, every, later, on } from '../src/core/job.ts'
import type { Journal } from '../src/core/journal.ts'
import { describeLeftBehind, movementOf } from '../src/core/release/left-behind.ts'
import { mergeLists, type ReleaseLists } from '../src/core/release/lists.ts'
import { withdrawnReason } from '../src/core/release/policy.ts'
import { heldImages } from '../src/operations/known-bytes.ts'
import { areUnborn, chooseFirst, chooseTarget, nodesAskedAgainAfter, remembered } from '../src/operations/facts.ts'
import { describeTime } from '../src/core/time.ts'
import { compareVersions } from '../src/core/version.ts'

/** Asks the Image Factory for releases, chooses the target, and says why one is not used yet. */
export default defineJob({
  name: 'watch-releases',
  about: 'asks the Image Factory for releases and chooses the target release',
  triggers: [on('agent.started'), every('30m'), on('node.returned'), on('node.upgraded'), on('cluster.woken')],
  runs: 'queue',

  async run(context) {
    const { config, ports, observe, emit, now, ownNode, clock } = context
    const { journal } = ports
    const answer = await askFactory(context)
    const cluster = await observe()
    const movement = movementOf(cluster, ownNode)
    const { running, left } = movement
    const before = remembered.target.recall(journal)
    const known = recallLists(journal)
    const lists = mergeLists(known, answer, { policy: config.upgrade, running })
    rememberLists(journal, lists)
    const alarms = reportLists(context, { answer, lists, cluster, before })
    /** What `caretaker status` says of releases until the next run. */
    const say = (text: string) => {
      const remarks = [...alarms, ...describeLeftBehind(movement, remembered.target.recall(journal))]
      const whole = [text, ...remarks.filter((remark) => !text.includes(remark.split(';')[0]!))].join('; ')
      remembered.news.remember(journal, whole)
      return done(whole)
    }

    // The target is kept while all nodes are down: they may boot from what is staged.
    const isSilent = config.nodes.length > 0 && running.length === 0 && left.length === 0
    // Nodes that were never heard may be waiting for their first image.
    const areNone = config.nodes.length === 0
    const isFirst = areNone || (isSilent && areUnborn(journal, { now: now(), clock }))
    if (isSilent && !isFirst) {
      const reason = `no node answers${before === undefined ? '' : `; ${before} stays the target release`}`
      say(reason)
      return later(reason, after(now(), nodesAskedAgainAfter))
    }
    const decision = isFirst
      ? chooseFirst(journal, config.upgrade, {
          now: now(),
          clock,
          why: areNone ? 'no node is configured yet' : 'no node has ever answered',
        })
      : chooseTarget(cluster, journal, config.upgrade, { now: now(), ownNode, clock })
    remembered.coming.remember(journal, decision.kind === 'current' ? undefined : decision.version)
    if (decision.kind !== 'target') {
      // A release that vanished from the list, and was not withdrawn, is no reason to stage an older one.
      const isKept = before !== undefined && decision.kind === 'wait' && lists.vanished.includes(decision.version)
      if (!isKept) remembered.target.remember(journal, undefined)
      if (decision.kind === 'current') return say(decision.reason)
      const ready =
        decision.until === undefined ? '' : `, until ${describeTime(decision.until, config.upgrade.shownZone)}`
      const reason = `${decision.version} is available: ${decision.reason}${ready}`
      const said = say(isKept ? decision.reason : reason)
      return decision.until === undefined ? said : later(reason, new Date(decision.until))
    }
    remembered.target.remember(journal, decision.version)
    if (before !== decision.version) await emit({ type: 'release.published', version: decision.version })
    return say(`${decision.version} is the target release: ${decision.reason}`)
  },
})

/** What the Factory offers and what it has withdrawn. The list of withdrawn releases may fail alone. */
async function askFactory({ ports: { factory }, signal, log }: JobContext) {
  const offered = await factory.versions(signal)
  const withdrawn = await factory.withdrawn(offered, signal).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof AgentError)) throw error
    log.warn({ reason: messageOf(error) }, 'list of withdrawn releases not read; the last one still applies')
    return undefined
  })
  return { offered, withdrawn }
}

function recallLists(journal: Journal): ReleaseLists {
  return {
    offered: remembered.versions.recall(journal) ?? [],
    withdrawn: remembered.withdrawn.recall(journal) ?? [],
    vanished: remembered.vanished.recall(journal) ?? [],
  }
}

function rememberLists(journal: Journal, { offered, withdrawn, vanished }: ReleaseLists): void {
  remembered.versions.remember(journal, offered)
  remembered.withdrawn.remember(journal, withdrawn)
  remembered.vanished.remember(journal, vanished)
}

interface News {
  readonly answer: { readonly offered: readonly string[] }
  readonly lists: ReleaseLists
  readonly cluster: Cluster
  /** The previous target release. */
  readonly before: string | undefined
}

/** Opens alerts on releases that left the Factory's list, each once. Returns remarks for the status. */
function reportLists(
  { alerts, ports: { journal } }: JobContext,
  { answer, lists, cluster, before }: News,
): readonly string[] {
  const { vanished, withdrawn } = lists
  const newest = lists.offered.toSorted(compareVersions).at(-1) ?? 'any release'
  const gone = answer.offered.length === 0 ? newest : vanished.join(', ')
  const lost = gone === '' ? undefined : `the Factory no longer lists ${gone}; nothing is downgraded`
  alerts.report(
    'release.vanished',
    lost === undefined ? undefined : { severity: 'info', subject: 'factory', text: lost },
  )
  const inUse = [
    before,
    journal.openRollout()?.release,
    ...cluster.nodes.map(({ talos }) => (talos.ok ? talos.value.version : undefined)),
    // What a person has taken names back to, and what waits for a person.
    ...Object.values(remembered.holds.recall(journal) ?? {}).map(({ version }) => version),
    ...heldImages(journal).map(({ version }) => version),
  ]
  const taken = withdrawn.filter((version) => inUse.includes(version)).map(withdrawnReason)
  const text = taken.length === 0 ? undefined : `${taken.join('; ')}: no more nodes are upgraded to it`
  alerts.report('release.withdrawn', text === undefined ? undefined : { severity: 'warning', subject: 'factory', text })
  return [...(lost === undefined ? [] : [lost]), ...taken]
}
