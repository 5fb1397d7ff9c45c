import type { PowerAnswer, PowerPlanAnswer, RunAnswer } from '../core/operator.ts'
import type {
  DrillReportAnswer,
  NoReading,
  ReadingAnswer,
  UnreadUps,
  UpsAnswer,
  UpsStateAnswer,
} from '../core/power/answers.ts'
import { describeDuration, inSeconds } from '../core/duration.ts'
import { describeReason } from '../core/event.ts'
import { forcedWords, latchedWords } from '../core/power/forced.ts'
import type { Outage } from '../core/power/outage.ts'
import { summarize } from '../core/power/summary.ts'
import { describeFit } from '../core/power/timeline.ts'
import { describeClock, describeMoment, describeTime } from '../core/time.ts'
import { english } from '../core/wording.ts'
import { dim, green, red, yellow } from './colours.ts'
import { describeDriverPace } from './render-ups.ts'
import { renderTimeline } from './render-timeline.ts'
import { facts, hanging, indented, paragraphs, table, terminalWidth } from './table.ts'

/** The power in a line or two a UPS. `zone` is the time zone of times. */
export function describePower({ upses, shutdownRequestedAt }: PowerAnswer, zone: string): string {
  const lines = [
    ...(shutdownRequestedAt === undefined
      ? []
      : [
          red(
            `shutdown requested on ${describeTime(shutdownRequestedAt, zone)}; machines stay down until \`caretaker power wake\``,
          ),
        ]),
    ...upses.flatMap((ups) => describeUps(ups, upses.length > 1)),
  ]
  return lines.length === 0 ? 'no UPS is configured' : lines.join('\n')
}

function describeUps({ label, state, noReading, ...others }: UpsAnswer, isNamed: boolean): string[] {
  const { loginRefused, silentForMs, driver } = others
  // Said once: below, with how long it has been so.
  const { why, ...known } = state
  return [
    `${isNamed ? `${label}: ` : ''}${describeState(why === noReading?.why ? known : state, describeDuration(state.forMs))}`,
    ...(noReading === undefined
      ? []
      : [
          silentForMs === undefined
            ? yellow(describeNoReading(noReading))
            : red(
                `${describeNoReading(noReading)}; ${state.mode === 'critical' ? 'it counts as failed' : 'the power is not guarded'}`,
              ),
        ]),
    ...(loginRefused === undefined ? [] : [red(loginRefused)]),
    ...(driver === undefined ? [] : [dim(`its driver ${describeDriver(driver)}: nothing but FSD shows sooner`)]),
  ]
}

function describeNoReading({ forMs, why }: NoReading): string {
  return `no reading for ${describeDuration(forMs)}: ${why}`
}

function describeDriver({ pollIntervalMs, pollFrequencyMs }: NonNullable<UpsAnswer['driver']>): string {
  return describeDriverPace({ pollInterval: pollIntervalMs, pollFrequency: pollFrequencyMs })
}

function describeState(state: UpsStateAnswer, lasts: string): string {
  const { mode, why, reason, cancelled, wasOnBattery, reading } = state
  const figures = `${reading === undefined ? '' : ` (${describeReading(reading)})`}${describeDoubts(state)}`
  switch (mode) {
    case 'unknown':
      return yellow(why === undefined ? 'unknown' : `unknown: ${why}`)
    case 'on-mains':
      return `${green('on mains power')} for ${lasts}${figures}${wasOnBattery ? yellow(', with a blip to battery') : ''}`
    case 'on-battery':
      return `${yellow('on battery')} for ${lasts}${figures}${describeCancelled(cancelled)}`
    case 'critical':
      return `${red('critical')} for ${lasts}: ${reason === undefined ? '' : describeReason(reason)}${figures}`
    case 'forced':
      return `${red(forcedWords)}, for ${lasts}${figures}`
    case 'latched':
      return `${yellow(latchedWords)}${figures}`
    default:
      return mode satisfies never
  }
}

/** Which shutdown a person has cancelled. What can still start one is shown by the triggers. */
function describeCancelled(cancelled: UpsStateAnswer['cancelled']): string {
  if (cancelled === undefined) return ''
  if (cancelled === 'not-begun') return yellow('; the shutdown was cancelled before it began')
  return yellow(`; the shutdown because ${describeReason(cancelled)} was cancelled`)
}

/** What keeps the mode from being all that there is to say. */
function describeDoubts({ inferred, flapping, mainsForMs, unclearForMs }: UpsStateAnswer): string {
  return [
    ...(inferred === undefined ? [] : [`inferred: ${inferred}`]),
    ...(flapping === undefined ? [] : [flapping]),
    ...(mainsForMs === undefined ? [] : [`mains power is back for ${describeDuration(mainsForMs)}`]),
    ...(unclearForMs === undefined
      ? []
      : [`its status has not said whether it has mains power for ${describeDuration(unclearForMs)}`]),
  ]
    .map((text) => yellow(`, ${text}`))
    .join('')
}

function describeReading({ status, chargePercent, runtimeMs, loadPercent, doubtful = {} }: ReadingAnswer): string {
  const { chargePercent: charge, runtimeMs: runtime } = doubtful
  return [
    status.join(' '),
    ...(charge === undefined ? [] : [`charge ${charge.reported} % (not used)`]),
    ...(runtime === undefined ? [] : [`runtime ${inSeconds(runtime.reported)} (not used)`]),
    ...(chargePercent === undefined ? [] : [`charge ${chargePercent} %`]),
    ...(runtimeMs === undefined ? [] : [`runtime ${describeDuration(runtimeMs)}`]),
    ...(loadPercent === undefined ? [] : [`load ${loadPercent} %`]),
  ].join(', ')
}

/** What stands before a fact, in columns. */
const margin = 11

/** The power, what would start a shutdown, and a shutdown in progress. */
export function renderPower(power: PowerAnswer, outages: readonly Outage[], zone: string): string {
  const isNamed = power.upses.length > 1
  const room = terminalWidth() - margin
  const triggers = power.upses.flatMap(({ label, triggers: all }) =>
    all.map(({ text, disarmed }) => {
      const what = `${isNamed ? `${label}: ` : ''}${text}`
      return disarmed === undefined
        ? hanging(`${green('armed')}   `, what, room)
        : hanging(`${dim('off')}     `, `${what} ${dim(`(${disarmed})`)}`, room)
    }),
  )
  const open = outages.find(({ stage }) => stage !== 'over')
  return facts(
    [
      ['power', describePower(power, zone)],
      ...triggers.map((line, index) => [index === 0 ? 'shutdown' : '', line] as const),
      ...(open ? [['outage', yellow(describeOutage(open, zone))] as const] : []),
    ],
    margin,
  )
}

const stageWords: Readonly<Record<Outage['stage'], string>> = {
  shedding: 'workloads are scaled down',
  draining: 'the nodes are being drained',
  stopping: 'machines are shutting down',
  stopped: 'every machine was shut down',
  waking: 'machines are being woken',
  over: 'it is over',
}

/** In words that fit after the name of a machine. */
const stateWords: Readonly<Record<Outage['nodes'][string]['state'], string>> = {
  up: 'is up',
  drained: 'is drained',
  'shutdown-sent': 'is shutting down',
  unreached: 'could not be reached',
  off: 'is off',
  abandoned: 'did not shut down in time',
  'wake-sent': 'is being woken',
  back: 'is back',
}

export function describeOutage(outage: Outage, zone: string): string {
  const { startedAt, reason, stage, nodes } = outage
  const states = Object.entries(nodes).map(([name, { state }]) => `${name} ${stateWords[state]}`)
  const progress = [stageWords[stage], ...(states.length === 0 ? [] : [states.join(', ')])].join(': ')
  return `since ${describeMoment(startedAt, zone)} because ${describeReason(reason)}; ${progress}`
}

/** Outages so far, newest first, each with how long everything took. */
export function renderOutages(outages: readonly Outage[], zone: string): string {
  if (outages.length === 0) return 'no outages yet'
  return outages.map((outage) => renderOutage(outage, zone)).join('\n\n')
}

function renderOutage(outage: Outage, zone: string): string {
  const { startedAt, reason, endedAt, nodes } = outage
  const head = `${describeMoment(startedAt, zone)}  because ${describeReason(reason)}`
  const end = endedAt ? summarize(outage) : yellow(`${outage.stage}, in progress`)
  if (!Object.values(nodes).some(({ at }) => at?.['shutdown-sent']))
    return `${paragraphs([head])}\n${indented(end, '  ')}`
  const time = (at: string | undefined) => (at === undefined ? '' : describeClock(at, zone))
  const rows = Object.entries(nodes).map(([name, { state, wasUp, at = {} }]) => [
    name,
    wasUp ? (state === 'back' ? green('back') : yellow(state)) : dim('was off'),
    time(at['shutdown-sent']),
    time(at.off) || (at.abandoned ? red('given up') : at.unreached ? red('not reached') : ''),
    time(at['wake-sent']),
    time(at.back),
  ])
  const times = table(['MACHINE', 'STATE', 'REQUESTED', 'OFF', 'WOKEN', 'BACK'], rows, terminalWidth() - 2)
  return [paragraphs([head]), indented(end, '  '), indented(times, '  ')].join('\n')
}

export function renderPowerPlan(plan: PowerPlanAnswer): string {
  const { form, reason, leftMs, leftUnknown, needsMs, timeline, unread = [] } = plan
  const left = leftMs ?? undefined
  const isBlind = unread.some((ups) => ups.isBlind)
  const said = [
    ...unread.flatMap((ups) => [...describeUnread(ups), '']),
    `if ${isBlind ? 'a shutdown started' : 'mains power failed'} now: ${form === 'ordered' ? green(form) : yellow(form)}, ${reason}`,
    describeFit(needsMs, left, needsMs - Math.max(0, ...timeline.map(({ toMs }) => toMs)), leftUnknown),
  ]
  return [paragraphs(said), '', renderTimeline(timeline, left)].join('\n')
}

/** That a UPS does not answer, and what that means for a power cut. */
function describeUnread({ label, isBlind, triggers, ...silence }: UnreadUps): readonly string[] {
  const off = triggers.filter(({ disarmed }) => disarmed !== undefined).map(({ text }) => text)
  return [
    red(`${label}: ${describeNoReading(silence)}`),
    isBlind
      ? yellow('while that lasts, a power cut is not noticed, and nothing starts a shutdown')
      : `while that lasts, these can't start a shutdown: ${off.join('; ')}`,
  ]
}

export function renderDrill({ detail }: RunAnswer, report: DrillReportAnswer | undefined): string {
  if (!report) return detail
  const { form, reason, runtimeMs, runtimeUnknown, needsMs, timeline, checks, walked } = report
  const done = (walked ?? []).flatMap(({ phase, tookMs, failed }) => [
    `${failed.length === 0 ? green('done') : red('failed')}  ${english.titleOf(phase)} in ${describeDuration(tookMs)}`,
    ...failed.map((text) => indented(red(text), ' '.repeat(8))),
  ])
  const results = checks.map(({ subject, text, ok, tookMs }) => {
    const took = tookMs === undefined ? '' : dim(` (${describeDuration(tookMs)})`)
    return hanging(`${ok ? green('ok') : red('failed')}${ok ? '    ' : ''}  `, `${subject}: ${text}${took}`)
  })
  return [
    paragraphs([detail]),
    '',
    renderPowerPlan({ form, reason, leftMs: runtimeMs ?? null, leftUnknown: runtimeUnknown, needsMs, timeline }),
    ...(done.length > 0 ? ['', ...done] : []),
    '',
    ...results,
  ].join('\n')
}
