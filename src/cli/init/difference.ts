import { diff } from 'node:util'

/** Unchanged lines that are shown around a change. */
const context = 3

/** Changes of a text, as `diff -u` shows them, without its heading. Empty where there are none. */
export function differenceOf(before: string, after: string): readonly string[] {
  const [old, fresh] = [linesOf(before), linesOf(after)]
  const lines = diff(old, fresh).map(([kind, text]) => `${kind === 0 ? ' ' : kind > 0 ? '-' : '+'}${text}`)
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(index - context, 0), index + context + 1).some((line) => !line.startsWith(' ')),
  )
  const shown: string[] = []
  for (const [index, line] of lines.entries()) {
    if (!isNear[index]) continue
    if (index > 0 && !isNear[index - 1]) shown.push('…')
    shown.push(line)
  }
  return shown
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
