import type { JobAnswer, PlanAnswer, StatusAnswer } from '../core/operator.ts'
import type { Pause } from '../core/upgrade/paused.ts'
import { whyAway } from '../core/cluster/away.ts'
import { type CordonMark, type Node, whyUnhealthy } from '../core/cluster/cluster.ts'
import { armedRelease, isStagedByUs, nextBootOf } from '../core/cluster/next-boot.ts'
import { describeDuration } from '../core/duration.ts'
import { describeBetweenSteps } from '../core/lease.ts'
import { describeMoment, describeTime } from '../core/time.ts'
import type { FailedEntry } from '../core/job.ts'
import type { Entry } from '../core/journal.ts'
import type { Plan } from '../core/plan.ts'
import { english } from '../core/wording.ts'
import { describeVariant, type ImageStatus, type StagedImage } from '../core/release/image.ts'
import type { ReleaseAnswer } from '../core/release/release-answer.ts'
import type { ServiceStatus } from '../core/service.ts'
import { describeOutage, describePower } from './render-power.ts'
import { describeAlerts } from './render-alerts.ts'
import { facts, hanging, table } from './table.ts'
import { green, plain, red, yellow } from './colours.ts'

/** When a text is drawn: now, in ms since the epoch, and the time zone of its times. */
export interface Moment {
  readonly now: number
  readonly zone: string
}

/** Every function here turns an answer into the text that a person reads. */

export function renderStatus(status: StatusAnswer, { now, zone }: Moment): string {
  const { cluster, outage } = status
  const lines = [
    [
      'caretaker',
      `${status.version}, up for ${describeDuration(now - Date.parse(status.startedAt))}, pid ${status.pid}`,
    ],
    ['alerts', describeAlerts(status.alerts)],
    ['power', describePower(status.power, zone)],
    ['release', status.news ?? (status.target ? `upgrading to ${status.target}` : 'not checked yet')],
    ...status.leftBehind.filter((text) => !status.news?.includes(text)).map((text) => ['', yellow(text)]),
    ...describeShare(status.images, now),
    ['working', describeWork(status, now)],
    ['queue', status.queue ? describeCounts(status.queue) : red('its store does not respond')],
    ...status.services.flatMap(describeService),
    ...(status.configuration ? [['config', yellow(status.configuration)]] : []),
    ...status.missing.map((text) => ['missing', yellow(text)]),
    ...(status.paused ? [['paused', yellow(describePaused(status.paused, zone))]] : []),
    ...(status.waiting ? [['upgrade', yellow(status.waiting)]] : []),
    ...(outage ? [['outage', yellow(describeOutage(outage, zone))]] : []),
    ...(status.journalDegraded ? [['journal', red(`kept in memory: ${status.journalDegraded}`)]] : []),
    // Without a cluster there is no Kubernetes to report on.
    ...(cluster.nodes.length === 0
      ? []
      : [['kubernetes', cluster.kubernetes.ok ? cluster.kubernetes.value : red(cluster.kubernetes.error)]]),
  ] as [string, string][]
  const known = facts(lines, 11)
  return cluster.nodes.length === 0 ? known : `${known}\n\n${renderNodes(cluster.nodes)}`
}

/** What machines get, a line an image; its name only where there are several. */
function describeShare(images: readonly ImageStatus[], now: number): string[][] {
  return images.flatMap(({ name, published, note }, index) => {
    const which = images.length > 1 ? `${name}: ` : ''
    const what = published
      ? `${published.version} (${published.schematic.slice(0, 12)}), staged ${describeDuration(now - Date.parse(published.stagedAt))} ago`
      : 'nothing staged'
    const why = note === undefined ? [] : [['', yellow(`${which}not the target release: ${note}`)]]
    return [[index === 0 ? 'share' : '', `${which}${what}`], ...why]
  })
}

/** `since 2026-07-15 10:00 CEST by admin@nas (unverified): guests`, to follow the word. */
export function describePaused({ reason, by, since }: Pause, zone: string): string {
  return by === undefined || since === undefined ? reason : `since ${describeTime(since, zone)} by ${by}: ${reason}`
}

/** A healthy service has a line only if it has something to say. */
function describeService({ name, state, text }: ServiceStatus): string[][] {
  if (state === 'down') return [['service', red(`${name} is down: ${text ?? 'no reason given'}`)]]
  return text === undefined ? [] : [['service', `${name}: ${text}`]]
}

function describeWork({ leaseHolder, activities }: StatusAnswer, now: number): string {
  const between = describeBetweenSteps(leaseHolder)
  if (activities.length === 0) return between === undefined ? 'idle' : `between two steps of ${between}`
  return activities
    .map(({ step, since, hint }) => {
      const lasts = describeDuration(now - Date.parse(since))
      return `${step} for ${lasts}${hint === undefined ? '' : `: ${hint}`}`
    })
    .join('\n')
}

export function renderNodes(nodes: readonly Node[]): string {
  return table(
    ['NODE', 'ROLE', 'TALOS', { title: 'SCHEMATIC', spare: true }, 'READY', { title: 'NOTE', flows: true }],
    nodes.map((node) => {
      const facts = node.talos.ok ? node.talos.value : undefined
      const unhealthy = whyUnhealthy(node)
      return [
        node.name,
        node.role,
        facts?.version ?? '?',
        facts?.schematic?.slice(0, 12) ?? '?',
        readyWord(node, unhealthy),
        notesOf(node, unhealthy).join('; '),
      ]
    }),
  )
}

/** What we do to a node is no fault of it. */
function readyWord(node: Node, unhealthy: string | undefined): string {
  if (unhealthy === undefined) return green('yes')
  return whyAway(node, undefined) === undefined ? red('no') : yellow('no')
}

function notesOf(node: Node, unhealthy: string | undefined): string[] {
  const kubernetes = node.kubernetes.ok ? node.kubernetes.value : undefined
  const notes: string[] = unhealthy ? [unhealthy] : []
  if (kubernetes?.cordon) notes.push(`cordoned by Caretaker for ${describeMark(kubernetes.cordon)}`)
  else if (kubernetes?.unschedulable) notes.push('cordoned by someone else')
  if (kubernetes?.paused !== undefined) notes.push(`paused: ${kubernetes.paused}`)
  if (node.role !== node.configuredRole)
    notes.push(`configured as a ${node.configuredRole}, but runs as a ${node.role}`)
  notes.push(...describeNextBoot(node))
  if (kubernetes?.attempts?.failure)
    notes.push(
      `attempt ${kubernetes.attempts.count} at ${kubernetes.attempts.release} failed: ${kubernetes.attempts.failure}`,
    )
  return notes
}

function describeNextBoot(node: Node): string[] {
  const next = nextBootOf(node)
  if (next.kind === 'unknown' && node.talos.ok && node.talos.value.stage === 'running')
    return ['its next boot entry is unknown']
  if (next.kind !== 'another') return []
  const what = next.entry ?? armedRelease(node) ?? 'another release'
  return [
    `armed${isStagedByUs(node) ? ' on purpose' : ''}: the next boot ${next.certain ? 'starts' : 'may start'} ${what}`,
  ]
}

function describeMark({ why, back, release = '?' }: CordonMark): string {
  if (why === 'power') return 'the power cut'
  return back ? `the rollback from ${release}` : `the upgrade to ${release}`
}

function describeCounts(counts: Readonly<Record<string, number>>): string {
  const words: Readonly<Record<string, string>> = {
    active: 'running',
    wait: 'waiting',
    delayed: 'delayed',
    failed: 'failed',
  }
  const text = Object.entries(words)
    .map(([key, word]) => `${counts[key] ?? 0} ${word}`)
    .join(', ')
  return (counts['failed'] ?? 0) === 0 ? text : `${text} (\`caretaker queue failed\` shows them)`
}

export function renderPlan(
  { release, held, version, decision, order, takesMs, toApprove, warnings }: PlanAnswer,
  zone: string,
): string {
  const told =
    release.kind === 'target'
      ? `${release.version}, ${release.reason}`
      : release.kind === 'wait'
        ? `${release.version}, but ${withEnd(release.reason, release.until, zone)}`
        : release.reason
  const lines = [fact('release', told)]
  if (order.length > 0) lines.push(fact('nodes', `${order.join(', ')} (about ${describeDuration(takesMs)})`))
  if (toApprove.length > 0)
    lines.push(fact('approve', `\`caretaker approve ${version}\`, for ${toApprove.join(', ')}`, yellow))
  for (const warning of warnings) lines.push(fact('note', warning, yellow))
  switch (decision.kind) {
    case 'upgraded':
      if (release.kind !== 'wait') lines.push(green('nothing to do'))
      else if (held.length === 0) lines.push(yellow('waiting for this release'))
      else lines.push(...held.map((why) => fact('waiting', why, yellow)))
      break
    case 'wait':
      lines.push(fact('waiting', withEnd(decision.reason, decision.until, zone), yellow))
      break
    case 'stuck':
      lines.push(hanging('stuck: ', decision.reason).split('\n').map(red).join('\n'))
      break
    case 'go':
      if (decision.first.length > 0) lines.push('first:', renderPhases(decision.first))
      for (const { node, reason, plan } of decision.nodes)
        lines.push(fact('next', `${node}, because ${reason}`), renderPhases(plan))
      break
    default:
      decision satisfies never
  }
  return lines.join('\n')
}

/** `release: v1.14.1, …`, with what follows in one column. */
function fact(name: string, text: string, colour: (text: string) => string = plain): string {
  return hanging(`${name}:`.padEnd(9), text).split('\n').map(colour).join('\n')
}

/** A reason with the time that it lasts until, unless it says that time itself. */
function withEnd(reason: string, until: string | undefined, zone: string): string {
  const end = until === undefined ? undefined : describeTime(until, zone)
  return end === undefined || reason.includes(end) ? reason : `${reason} (until ${end})`
}

function renderPhases(plan: Plan): string {
  const rows = plan.map(({ id, steps }) => [english.titleOf(id), steps.map(english.describeStep).join(', ')] as const)
  const width = Math.max(0, ...rows.map(([title]) => title.length))
  return facts(
    rows.map(([title, steps]) => [`  ${title}`, steps]),
    width + 4,
  )
}

export function renderJobs(jobs: readonly JobAnswer[], now: number): string {
  return table(
    ['JOB', { title: 'STARTED BY', flows: true }, 'LAST RUN', ''],
    jobs.map(({ name, triggers, lastRun }) => [
      name,
      triggers
        .map((trigger) => ('on' in trigger ? trigger.on : 'every' in trigger ? `every ${trigger.every}` : trigger.cron))
        .join(', '),
      lastRun
        ? `${lastRun.outcome ?? 'running'}, ${describeDuration(now - Date.parse(lastRun.startedAt))} ago`
        : 'never',
      lastRun?.detail ?? '',
    ]),
  )
}

export function renderFailed(entries: readonly FailedEntry[], zone: string): string {
  if (entries.length === 0) return 'no job has failed for good'
  return table(
    ['JOB', 'FAILED', 'ATTEMPTS', ''],
    entries.map(({ job, failedAt, attempts, reason }) => [
      job,
      failedAt === undefined ? '?' : describeMoment(failedAt, zone),
      String(attempts),
      reason,
    ]),
  )
}

export function renderStaged(images: readonly StagedImage[], zone: string): string {
  if (images.length === 0) return 'nothing staged'
  return table(
    [
      'VERSION',
      'FOR',
      { title: 'SCHEMATIC', spare: true },
      'SIZE',
      'STAGED',
      { title: 'SHA-256', spare: true },
      { title: 'SERVED AS', flows: true },
    ],
    images.map(({ version, schematic, bytes, stagedAt, sha256, publishedAs, ...variant }) => [
      version,
      describeVariant(variant),
      schematic.slice(0, 12),
      `${(bytes / 1e6).toFixed(1)} MB`,
      describeTime(stagedAt, zone),
      sha256.slice(0, 16),
      publishedAs.length === 0 ? '-' : green(publishedAs.join(', ')),
    ]),
  )
}

/** Those that were withdrawn say so. */
export function renderReleases(releases: readonly ReleaseAnswer[]): string {
  return releases
    .map(({ version, isWithdrawn }) =>
      isWithdrawn ? `${version}  ${yellow('withdrawn: no node is upgraded to it')}` : version,
    )
    .join('\n')
}

/** In the order given. */
export function renderJournal(entries: readonly Entry[], zone: string): string {
  return entries.map((entry) => renderEntry(entry, zone)).join('\n')
}

export function renderEntry({ at, kind, subject, text }: Entry, zone: string): string {
  const head = `${describeMoment(at, zone)}  ${(kind === 'alert' ? red : plain)(kind.padEnd(6))} `
  return hanging(head, `${subject && !text.toLowerCase().includes(subject.toLowerCase()) ? `${subject}: ` : ''}${text}`)
}
