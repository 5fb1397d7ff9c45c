import { describeDuration, describeClosely } from '../core/duration.ts'
import type { TimelineRowAnswer } from '../core/power/answers.ts'
import { english } from '../core/wording.ts'
import { dim, green, red, yellow } from './colours.ts'
import { hanging, indented, pad, terminalWidth } from './table.ts'

/** Columns of a bar, where there is room. */
const mostColumns = 48
const fewestColumns = 10
/** What the times beside a bar take: ` 1200 s – 12000 s`. */
const timesWidth = 16
/** Steps that have less room beside their bar stand below it. */
const stepsWidth = 24

/**
 * Each phase as a bar from its start to its latest end: solid as long as it is likely to take, shaded up to its timeout.
 * `left` in ms draws where the battery ends, if that fits.
 */
export function renderTimeline(
  rows: readonly TimelineRowAnswer[],
  left: number | undefined,
  width = terminalWidth(),
): string {
  const end = Math.max(1, ...rows.map(({ toMs }) => toMs))
  const scale = left !== undefined && left < 3 * end ? Math.max(end, left) : end
  const margin = Math.max(0, ...rows.map(({ phase }) => english.titleOf(phase).length), 'battery'.length)
  const room = width - margin - timesWidth - 4
  if (room < fewestColumns) return renderList(rows, left, width)
  const columns = Math.min(mostColumns, room)
  const isBeside = room - columns >= stepsWidth
  const column = (ms: number) => Math.round((ms / scale) * (columns - 1))
  const lines = rows.map((row) => {
    const { phase, fromMs: from, toMs: to } = row
    const times = `${describeClosely(from).padStart(6)} – ${describeClosely(to)}`
    const head = `${english.titleOf(phase).padEnd(margin)}  ${drawBar(row, columns, column)} ${pad(times, timesWidth)} `
    const steps = describeSteps(row.steps)
    return isBeside ? hanging(head, steps, width) : [head.trimEnd(), indented(steps, '    ', width)].join('\n')
  })
  const battery =
    left === undefined
      ? []
      : [
          `${'battery'.padEnd(margin)}  ${yellow('━'.repeat(Math.min(columns, column(left) + 1)))}${left > scale ? yellow('▶') : ''} ${describeDuration(left)}`,
        ]
  const key = "green: can be undone, red: can't; ▒ up to its timeout, █ as measured before"
  return [...lines, ...battery, hanging(' '.repeat(isBeside ? margin + 2 : 2), dim(key), width)].join('\n')
}

/** Where there is no room for bars. */
function renderList(rows: readonly TimelineRowAnswer[], left: number | undefined, width: number): string {
  const lines = rows.flatMap(({ phase, fromMs, toMs, reversible, steps }) => [
    hanging(
      '',
      `${(reversible ? green : red)(english.titleOf(phase))}: ${describeClosely(fromMs)} – ${describeClosely(toMs)}`,
      width,
    ),
    indented(describeSteps(steps), '    ', width),
  ])
  const battery = left === undefined ? [] : [hanging('', `${yellow('battery')}: ${describeDuration(left)}`, width)]
  const key = "green: can be undone, red: can't"
  return [...lines, ...battery, hanging('', dim(key), width)].join('\n')
}

function drawBar(
  { fromMs: from, toMs: to, likelyMs: likely, reversible }: TimelineRowAnswer,
  columns: number,
  column: (ms: number) => number,
): string {
  const solid = Math.max(column(from) + 1, column(likely ?? from))
  const last = Math.max(column(to), column(from) + 1)
  const bar = Array.from({ length: columns }, (_, at) =>
    at < column(from) || at >= last ? ' ' : likely !== undefined && at < solid ? '█' : '▒',
  ).join('')
  return (reversible ? green : red)(bar)
}

function describeSteps(steps: readonly string[]): string {
  const [first = '', ...others] = steps
  return others.length === 0 ? first : `${first} and ${others.length} more`
}
