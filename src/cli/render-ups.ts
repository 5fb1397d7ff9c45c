import { describeDuration } from '../core/duration.ts'
import { describeClock } from '../core/time.ts'
import { describeRating, describeUse, upsIdentityOf } from '../core/power/identity.ts'
import type { DriverPace, UpsDetails } from '../core/power/ups-details.ts'
import type { UpsReading } from '../core/power/ups.ts'
import { dim, green, plain, red, yellow } from './colours.ts'
import { facts, pad, paragraphs } from './table.ts'

/** One UPS as `caretaker ups` shows it. */
export interface UpsShown {
  readonly label: string
  readonly details: UpsDetails
}

/** Everything that upsd reports about one UPS. */
export function renderUps({ label, details }: UpsShown): string {
  const { variables, writable, commands, clients, numLogins, server, protocol, driver, secure } = details
  const can = new Set(writable)
  const told: [string, string][] = [
    ['ups', label],
    ['status', renderStatus((variables['ups.status'] ?? '').split(/\s+/))],
    ...aboutIt(variables),
    ['server', `${server ?? 'unknown'}${protocol === undefined ? '' : `, protocol ${protocol}`}`],
    ...(driver === undefined ? [] : [['driver', describeDriverPace(driver)] satisfies [string, string]]),
    ['connection', secure ? green('encrypted') : 'plain text'],
    ['logged in', `${numLogins ?? clients.length}${clients.length === 0 ? '' : `: ${clients.join(', ')}`}`],
    ['commands', commands.join(', ') || 'none'],
  ]
  const lines = Object.entries(variables).map(
    ([name, value]) => `${name}: ${value}${can.has(name) ? dim(' (writable)') : ''}`,
  )
  return [facts(told, 12), ...(lines.length === 0 ? [] : [paragraphs(lines)])].join('\n')
}

/** What it is, before everything that it says. */
function aboutIt(variables: UpsDetails['variables']): [string, string][] {
  const identity = upsIdentityOf(variables)
  const load = Number(variables['ups.load'] || Number.NaN)
  const rows = [
    ['model', identity.model],
    ['serial', identity.serial],
    ['made for', describeRating(identity)],
    ['load', describeUse(Number.isFinite(load) ? load : undefined, identity)],
  ] as const
  return rows.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
}

/** How often a driver asks its UPS. */
export function describeDriverPace({
  pollInterval,
  pollFrequency,
}: { [K in keyof DriverPace]?: DriverPace[K] | undefined }): string {
  const every = [
    ...(pollInterval === undefined ? [] : [`every ${describeDuration(pollInterval)}`]),
    ...(pollFrequency === undefined ? [] : [`for all figures every ${describeDuration(pollFrequency)}`]),
  ]
  return `asks the UPS ${every.join(', and ')}`
}

/** Status tokens by severity; all others have no colour. */
const colours: Readonly<Record<string, (text: string) => string>> = {
  OL: green,
  OB: yellow,
  LB: red,
  FSD: red,
  RB: yellow,
  ALARM: red,
  OVER: red,
  OFF: red,
  BYPASS: yellow,
  CAL: yellow,
  TEST: yellow,
  WAIT: yellow,
}

export function renderStatus(tokens: readonly string[]): string {
  const text = tokens
    .filter((token) => token !== '')
    .map((token) => (colours[token] ?? plain)(token))
    .join(' ')
  return text === '' ? yellow('no status') : text
}

/** One observation of a UPS: a reading, or why there is none. */
export type Seen = { readonly at: number; readonly reading: UpsReading } | { readonly at: number; readonly why: string }

const measures = [
  { name: 'charge', unit: '%', of: (reading: UpsReading) => reading.charge, top: 100 },
  { name: 'load', unit: '%', of: (reading: UpsReading) => reading.load, top: 100 },
  { name: 'runtime', unit: 'min', of: (reading: UpsReading) => inMinutes(reading.runtime), top: 1 },
] as const

/** Rows of characters that each picture takes. */
const rows = 3

/** The newest of `seen` in numbers, and all of it as three pictures no wider than `columns`. */
export function renderWatch(label: string, seen: readonly Seen[], columns: number): string {
  const last = seen.at(-1)
  if (!last) return `${label}  not read yet`
  const head = `${label}  ${'reading' in last ? renderStatus(last.reading.status) : red(last.why)}`
  const notes = 'reading' in last ? notesOn(last.reading) : []
  const width = Math.max(4, columns - 14)
  const pictures = measures.flatMap(({ name, unit, of, top }) => {
    const values = seen.map((each) => ('reading' in each ? of(each.reading) : undefined))
    if (values.every((value) => value === undefined)) return []
    const highest = Math.max(top, ...values.map((value) => value ?? 0))
    const now = values.at(-1)
    const said = [name, now === undefined ? 'no data' : `${now} ${unit}`, dim(`of ${highest}`)]
    return draw(values, { width, rows, highest }).map((line, row) => `${pad(said[row] ?? '', 12)}  ${line}`)
  })
  return [head, ...notes, ...pictures].join('\n')
}

/** One line, for output that is not a terminal. */
export function renderSeen(label: string, seen: Seen, zone: string): string {
  const at = describeClock(seen.at, zone)
  if ('why' in seen) return `${at}  ${label}  ${red(seen.why)}`
  const { status, charge, load, runtime } = seen.reading
  const figures = [
    ...(charge === undefined ? [] : [`charge ${charge} %`]),
    ...(load === undefined ? [] : [`load ${load} %`]),
    ...(runtime === undefined ? [] : [`runtime ${describeDuration(runtime)}`]),
    ...notesOn(seen.reading),
  ]
  return [at, label, renderStatus(status), ...(figures.length === 0 ? [] : [figures.join(', ')])].join('  ')
}

function notesOn({ alarm, testing }: UpsReading): string[] {
  return [
    ...(alarm === undefined ? [] : [red(`alarm: ${alarm}`)]),
    ...(testing ? [yellow('self-test in progress')] : []),
  ]
}

function inMinutes(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms / 6_000) / 10
}

/** The bits of a column of four dots, from the lowest up (Unicode chapter 21.1, Braille Patterns from U+2800). */
const dots = [
  [0x40, 0x04, 0x02, 0x01],
  [0x80, 0x20, 0x10, 0x08],
] as const

/**
 * Columns of dots, two values a character and four dots a row, the newest at the right. A value above 0 has at least
 * one dot; a missing one is a gap.
 */
export function draw(
  values: readonly (number | undefined)[],
  { width, rows, highest }: { width: number; rows: number; highest: number },
): string[] {
  const newest = values.slice(-2 * width)
  const padded = [...Array.from({ length: 2 * width - newest.length }, () => undefined), ...newest]
  const heights = padded.map((value) =>
    value === undefined || value <= 0 ? 0 : Math.max(1, Math.round((Math.min(value, highest) / highest) * 4 * rows)),
  )
  const dotsOf = (value: number, side: 0 | 1, floor: number) =>
    dots[side].reduce<number>((bits, bit, dot) => (heights[value]! > floor + dot ? bits | bit : bits), 0)
  return Array.from({ length: rows }, (_, row) => {
    const floor = 4 * (rows - 1 - row)
    return Array.from({ length: width }, (_, column) =>
      String.fromCodePoint(0x2800 | dotsOf(2 * column, 0, floor) | dotsOf(2 * column + 1, 1, floor)),
    ).join('')
  })
}
