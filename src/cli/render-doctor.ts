import { areaOf, type Check, countVerdicts, type DoctorReport, type Verdict } from '../core/doctor/check.ts'
import { counted } from '../core/count.ts'
import { describeDuration } from '../core/duration.ts'
import { dim, green, red, yellow } from './colours.ts'

const signs: Readonly<Record<Verdict, { readonly word: string; readonly paint: (text: string) => string }>> = {
  failed: { word: 'failed ', paint: red },
  warning: { word: 'warning', paint: yellow },
  skipped: { word: 'skipped', paint: dim },
  ok: { word: 'ok     ', paint: green },
}

/** What is not well, each with its cure; what is well in one line for each area, or with `all` each by itself. */
export function renderReport(
  report: DoctorReport,
  { all, width = 100 }: { readonly all: boolean; readonly width?: number },
): string {
  const { checks, fixed, tookMs } = report
  // What could not be looked at, and asks nothing of anybody, is only counted.
  const shown = checks.filter(
    ({ verdict, next }) => all || !(verdict === 'ok' || (verdict === 'skipped' && next === undefined)),
  )
  const blocks = [
    fixed.map((text) => `${green('mended ')}  ${text}`).join('\n'),
    shown.map((check) => renderCheck(check, width)).join('\n'),
    all ? '' : renderWell(checks),
    `${describeCounts(checks)}, in ${describeDuration(tookMs)}`,
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function renderCheck({ id, subject, verdict, reason, next, tookMs }: Check, width: number): string {
  const { word, paint } = signs[verdict]
  const body = wrap(`${subject}: ${reason}`, width - 9)
  const took = tookMs >= 1_000 ? ` ${dim(describeDuration(tookMs))}` : ''
  const [first = '', ...others] = body
  return [
    `${paint(word)}  ${first}${others.length === 0 ? took : ''}`,
    ...others.map((line, index) => `         ${line}${index === others.length - 1 ? took : ''}`),
    ...(next === undefined ? [] : wrap(`→ ${next}`, width - 9).map((line) => `         ${line}`)),
    `         ${dim(id)}`,
  ].join('\n')
}

/** `ok  factory 2, share 3, node 24`. */
function renderWell(checks: readonly Check[]): string {
  const well = Map.groupBy(
    checks.filter(({ verdict }) => verdict === 'ok'),
    areaOf,
  )
  if (well.size === 0) return ''
  return `${green('ok     ')}  ${[...well].map(([area, list]) => `${area} ${list.length}`).join(', ')}`
}

function describeCounts(checks: readonly Check[]): string {
  const { ok, warning, failed, skipped } = countVerdicts(checks)
  const text = `${counted(checks.length, 'check')}: ${ok} ok, ${counted(warning, 'warning')}, ${failed} failed, ${skipped} skipped`
  if (failed > 0) return red(text)
  return warning > 0 ? yellow(text) : green(text)
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
