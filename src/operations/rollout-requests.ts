import { describeDuration } from '../core/duration.ts'
import { describeTime } from '../core/time.ts'
import { AgentError } from '../core/errors.ts'
import type { Asked, PlanAnswer, RolloutAnswer, RolloutRequests } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import { planAnswerOf } from '../core/upgrade/answers.ts'
import { describeAbort } from '../core/upgrade/abort.ts'
import { cleanText, longestReason } from '../core/requester.ts'
import { readPage } from '../core/page.ts'
import { comingRelease, isInHand } from '../core/upgrade/coming.ts'
import { endRollout } from '../core/upgrade/record.ts'
import type { UpgradePreview } from '../core/upgrade/preview.ts'
import { rolloutKind } from '../core/upgrade/rollout-kind.ts'
import { exclusionOf } from '../core/release/policy.ts'
import { type Cluster, runningVersions } from '../core/cluster/cluster.ts'
import { listed } from '../core/count.ts'
import { strangePieces } from '../core/release/provisions.ts'
import { isNewer, isOfficial } from '../core/version.ts'
import { abortOf, abortRelease, abortsIn, isAborted, withdrawAborts } from './aborts.ts'
import { remembered } from './facts.ts'
import { demandOffered, demandRelease } from './named-release.ts'
import { describeGoingBack, goingBack } from './going-back.ts'
import { describePause, pausedAs, pauseIn, pausing, rememberPause, withdrawPause } from './pause.ts'
import { previewUpgrade } from './preview-upgrade.ts'
import { readReleases } from './releases-request.ts'
import { originOf, patiently, recordChange, type RequestMeans, unchanged } from './request.ts'
import { findJob } from './running-agent.ts'

/** How long a window that is opened manually may last, in ms. */
const longestWindow = 7 * 24 * 3_600_000

/** Requests about rollouts. Each is remembered, and the job applies it when it next decides. */
export function createRolloutRequests(means: RequestMeans): RolloutRequests {
  return {
    status: (signal) => readRollout(means, signal),
    releases: (signal) => readReleases(means.ports, signal),
    plan: (signal) => previewPlan(means, signal),
    history: (page) => readPage(means.ports.journal.rollouts, rolloutKind.keyOf, page),
    pause: ({ reason }, asked) => pause(means, reason, asked),
    resume: (asked) => resume(means, asked),
    start: (asked) => start(means, asked),
    abort: (request, asked) => abort(means, request, asked),
    approve: (request, asked) => approve(means, request, asked),
    openWindow: ({ lastsMs }, asked) => openWindow(means, lastsMs, asked),
  }
}

/** What the next run of the upgrade would do now. */
export async function previewPlan(means: RequestMeans, signal: AbortSignal): Promise<PlanAnswer> {
  return planAnswerOf(await preview(means, signal))
}

function preview({ agent }: RequestMeans, signal: AbortSignal): Promise<UpgradePreview> {
  return previewUpgrade(agent.preview(findJob(agent, 'upgrade-node'), signal))
}

/** Records what a request has changed, and has the upgrade look at it. */
export async function changedRollout(
  { agent, ports }: RequestMeans,
  said: string,
  { by }: Asked,
  subject = 'rollout',
): Promise<RequestAnswer> {
  const answer = recordChange(ports.journal, { kind: 'event', subject, said }, by)
  // It is looked at again on schedule, too.
  await agent.start(findJob(agent, 'upgrade-node')).catch(() => {})
  return answer
}

async function readRollout(means: RequestMeans, signal: AbortSignal): Promise<RolloutAnswer> {
  const { journal, snapshots } = means.ports
  const openUntil = remembered.openUntil.recall(journal)
  const [plan, kept] = await Promise.all([previewPlan(means, signal), snapshots.list().catch(() => [])])
  return {
    plan,
    current: journal.openRollout(),
    approved: remembered.approved.recall(journal),
    aborted: abortsIn(journal),
    paused: pauseIn(journal),
    openUntil:
      openUntil !== undefined && openUntil > means.now().getTime() ? new Date(openUntil).toISOString() : undefined,
    snapshot: kept[0],
  }
}

async function pause(means: RequestMeans, given: string | undefined, asked: Asked): Promise<RequestAnswer> {
  const { journal } = means.ports
  const paused = pausing(cleanText(given ?? '', longestReason))
  if (pausedAs(journal) === paused) return unchanged(paused.replace('are paused', 'were already paused'))
  rememberPause(journal, paused, originOf(asked, means.now()))
  return changedRollout(means, paused, asked)
}

async function resume(means: RequestMeans, asked: Asked): Promise<RequestAnswer> {
  const { journal } = means.ports
  if (remembered.paused.recall(journal) === undefined) return unchanged(`rollouts were not paused${stillHeld(means)}`)
  withdrawPause(journal)
  return changedRollout(means, `rollouts are no longer paused${stillHeld(means)}`, asked)
}

async function start(means: RequestMeans, asked: Asked): Promise<RequestAnswer> {
  const { journal } = means.ports
  const isAsked = remembered.rollbacks.recall(journal) !== undefined
  const observed = isAsked ? (await means.agent.observe(patiently(asked.signal))).nodes : []
  // Read after the node was observed: another request may have withdrawn some of it meanwhile.
  const aborted = abortsIn(journal).map(({ release }) => release)
  const rollbacks = (remembered.rollbacks.recall(journal) ?? []).map(({ node }) => node)
  const goesBack = goingBack(observed, rollbacks)
  const cancelled = rollbacks.filter((node) => !goesBack.includes(node))
  const withdrawn = [
    ...(remembered.paused.recall(journal) === undefined ? [] : ['the pause']),
    ...(aborted.length === 0 ? [] : [`the abort of ${aborted.join(', ')}`]),
    ...(cancelled.length === 0 ? [] : [`the request to roll back ${cancelled.join(', ')}`]),
  ]
  const first = describeGoingBack(goesBack)
  if (withdrawn.length === 0) return unchanged(`nothing was paused or aborted${first}${stillHeld(means)}`)
  withdrawPause(journal)
  withdrawAborts(journal)
  remembered.rollbacks.remember(journal, undefined)
  return changedRollout(means, `cancelled ${withdrawn.join(', ')}; rollouts continue${first}${stillHeld(means)}`, asked)
}

/** What a person or the configuration holds rollouts back by. */
export function whyHeld(means: RequestMeans): string {
  const paused = describePause(means.ports.journal, means.config().upgrade.shownZone)
  return paused === undefined ? stillHeld(means) : `, but ${paused}`
}

/** What keeps rollouts from continuing although they are not paused. */
function stillHeld({ config, ports }: RequestMeans): string {
  if (!config().upgrade.enabled) return ', but upgrade.enabled is false'
  const coming = remembered.target.recall(ports.journal) ?? remembered.coming.recall(ports.journal)
  const aborted = abortOf(ports.journal, coming)
  return aborted === undefined ? '' : `, but ${describeAbort(aborted)}`
}

/** What a request about a release is decided by. */
interface Seen extends UpgradePreview {
  /** The release that a person means who names none. */
  readonly coming: string | undefined
  /** The release of the rollout on record that has not ended. */
  readonly open: string | undefined
}

async function look(means: RequestMeans, { signal }: Asked): Promise<Seen> {
  const found = await preview(means, patiently(signal))
  const open = means.ports.journal.openRollout()?.release
  return { ...found, coming: comingRelease(found, open), open }
}

/**
 * Aborts the rollout that is under way or to come. Any other one does not exist: a release that is only offered is left
 * out by upgrade.skip.
 */
async function abort(
  means: RequestMeans,
  { version: named }: Parameters<RolloutRequests['abort']>[0],
  asked: Asked,
): Promise<RequestAnswer> {
  const { journal } = means.ports
  if (named !== undefined) demandRelease(named)
  const seen = await look(means, asked)
  const { coming, open } = seen
  const version = named ?? coming
  if (version === undefined) {
    if (seen.version === undefined || !isReached(seen, seen.version)) throw noRelease(seen)
    return unchanged(describeNoRollout(seen, seen.version))
  }
  if (version !== open && isAborted(journal, version)) return unchanged(`the rollout of ${version} was already aborted`)
  if (isReached(seen, version) && (version !== coming || seen.decision.kind === 'upgraded'))
    return unchanged(describeNoRollout(seen, version))
  if (version !== coming && version !== open) {
    await demandOffered(means, version, asked.signal)
    throw new AgentError(
      'not-found',
      `there is no rollout of ${version}: ${coming === undefined ? 'none is coming' : `${coming} is coming`}. To leave out a release, add it to upgrade.skip`,
    )
  }
  abortRelease(journal, version, originOf(asked, means.now()))
  const record = journal.openRollout()
  if (record?.release === version) journal.saveRollout(endRollout(record, 'aborted', means.now()))
  return changedRollout(means, describeAborting(seen, version), asked)
}

async function approve(
  means: RequestMeans,
  { version: named, losing = [] }: Parameters<RolloutRequests['approve']>[0],
  asked: Asked,
): Promise<RequestAnswer> {
  const { journal } = means.ports
  if (named !== undefined) demandRelease(named)
  const seen = await look(means, asked)
  const version = named ?? seen.coming
  if (version === undefined) throw noRelease(seen)
  if (version !== seen.coming && version !== seen.open) await demandOffered(means, version, asked.signal)
  if (version !== seen.coming && isReached(seen, version))
    return unchanged(`there is nothing to approve: no node${whichOf(seen)} runs anything older than ${version}`)
  demandPresent(seen.cluster, losing)
  const before = remembered.approved.recall(journal)
  const losses = remembered.losses.recall(journal)
  const known = losses?.release === version ? losses.names : []
  const loses = losing.some((name) => !known.includes(name))
  if (before === version && !loses) return unchanged(`${version} was already approved${doubtsAbout(means, version)}`)
  remembered.approved.remember(journal, version)
  const names = [...new Set([...known, ...losing])]
  if (losing.length > 0) remembered.losses.remember(journal, { release: version, names })
  const accepted = losing.length > 0 ? `, and nodes may lose ${names.join(', ')}` : ''
  const replaced = before === undefined || before === version ? '' : ` in place of ${before}`
  return changedRollout(means, `${version} is approved${replaced}${accepted}${doubtsAbout(means, version)}`, asked)
}

/**
 * What a node is to lose has to be there: a name that is nearly right would be accepted, and the node would wait on.
 *
 * @throws AgentError `not-found`
 */
function demandPresent({ nodes }: Cluster, losing: readonly string[]): void {
  const strange = strangePieces(losing, nodes)
  if (strange.length > 0)
    throw new AgentError(
      'not-found',
      `no node has ${listed(strange, 'or')}: \`caretaker plan\` tells what would be lost`,
    )
}

function describeNoRollout({ cluster, coming }: Seen, version: string): string {
  const isEverywhere = cluster.nodes.every(({ talos }) => !talos.ok || talos.value.version === version)
  const which = whichOf({ cluster })
  const why = isEverywhere
    ? `every node${which} runs ${version}`
    : `no node${which} runs anything older than ${version}`
  const other = coming === undefined || coming === version ? '' : `; abort what is coming with ${commandFor(coming)}`
  return `there is no rollout to abort: ${why}${other}`
}

/** Of one that does not answer nobody knows what it runs. */
function whichOf({ cluster }: Pick<UpgradePreview, 'cluster'>): string {
  return cluster.nodes.every(({ talos }) => talos.ok) ? '' : ' that answers'
}

/** What an abort comes to: for nodes that are under way, and where another release is to come all the same. */
function describeAborting(seen: Seen, version: string): string {
  const { cluster, coming, release } = seen
  const others = [coming, release.kind === 'current' ? undefined : release.version]
  const other = others.find((one) => one !== undefined && one !== version)
  const hint = other === undefined ? '' : `; ${other} is to come all the same: abort it with ${commandFor(other)}`
  const what = isInHand(cluster, version)
    ? 'nodes that have it installed are finished, nodes that are only cordoned are uncordoned'
    : 'no node is upgraded to it until `caretaker rollout start`'
  return `the rollout of ${version} is aborted: ${what}${hint}`
}

const commandFor = (version: string) => `\`caretaker rollout abort ${version}\``

/** Whether all nodes that answer, and are of an official release, run this one or a newer one. */
function isReached({ cluster }: UpgradePreview, version: string): boolean {
  const running = runningVersions(cluster).filter(isOfficial)
  return running.length > 0 && running.every((one) => !isNewer(version, one))
}

function noRelease({ release }: UpgradePreview): AgentError {
  return new AgentError('rejected', `there is no target release at present: ${release.reason}`)
}

/** Why an approval changes nothing for now. */
function doubtsAbout({ config, ports }: RequestMeans, version: string): string {
  if (remembered.withdrawn.recall(ports.journal)?.includes(version))
    return ', but it is withdrawn: no node is upgraded to it'
  const aborted = abortOf(ports.journal, version)
  const why = exclusionOf(config().upgrade, version) ?? (aborted && describeAbort(aborted))
  return why === undefined ? '' : `, but ${why}`
}

async function openWindow(means: RequestMeans, lastsMs: number, asked: Asked): Promise<RequestAnswer> {
  if (!(lastsMs >= 1 && lastsMs <= longestWindow))
    throw new AgentError('misconfigured', 'a window can be opened for up to 7 days')
  const until = means.now().getTime() + lastsMs
  remembered.openUntil.remember(means.ports.journal, until)
  return changedRollout(
    means,
    `a window is open for ${describeDuration(lastsMs)}, until ${describeTime(until, means.config().upgrade.shownZone)}`,
    asked,
  )
}
