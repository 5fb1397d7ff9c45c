import { parseSync } from 'oxc-parser'
import type { SourceFile } from './source.ts'

/** A regular expression of the code, and where it stands. */
export interface FoundRegex {
  readonly at: string
  readonly pattern: string
  readonly flags: string
}

/** Every regular expression literal of these files. */
export function findRegexes(files: readonly Pick<SourceFile, 'path' | 'text'>[]): readonly FoundRegex[] {
  return files.flatMap(({ path, text }) => {
    const found: FoundRegex[] = []
    const look = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return
      const { regex, start } = node as { regex?: { pattern: string; flags: string }; start?: number }
      if (regex) found.push({ at: `${path}:${text.slice(0, start).split('\n').length}`, ...regex })
      for (const value of Object.values(node)) look(value)
    }
    look(parseSync(path, text).program)
    return found
  })
}

/** What a text is made of that might keep an expression busy, beside what stands in the expression itself. */
const usualPieces = ['0', 'a', 'F', ' ', '\n', '\0', '-', '.', '/', ':', '"', "'", '@', '\u001b[', 'é']
const length = 10_000
/** CPU time, in ms: what grows with the text takes a quarter, what grows with its square sixty. */
const most = 20

/** What keeps this expression busy for longer than its length is worth; undefined where nothing was found. */
export function findSlowText({ pattern, flags }: Pick<FoundRegex, 'pattern' | 'flags'>): string | undefined {
  const words = pattern.split(/[\\()[\]|^$?*+{}]+/).filter((word) => word !== '')
  for (const piece of new Set([...usualPieces, ...words, ...words.flatMap((word) => word.at(-1)!)])) {
    for (const start of ['', '\u0001', ...words.slice(0, 3)]) {
      const text = `${start}${piece.repeat(length / piece.length)}\u0001`
      // Once may be another's fault: what is collected, or compiled.
      const isSlow = () => costOf(new RegExp(pattern, flags.replaceAll('g', '')), text) > most
      if (isSlow() && isSlow() && isSlow()) return JSON.stringify(`${start}${piece}…`)
    }
  }
  return undefined
}

/** CPU time of one search, in ms. */
function costOf(regex: RegExp, text: string): number {
  const began = process.cpuUsage()
  text.search(regex)
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1_000
}
