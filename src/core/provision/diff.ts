/** A line of one text or of both. */
interface Line {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/** So many lines around a change are shown. */
const around = 3
/** Longer texts are not compared line by line: the work grows with the product of what differs. */
const mostCells = 4_000_000

/** A unified diff without names of files (POSIX diff -u); empty where the texts are the same. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return ''
  const lines = compareLines(before.split('\n'), after.split('\n'))
  return hunksOf(lines)
    .map(({ start, end }) => `${headerOf(lines, start, end)}\n${linesText(lines.slice(start, end))}`)
    .join('\n')
}

function linesText(lines: readonly Line[]): string {
  return lines.map(({ sign, text }) => `${sign}${text}`).join('\n')
}

/** By the longest common subsequence of what is between the equal beginning and the equal end. */
function compareLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before[head] === after[head]) head++
  let tail = 0
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  const [a, b] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)]
  const same = (text: string): Line => ({ sign: ' ', text })
  return [
    ...before.slice(0, head).map(same),
    ...(a.length * b.length > mostCells ? replaced(a, b) : changesOf(a, b)),
    ...before.slice(before.length - tail).map(same),
  ]
}

function replaced(a: readonly string[], b: readonly string[]): readonly Line[] {
  return [...a.map((text): Line => ({ sign: '-', text })), ...b.map((text): Line => ({ sign: '+', text }))]
}

function changesOf(a: readonly string[], b: readonly string[]): readonly Line[] {
  const width = b.length + 1
  // How long the common subsequence of what follows is.
  const common = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!)
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) lines.push({ sign: ' ', text: a[i]! })
    else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      lines.push({ sign: '-', text: a[i++]! })
      continue
    } else {
      lines.push({ sign: '+', text: b[j++]! })
      continue
    }
    i++
    j++
  }
  return lines
}

interface Hunk {
  readonly start: number
  readonly end: number
}

function hunksOf(lines: readonly Line[]): readonly Hunk[] {
  const hunks: { start: number; end: number }[] = []
  for (const [index, { sign }] of lines.entries()) {
    if (sign === ' ') continue
    const [start, end] = [Math.max(0, index - around), Math.min(lines.length, index + around + 1)]
    const last = hunks.at(-1)
    if (last && start <= last.end) last.end = end
    else hunks.push({ start, end })
  }
  return hunks
}

/** `@@ -12,7 +12,9 @@`. */
function headerOf(lines: readonly Line[], start: number, end: number): string {
  const count = (from: number, to: number, without: Line['sign']) =>
    lines.slice(from, to).filter(({ sign }) => sign !== without).length
  const side = (without: Line['sign']) => {
    const length = count(start, end, without)
    return `${count(0, start, without) + (length === 0 ? 0 : 1)},${length}`
  }
  return `@@ -${side('+')} +${side('-')} @@`
}
