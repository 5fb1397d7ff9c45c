import { describeDuration } from '../core/duration.ts'
import { describeTime } from '../core/time.ts'
import { AgentError } from '../core/errors.ts'
import {
  type Asked,
  cleanText,
  longestReason,
  type PlanAnswer,
  planAnswerOf,
  type RequestAnswer,
  type RolloutAnswer,
  type RolloutRequests,
} from '../core/operator.ts'
import { endRollout } from '../core/upgrade/record.ts'
import { remembered } from './facts.ts'
import { previewUpgrade } from './preview-upgrade.ts'
import { recordChange, type RequestMeans, unchanged } from './request.ts'
import { findJob } from './running-agent.ts'
import { demandRelease } from './staging-requests.ts'

/** How long a window that is opened manually may last, in ms. */
const longestWindow = 7 * 24 * 3_600_000

/** Requests about rollouts. Each is remembered, and the job applies it when it next decides. */
export function createRolloutRequests(means: RequestMeans): RolloutRequests {
  return {
    status: (signal) => readRollout(means, signal),
    plan: (signal) => previewPlan(means, signal),
    history: () => means.ports.journal.rollouts(50),
    pause: ({ reason }, asked) => pause(means, reason, asked),
    resume: (asked) => resume(means, asked),
    start: (asked) => start(means, asked),
    abort: (asked) => abort(means, asked),
    approve: (request, asked) => approve(means, request, asked),
    openWindow: ({ lastsMs }, asked) => openWindow(means, lastsMs, asked),
  }
}

/** What the next run of the upgrade would do now. */
export async function previewPlan({ agent }: RequestMeans, signal: AbortSignal): Promise<PlanAnswer> {
  return planAnswerOf(await previewUpgrade(agent.preview(findJob(agent, 'upgrade-node'), signal)))
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
    aborted: remembered.aborted.recall(journal),
    paused: remembered.paused.recall(journal),
    openUntil:
      openUntil !== undefined && openUntil > means.now().getTime() ? new Date(openUntil).toISOString() : undefined,
    snapshot: kept[0],
  }
}

async function pause(means: RequestMeans, given: string | undefined, asked: Asked): Promise<RequestAnswer> {
  const { journal } = means.ports
  const reason = cleanText(given ?? '', longestReason)
  const paused = reason === undefined ? 'rollouts are paused' : `paused: ${reason}`
  if (remembered.paused.recall(journal) === paused)
    return unchanged(`rollouts were already paused${reason === undefined ? '' : `: ${reason}`}`)
  remembered.paused.remember(journal, paused)
  return changedRollout(means, `rollouts are paused${reason === undefined ? '' : `: ${reason}`}`, asked)
}

async function resume(means: RequestMeans, asked: Asked): Promise<RequestAnswer> {
  const { journal } = means.ports
  if (remembered.paused.recall(journal) === undefined) return unchanged(`rollouts were not paused${stillHeld(means)}`)
  remembered.paused.remember(journal, undefined)
  return changedRollout(means, `rollouts are no longer paused${stillHeld(means)}`, asked)
}

async function start(means: RequestMeans, asked: Asked): Promise<RequestAnswer> {
  const { journal } = means.ports
  const aborted = remembered.aborted.recall(journal)
  const rollbacks = (remembered.rollbacks.recall(journal) ?? []).map(({ node }) => node)
  const withdrawn = [
    ...(remembered.paused.recall(journal) === undefined ? [] : ['the pause']),
    ...(aborted === undefined ? [] : [`the abort of ${aborted}`]),
    ...(rollbacks.length === 0 ? [] : [`the request to roll back ${rollbacks.join(', ')}`]),
  ]
  if (withdrawn.length === 0) return unchanged(`nothing was paused or aborted${stillHeld(means)}`)
  remembered.paused.remember(journal, undefined)
  remembered.aborted.remember(journal, undefined)
  remembered.rollbacks.remember(journal, undefined)
  return changedRollout(means, `cancelled ${withdrawn.join(', ')}; rollouts continue${stillHeld(means)}`, asked)
}

/** What keeps rollouts from continuing although they are not paused. */
function stillHeld({ config, ports }: RequestMeans): string {
  if (!config().upgrade.enabled) return ', but upgrade.enabled is false'
  const aborted = remembered.aborted.recall(ports.journal)
  if (aborted === undefined || aborted !== remembered.target.recall(ports.journal)) return ''
  return `, but the rollout of ${aborted} is aborted: start it again with \`caretaker rollout start\``
}

async function abort(means: RequestMeans, asked: Asked): Promise<RequestAnswer> {
  const { journal } = means.ports
  const open = journal.openRollout()
  const plan = open ? undefined : await previewPlan(means, asked.signal)
  const version = open?.release ?? plan?.version
  if (version === undefined) throw noRelease()
  if (!open && remembered.aborted.recall(journal) === version)
    return unchanged(`the rollout of ${version} was already aborted`)
  if (plan?.decision.kind === 'upgraded') return unchanged(`there is no rollout to abort: every node runs ${version}`)
  remembered.aborted.remember(journal, version)
  if (open) journal.saveRollout(endRollout(open, 'aborted', means.now()))
  return changedRollout(
    means,
    `the rollout of ${version} is aborted: nodes that have it installed are finished, nodes that are only cordoned are uncordoned`,
    asked,
  )
}

async function approve(
  means: RequestMeans,
  { version: named, losing = [] }: Parameters<RolloutRequests['approve']>[0],
  asked: Asked,
): Promise<RequestAnswer> {
  const { journal } = means.ports
  const version = await releaseOf(means, named, asked.signal)
  const before = remembered.approved.recall(journal)
  const losses = remembered.losses.recall(journal)
  const isNew = losses?.release !== version || losing.some((name) => !losses.names.includes(name))
  const loses = losing.length > 0 && isNew
  if (before === version && !loses) return unchanged(`${version} was already approved${doubtsAbout(means, version)}`)
  remembered.approved.remember(journal, version)
  if (losing.length > 0) remembered.losses.remember(journal, { release: version, names: losing })
  const accepted = losing.length > 0 ? `, and nodes may lose ${losing.join(', ')}` : ''
  const replaced = before === undefined || before === version ? '' : ` in place of ${before}`
  return changedRollout(means, `${version} is approved${replaced}${accepted}${doubtsAbout(means, version)}`, asked)
}

/** The release that a request is about where none is named. */
async function releaseOf(means: RequestMeans, named: string | undefined, signal: AbortSignal): Promise<string> {
  if (named !== undefined) {
    demandRelease(named)
    return named
  }
  const version = means.ports.journal.openRollout()?.release ?? (await previewPlan(means, signal)).version
  if (version === undefined) throw noRelease()
  return version
}

function noRelease(): AgentError {
  return new AgentError('rejected', 'there is no target release at present: see `caretaker plan`')
}

/** An approval may come before the release does; one that is misspelled would never count. */
function doubtsAbout({ ports }: RequestMeans, version: string): string {
  const { journal } = ports
  if (remembered.withdrawn.recall(journal)?.includes(version)) return ', but it is withdrawn: no node is upgraded to it'
  const offered = remembered.versions.recall(journal)
  return offered === undefined || offered.includes(version) ? '' : ', but the Factory has not offered it so far'
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
