import type { PowerAnswer, PowerPlanAnswer, RunAnswer, UpsAnswer } from '../core/operator.ts'
import type { DrillReport } from '../core/power/drill.ts'
import { describeDuration } from '../core/duration.ts'
import { describeReason } from '../core/event.ts'
import type { Outage } from '../core/power/outage.ts'
import { summarize } from '../core/power/summary.ts'
import type { PowerState } from '../core/power/state.ts'
import { describeFit, type TimelineRow } from '../core/power/timeline.ts'
import type { UpsReading } from '../core/power/ups.ts'
import { english } from '../core/wording.ts'
import { dim, green, red, yellow } from './colours.ts'
import { table } from './table.ts'

/** Under a heading that is eleven columns wide. */
const indent = ' '.repeat(11)

export function describePower({ upses, ordered }: PowerAnswer): string {
  const lines = [
    ...(ordered === undefined ? [] : [red(`shut down by order since ${ordered}: \`caretaker power wake\` ends that`)]),
    ...upses.flatMap((ups) => describeUps(ups, upses.length > 1)),
  ]
  return lines.length === 0 ? 'no UPS is configured' : lines.join(`\n${indent}`)
}

function describeUps({ label, state, lasts, loginRefused, silentFor }: UpsAnswer, isNamed: boolean): string[] {
  return [
    `${isNamed ? `${label}: ` : ''}${describeState(state, describeDuration(lasts))}`,
    ...(silentFor === undefined
      ? []
      : [red(`not heard from for ${describeDuration(silentFor)}: nothing guards the power`)]),
    ...(loginRefused === undefined ? [] : [red(loginRefused)]),
  ]
}

function describeState(state: PowerState, lasts: string): string {
  switch (state.mode) {
    case 'unknown':
      return yellow(`unknown: ${state.why}`)
    case 'on-mains':
      return `${green('on mains')} for ${lasts} (${describeReading(state.reading)})${state.batterySince === undefined ? '' : yellow(', but it was seen on battery')}`
    case 'on-battery':
      return `${yellow('on battery')} for ${lasts} (${describeReading(state.reading)})${state.calledOff === undefined ? '' : yellow(`; a shutdown because ${describeReason(state.calledOff)} was called off`)}`
    case 'critical':
      return `${red('about to fail')} for ${lasts}: ${describeReason(state.reason)}${state.reading ? ` (${describeReading(state.reading)})` : ''}`
    case 'latched':
      return yellow(`on mains, but upsd still shows a forced shutdown (FSD): restart upsd to clear it`)
    default:
      return state satisfies never
  }
}

function describeReading({ status, charge, runtime, load }: UpsReading): string {
  return [
    status.join(' '),
    ...(charge === undefined ? [] : [`charge ${charge} %`]),
    ...(runtime === undefined ? [] : [`runtime ${describeDuration(runtime)}`]),
    ...(load === undefined ? [] : [`load ${load} %`]),
  ].join(', ')
}

/** How the power is, what would start a shutdown, and what is under way. */
export function renderPower(power: PowerAnswer, outages: readonly Outage[]): string {
  const isNamed = power.upses.length > 1
  const triggers = power.upses.flatMap(({ label, triggers: all }) =>
    all.map(({ text, disarmed }) => {
      const what = `${isNamed ? `${label}: ` : ''}${text}`
      return disarmed === undefined
        ? `${green('armed')}   ${what}`
        : `${dim('off')}     ${what} ${dim(`(${disarmed})`)}`
    }),
  )
  const open = outages.find(({ stage }) => stage !== 'over')
  return [
    `power      ${describePower(power)}`,
    ...triggers.map((line, index) => `${index === 0 ? 'shutdown   ' : indent}${line}`),
    ...(open ? [`outage     ${yellow(describeOutage(open))}`] : []),
  ].join('\n')
}

export function describeOutage(outage: Outage): string {
  const { startedAt, reason, stage, nodes } = outage
  const states = Object.entries(nodes).map(([name, { state }]) => `${name} ${state}`)
  const told = states.length === 0 ? stage : `${stage}: ${states.join(', ')}`
  return `since ${startedAt}, because ${describeReason(reason)}, ${told}`
}

/** Outages so far, newest first, each with what took how long. */
export function renderOutages(outages: readonly Outage[]): string {
  if (outages.length === 0) return 'there was none yet'
  return outages.map(renderOutage).join('\n\n')
}

function renderOutage(outage: Outage): string {
  const { startedAt, reason, endedAt, nodes } = outage
  const head = `${startedAt.slice(0, 19).replace('T', ' ')}  because ${describeReason(reason)}`
  const end = endedAt ? summarize(outage) : yellow(`${outage.stage}, and not over yet`)
  if (!Object.values(nodes).some(({ at }) => at?.['shutdown-sent'])) return `${head}\n  ${end}`
  const time = (at: string | undefined) => (at === undefined ? '' : at.slice(11, 19))
  const rows = Object.entries(nodes).map(([name, { state, wasUp, at = {} }]) => [
    name,
    wasUp ? (state === 'back' ? green('back') : yellow(state)) : dim('was off before'),
    time(at['shutdown-sent']),
    time(at.off) || (at.abandoned ? red('given up') : at.unreached ? red('not reached') : ''),
    time(at['wake-sent']),
    time(at.back),
  ])
  const lines = table(['MACHINE', 'STATE', 'REQUESTED', 'OFF', 'WOKEN', 'BACK'], rows).split('\n')
  return [head, `  ${end}`, ...lines.map((line) => `  ${line}`)].join('\n')
}

export function renderPowerPlan({ form, reason, left, needs, timeline }: PowerPlanAnswer): string {
  return [
    `if the power failed now: ${form === 'ordered' ? green(form) : yellow(form)}, ${reason}`,
    describeFit(needs, left ?? undefined, needs - Math.max(0, ...timeline.map(({ to }) => to))),
    '',
    renderTimeline(timeline, left ?? undefined),
  ].join('\n')
}

const columns = 48

/**
 * Each phase as a bar between when it begins and when it ends at the latest: full where it is likely to take so long,
 * half where it is allowed to. `left` in ms draws where the battery ends, where that is near enough to be in the picture.
 */
export function renderTimeline(rows: readonly TimelineRow[], left: number | undefined): string {
  const end = Math.max(1, ...rows.map(({ to }) => to))
  const scale = left !== undefined && left < 3 * end ? Math.max(end, left) : end
  const column = (ms: number) => Math.round((ms / scale) * (columns - 1))
  const width = Math.max(0, ...rows.map(({ phase }) => english.titleOf(phase).length), 'battery'.length)
  const lines = rows.map(({ phase, from, to, likely, steps, reversible }) => {
    const solid = Math.max(column(from) + 1, column(likely ?? from))
    const last = Math.max(column(to), column(from) + 1)
    const bar = Array.from({ length: columns }, (_, at) =>
      at < column(from) || at >= last ? ' ' : likely !== undefined && at < solid ? '█' : '▒',
    ).join('')
    const colour = reversible ? green : red
    const times = `${seconds(from).padStart(6)} – ${seconds(to)}`
    return `${english.titleOf(phase).padEnd(width)}  ${colour(bar)} ${times.padEnd(16)} ${describeSteps(steps)}`
  })
  const battery =
    left === undefined
      ? []
      : [
          `${'battery'.padEnd(width)}  ${yellow('━'.repeat(Math.min(columns, column(left) + 1)))}${left > scale ? yellow('▶') : ''} ${describeDuration(left)}`,
        ]
  return [
    ...lines,
    ...battery,
    dim(`${' '.repeat(width)}  green can be taken back, red can't; ▒ is allowed, █ is what it took before`),
  ].join('\n')
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}

function describeSteps(steps: readonly string[]): string {
  const [first = '', ...others] = steps
  return others.length === 0 ? first : `${first} and ${others.length} more`
}

export function renderDrill({ detail }: RunAnswer, report: DrillReport | undefined): string {
  if (!report) return detail
  const { form, reason, runtime, needs, timeline, checks, walked } = report
  const done = (walked ?? []).flatMap(({ phase, took, failed }) => [
    `${failed.length === 0 ? green('done') : red('failed')}  ${english.titleOf(phase)} in ${describeDuration(took)}`,
    ...failed.map((text) => `        ${red(text)}`),
  ])
  const asked = checks.map(({ subject, text, ok, ms }) => {
    const took = ms === undefined ? '' : dim(` (${ms} ms)`)
    return `${ok ? green('good') : red('fault')}${ok ? '  ' : ' '}  ${subject}: ${text}${took}`
  })
  return [
    detail,
    '',
    renderPowerPlan({ form, reason, left: runtime ?? null, needs, timeline }),
    ...(done.length > 0 ? ['', ...done] : []),
    '',
    ...asked,
  ].join('\n')
}
