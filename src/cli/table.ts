import process from 'node:process'
import { widthOf } from './width.ts'
import { wrap } from './wrap.ts'

/** Everything that is laid out for a terminal goes through here: tables, facts, and sentences with an indent. */

/** A column of a table. */
export interface Column {
  readonly title: string
  /** Sentences and lists, which may be wrapped. Everything else, as names and times, is kept on its line while it fits. */
  readonly flows?: true
  /** Left out first where the terminal is narrow; `--json` has it. */
  readonly spare?: true
}

/** Between two columns. */
const gap = 2
/** A column of sentences that is narrower is hard to read: it goes below its row. */
const readable = 24
/** Below the row that it belongs to. */
const below = '    '

/** Columns of the terminal; without limit where there is none, so that what reads a pipe gets whole lines. */
export function terminalWidth(): number {
  const { stdout } = process
  if (!stdout.isTTY) return Number.POSITIVE_INFINITY
  // A terminal that does not tell its size says 0.
  return Math.max(20, stdout.columns || 80)
}

/** Whether the terminal moves its cursor when it is told to: one that does not say what it is may show the escapes. */
export function canDraw({ TERM = '' }: Readonly<Record<string, string | undefined>>): boolean {
  return TERM !== '' && TERM !== 'dumb'
}

/**
 * Rows under their titles. What is too wide is wrapped, left out where it is spare, or goes below its row. A title alone
 * is a column that keeps to its line, and one without a title flows.
 */
export function table(
  heads: readonly (string | Column)[],
  rows: readonly (readonly string[])[],
  width = terminalWidth(),
): string {
  const columns = heads.map((head): Column => (typeof head === 'string' ? { title: head, ...flowing(head) } : head))
  const titled = [columns.map(({ title }) => title), ...rows]
  const all = columns.map((column, at) => ({
    ...column,
    at,
    natural: Math.max(...titled.map((row) => widestLine(row[at] ?? ''))),
  }))
  const fit = chooseColumns(all, width)
  const lines = titled.flatMap((row, index) => [
    ...lineUp(
      fit.shown.map(({ at }) => row[at] ?? ''),
      fit.shown.map(({ wide }) => wide),
    ),
    ...(fit.lowered !== undefined && index > 0 ? lowered(row[fit.lowered] ?? '', width) : []),
  ])
  return lines.join('\n')
}

const flowing = (title: string) => (title === '' ? ({ flows: true } as const) : {})

interface Measured extends Column {
  readonly at: number
  /** What its widest cell takes. */
  readonly natural: number
}

interface Fit {
  readonly shown: readonly { readonly at: number; readonly wide: number }[]
  /** The column whose cells stand below their rows. */
  readonly lowered?: number
}

function chooseColumns(all: readonly Measured[], width: number): Fit {
  const spares = all.filter(({ spare }) => spare).map(({ at }) => at)
  // First with all of them, then without one spare column after the other.
  for (let without = 0; without <= spares.length; without++) {
    const left = spares.slice(spares.length - without)
    const kept = all.filter(({ at }) => !left.includes(at))
    const shown = shareOut(kept, width, readable)
    if (shown) return { shown }
  }
  const kept = all.filter(({ spare }) => !spare)
  const last = kept.at(-1)!
  if (last.flows && kept.length > 1) {
    const rest = kept.slice(0, -1)
    const shown = shareOut(rest, width, readable) ?? shareOut(rest, width, 8)
    return { shown: shown ?? squeeze(rest, width), lowered: last.at }
  }
  return { shown: shareOut(kept, width, 8) ?? squeeze(kept, width) }
}

/** The widths, where the columns that flow give way until all fit, none below `least`; undefined where they can't. */
function shareOut(columns: readonly Measured[], width: number, least: number): Fit['shown'] | undefined {
  const room = width - gap * (columns.length - 1)
  const givingWay = columns.filter(({ flows }) => flows)
  const fixed = columns.reduce((sum, { flows, natural }) => sum + (flows ? 0 : natural), 0)
  const level = levelOf(
    givingWay.map(({ natural }) => natural),
    room - fixed,
  )
  if (
    level === undefined ||
    givingWay.some(({ natural, title }) => Math.min(natural, level) < Math.min(natural, Math.max(least, title.length)))
  )
    return undefined
  return columns.map(({ at, flows, natural }) => ({ at, wide: flows ? Math.min(natural, level) : natural }))
}

/** Every column gives way, down to its title where that helps; the last resort. */
function squeeze(columns: readonly Measured[], width: number): Fit['shown'] {
  const room = width - gap * (columns.length - 1)
  const level = levelOf(
    columns.map(({ natural }) => natural),
    room,
  )
  return columns.map(({ at, natural }) => ({ at, wide: Math.max(1, Math.min(natural, level ?? 1)) }))
}

/** The greatest width that none may exceed so that all fit; undefined where there is not a column for each. */
function levelOf(naturals: readonly number[], room: number): number | undefined {
  let rest = room
  const ascending = naturals.toSorted((a, b) => a - b)
  for (const [index, natural] of ascending.entries()) {
    const each = Math.floor(rest / (ascending.length - index))
    if (natural > each) return each < 1 ? undefined : each
    rest -= natural
  }
  return rest < 0 ? undefined : Number.POSITIVE_INFINITY
}

function widestLine(cell: string): number {
  return Math.max(...cell.split('\n').map(widthOf))
}

/** One row of cells, in as many lines as the tallest of them takes. */
function lineUp(cells: readonly string[], widths: readonly number[]): readonly string[] {
  const wrapped = cells.map((cell, index) => wrap(cell, widths[index]!))
  const tall = Math.max(1, ...wrapped.map((lines) => lines.length))
  return Array.from({ length: tall }, (_, line) =>
    wrapped
      .map((lines, index) => pad(lines[line] ?? '', widths[index]!))
      .join(' '.repeat(gap))
      .trimEnd(),
  )
}

function lowered(cell: string, width: number): readonly string[] {
  return cell === '' ? [] : indented(cell, below, width).split('\n')
}

/** With spaces behind it, up to so many columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** A text behind the same indent on each of its lines. */
export function indented(text: string, indent: string, width = terminalWidth()): string {
  return wrap(text, Math.max(1, width - indent.length))
    .map((line) => indent + line)
    .join('\n')
}

/** A text behind a head, wrapped so that its other lines begin where the first one does. */
export function hanging(head: string, text: string, width = terminalWidth()): string {
  const margin = widthOf(head)
  const room = width - margin
  // Where hardly anything fits beside it, the text goes below.
  if (room < Math.min(readable, width / 2)) return [head.trimEnd(), indented(text, below, width)].join('\n')
  const lines = wrap(text, room)
  return lines.map((line, index) => (index === 0 ? head : ' '.repeat(margin)) + line).join('\n')
}

/** Names with what there is to say of each, one below the other. A nameless one goes on with what is above it. */
export function facts(
  pairs: readonly (readonly [name: string, text: string])[],
  margin: number,
  width = terminalWidth(),
): string {
  return pairs.map(([name, text]) => hanging(pad(name, margin), text, width)).join('\n')
}

/** Sentences of our own, each wrapped by itself. */
export function paragraphs(lines: readonly string[], width = terminalWidth()): string {
  return lines.map((line) => wrap(line, width).join('\n')).join('\n')
}
