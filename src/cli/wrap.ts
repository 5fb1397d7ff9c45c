import { widthOf, widthOfLetter } from './width.ts'

/**
 * A text in lines of at most so many columns, broken between words; a word that is longer is broken where the line ends.
 * Its own line breaks stay. Each line ends the colours that it has begun, and the next one begins them again, so that
 * lines can stand side by side.
 */
export function wrap(text: string, width: number): readonly string[] {
  const lines = text.split('\n').flatMap((line) => wrapLine(bind(line), Math.max(1, width)))
  return withWholeColours(lines.map((line) => line.replaceAll(bound, ' ')))
}

/** A space that no line ends at. */
const bound = '\u00a0'

/** A figure stays with its unit. */
function bind(line: string): string {
  return line.replaceAll(/(\d) (?=(?:ms|s|min|h|d|%|MB)(?!\w))/g, `$1${bound}`)
}

function wrapLine(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line]
  const lines: string[] = []
  let current = ''
  let taken = 0
  // What stands in front of a word goes with it, or falls away where a line ends.
  for (const [, spaces = '', word = ''] of line.matchAll(/( *)([^ ]+|$)/g)) {
    const needs = spaces.length + widthOf(word)
    if (taken + needs <= width) {
      current += spaces + word
      taken += needs
      continue
    }
    if (word === '') break
    if (taken > 0) lines.push(current)
    const parts = breakWord(word, width)
    lines.push(...parts.slice(0, -1))
    current = parts.at(-1)!
    taken = widthOf(current)
  }
  lines.push(current)
  return lines
}

/** Never between a letter and the marks that combine with it. */
function breakWord(word: string, width: number): readonly string[] {
  if (widthOf(word) <= width) return [word]
  const parts: string[] = []
  let part = ''
  let taken = 0
  for (const piece of word.split(colour)) {
    if (colour.test(piece)) {
      part += piece
      continue
    }
    for (const letter of piece) {
      const needs = widthOfLetter(letter)
      if (taken > 0 && taken + needs > width) {
        parts.push(part)
        part = ''
        taken = 0
      }
      part += letter
      taken += needs
    }
  }
  return [...parts, part]
}

// oxlint-disable-next-line no-control-regex -- the escape that begins a colour
const colour = /(\u001b\[\d+m)/

/** What ends each of the colours that are drawn with, as `util.styleText` writes them. */
const endOf = (code: number) => (code === 1 || code === 2 ? 22 : 39)

function withWholeColours(lines: readonly string[]): readonly string[] {
  let open: readonly number[] = []
  return lines.map((line) => {
    const begun = open.map((code) => `\u001b[${code}m`).join('')
    for (const piece of line.split(colour)) {
      if (!colour.test(piece)) continue
      const code = Number(piece.slice(2, -1))
      open = code === 22 || code === 39 ? open.filter((one) => endOf(one) !== code) : [...open, code]
    }
    const ended = open.toReversed().map((code) => `\u001b[${endOf(code)}m`)
    return begun + line + ended.join('')
  })
}
