import { type Document, LineCounter, parseDocument } from 'yaml'
import { AgentError } from './core/errors.ts'
import { wordsOf } from './core/yaml-words.ts'

/**
 * The one door for YAML. What comes in may be a key, a token, or text from a stranger, and the parser's own messages
 * quote the line: here a fault has its place and its kind, and not a word of the text.
 */

export { isAlias, isCollection, isMap, isNode, isScalar, isSeq, visit } from 'yaml'
export type { Document } from 'yaml'

/** In UTF-16 units. No configuration, kubeconfig or resource comes near; parsing takes about a second per MB. */
const longest = 1_048_576

const aliasFault = 'it is not valid YAML: it has an alias (*name) without an anchor, or too many aliases'

const tooDeep = 'it is nested too deeply'

/** What is wrong with a text, and where. */
export interface YamlFault {
  /** The parser's: `BAD_INDENT`. */
  readonly code: string
  /** What is expected, in words that fit behind a place. */
  readonly words: string
  readonly line: number
  readonly column: number
}

/** A YAML text that was read, well or not. */
export interface YamlText {
  readonly document: Document
  readonly faults: readonly YamlFault[]
  /** Where an offset is, from 1 on. */
  placeOf(offset: number): { readonly line: number; readonly column: number }
}

/** Reads a text without judging it: `faults` has every error, and with `strict` every warning. Never throws. */
export function openYaml(text: string, { strict = false } = {}): YamlText {
  const lines = new LineCounter()
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const whole = (document: Document, faults: readonly YamlFault[]): YamlText => ({ document, faults, placeOf })
  const refused = (code: string, words: string) => whole(parseDocument(''), [{ code, words, line: 1, column: 1 }])
  if (text.length > longest) return refused('TOO_LONG', `it is longer than ${longest / 1_048_576} MiB`)
  const foreign = whyNoText(text)
  if (foreign !== undefined) return refused('NO_TEXT', foreign)
  let document: Document
  try {
    // Its warnings would print keys of the text.
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' }) as Document
  } catch {
    // Its recursion has no limit.
    return refused('TOO_DEEP', tooDeep)
  }
  if (document.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) return refused('TOO_DEEP', tooDeep)
  const found = strict ? [...document.errors, ...document.warnings] : document.errors
  return whole(
    document,
    found.map(({ code, message, pos }) => ({ code, words: wordsOf(code, message), ...placeOf(pos[0]) })),
  )
}

/** Why the bytes of a file are no text, where they are none as UTF-8. */
function whyNoText(text: string): string | undefined {
  // Of UTF-16 every other byte is 0, and what marks it is no UTF-8.
  if (/^(\uFFFD{2}|.\0|\0.)/s.test(text)) return 'it is UTF-16: save the file as UTF-8'
  if (text.includes('\0')) return 'it is not a text file'
  if (text.includes('\r') && !text.includes('\n')) return 'its lines end with CR alone: save the file with LF or CRLF'
  return undefined
}

/**
 * The document of a text that is to be edited, or the value that it holds (`valueOf`).
 *
 * @throws AgentError of `wrong`
 */
export function readYaml(text: string, wrong: (why: string) => AgentError): Document {
  const { document, faults } = openYaml(text)
  if (faults[0]) throw wrong(describeYamlFault(faults[0]))
  return document
}

/** What a document holds. @throws AgentError of `wrong` where aliases lead nowhere, or multiply */
export function valueOf(document: Document, wrong: (why: string) => AgentError): unknown {
  try {
    return document.toJS()
  } catch {
    throw wrong(aliasFault)
  }
}

/** The value of a text from elsewhere. `what` names it. @throws AgentError `malformed` */
export function parseYaml(text: string, what: string): unknown {
  const wrong = (why: string) => new AgentError('malformed', `${what}: ${why}`)
  return valueOf(readYaml(text, wrong), wrong)
}

/** `it is not valid YAML: line 3, column 1: a quote is opened and not closed`. */
export function describeYamlFault({ words, line, column }: YamlFault): string {
  return `it is not valid YAML: line ${line}, column ${column}: ${words}`
}
