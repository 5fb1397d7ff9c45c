import {
  areaOf,
  type Check,
  countVerdicts,
  describeCounts,
  type DoctorReport,
  type Verdict,
} from '../core/doctor/check.ts'
import { describeDuration } from '../core/duration.ts'
import { dim, green, red, yellow } from './colours.ts'
import { hanging, indented, terminalWidth } from './table.ts'

/** Sentences are not read well in longer lines. */
const widest = 100
/** Below the words of a verdict. */
const margin = ' '.repeat(9)

const signs: Readonly<Record<Verdict, { readonly word: string; readonly paint: (text: string) => string }>> = {
  failed: { word: 'failed ', paint: red },
  warning: { word: 'warning', paint: yellow },
  skipped: { word: 'skipped', paint: dim },
  ok: { word: 'ok     ', paint: green },
}

/** What is not well, each with its cure; what is well in one line for each area, or with `all` each by itself. */
export function renderReport(
  report: DoctorReport,
  { all, width = Math.min(widest, terminalWidth()) }: { readonly all: boolean; readonly width?: number },
): string {
  const { checks, fixed, tookMs } = report
  // What could not be looked at, and asks nothing of anybody, is only counted.
  const shown = checks.filter(
    ({ verdict, next }) => all || !(verdict === 'ok' || (verdict === 'skipped' && next === undefined)),
  )
  const blocks = [
    fixed.map((text) => hanging(`${green('fixed  ')}  `, text, width)).join('\n'),
    shown.map((check) => renderCheck(check, width)).join('\n'),
    all ? '' : renderWell(checks, width),
    hanging('', `${paintCounts(checks)}, in ${describeDuration(tookMs)}`, width),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function renderCheck({ id, subject, verdict, reason, next, tookMs }: Check, width: number): string {
  const { word, paint } = signs[verdict]
  const took = tookMs >= 1_000 ? ` ${dim(describeDuration(tookMs))}` : ''
  return [
    hanging(`${paint(word)}  `, `${subject}: ${reason}${took}`, width),
    ...(next === undefined ? [] : [indented(`→ ${next}`, margin, width)]),
    indented(dim(id), margin, width),
  ].join('\n')
}

/** `ok  factory 2, share 3, node 24`. */
function renderWell(checks: readonly Check[], width: number): string {
  const well = Map.groupBy(
    checks.filter(({ verdict }) => verdict === 'ok'),
    areaOf,
  )
  if (well.size === 0) return ''
  const areas = [...well].map(([area, list]) => `${area} ${list.length}`)
  return hanging(`${green('ok     ')}  `, areas.join(', '), width)
}

function paintCounts(checks: readonly Check[]): string {
  const { warning, failed } = countVerdicts(checks)
  const paint = failed > 0 ? red : warning > 0 ? yellow : green
  return paint(describeCounts(checks))
}
