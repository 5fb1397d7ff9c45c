import {
  Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  Scalar,
  stringify,
  visit,
} from 'yaml'
import { AgentError } from './core/errors.ts'
import { type Path, Plain, type Tree, type Value } from './core/machine-config/tree.ts'
import { wordsOf } from './core/yaml-words.ts'

/**
 * The one door for YAML. What comes in may be a key, a token, or text from a stranger, and the parser's own messages
 * quote the line: here a fault has its place and its kind, and not a word of the text.
 */

export { isAlias, isCollection, isMap, isNode, isScalar, isSeq, visit } from 'yaml'
export type { Document, YAMLMap as MapNode, YAMLSeq as SeqNode } from 'yaml'

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
  const hasNul = text.includes('\0')
  // Of UTF-16 every other byte is 0, and what marks it is no UTF-8.
  if (hasNul && /^(\uFFFD{2}|.\0|\0.)/s.test(text)) return 'it is UTF-16: save the file as UTF-8'
  if (hasNul || text.startsWith('\uFFFD\uFFFD')) return 'it is not a text file'
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

/** One document of a text, with the place of each of its settings. */
export interface TreeDocument {
  readonly tree: Tree
  /** Where the setting at a path stands, or the innermost that is there. */
  placeOf(path: Path): { readonly line: number; readonly column: number }
}

/**
 * The documents of a text, in which scalars without quotes stay as they are written. `what` names the text.
 *
 * @throws AgentError `malformed`
 */
export function parseTrees(text: string, what: string): readonly TreeDocument[] {
  const wrong = (why: string) => new AgentError('malformed', `${what}: ${why}`)
  // What is no text at all, or too much of it, is refused as everywhere.
  const refusal = openYaml(text).faults.find(({ code }) => code !== 'MULTIPLE_DOCS')
  if (refusal) throw wrong(describeYamlFault(refusal))
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  if (!Array.isArray(documents)) return []
  return documents.map((document) => {
    const [error] = document.errors
    const at = (offset: number) => ({ line: lines.linePos(offset).line, column: lines.linePos(offset).col })
    if (error)
      throw wrong(
        describeYamlFault({ code: error.code, words: wordsOf(error.code, error.message), ...at(error.pos[0]) }),
      )
    return { tree: treeOf(document, wrong), placeOf: (path) => at(offsetOf(document, path)) }
  })
}

function treeOf(document: Document, wrong: (why: string) => AgentError): Tree {
  const anchored = targetsOf(document)
  let budget = mostNodes
  const walk = (node: unknown, depth = 0): Tree => {
    if (--budget < 0) throw wrong('it has too many aliases')
    // An alias may stand within what it stands for.
    if (depth > deepest) throw wrong(tooDeep)
    if (isAlias(node)) {
      const resolved = anchored.get(node)
      if (resolved === undefined) throw wrong(aliasFault)
      return walk(resolved, depth + 1)
    }
    if (isMap(node))
      return Object.fromEntries(node.items.map(({ key, value }) => [keyText(key, wrong), walk(value, depth + 1)]))
    if (isSeq(node)) return node.items.map((item) => walk(item, depth + 1))
    if (isScalar(node) && node.type !== 'PLAIN' && typeof node.value === 'string') return node.value
    return new Plain((isScalar(node) ? node.source : undefined) ?? '')
  }
  return walk(document.contents)
}

/** Aliases of aliases multiply. */
const mostNodes = 100_000
/** No configuration comes near. */
const deepest = 500

/** What each alias stands for, found in one go: the package's own `resolve` reads all of the document for each. */
function targetsOf(document: Document): ReadonlyMap<unknown, unknown> {
  const anchors = new Map<string, unknown>()
  const targets = new Map<unknown, unknown>()
  visit(document, {
    Alias: (_, alias) => void targets.set(alias, anchors.get(alias.source)),
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
  })
  return targets
}

function keyText(key: unknown, wrong: (why: string) => AgentError): string {
  if (!isScalar(key)) throw wrong('a name of a setting is no text')
  if (key.value === '<<') throw wrong('it merges maps with <<, which Talos does not')
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
}

function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === last) : undefined
    const node = isSeq(parent) ? parent.items[Number(last)] : pair?.key
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}

/** A value on one line: `{ days: [sat, sun], from: '02:00' }`. Texts of digits and colons are quoted: old readers count in sixties. */
export function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, one]) => `${flowText(key)}: ${flowText(one)}`)
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
  }
  if (typeof value === 'string' && /^\d+(?::[0-5]?\d)*$/.test(value)) return `'${value}'`
  if (typeof value === 'string' && /[\p{Cc}\u2028\u2029]/u.test(value)) return JSON.stringify(value)
  // Within a collection, so that commas and brackets are quoted as well.
  const [line = ''] = stringify([value], { collectionStyle: 'flow', lineWidth: 0, singleQuote: true }).split('\n')
  return line.slice(1, -1).trim()
}

/**
 * Documents as a text that every reader of YAML reads alike: go-yaml takes `0b11`, `1_000` and dates for something else than
 * YAML's core schema does, so what is not surely a text is quoted.
 */
export function documentsText(documents: readonly Value[]): string {
  return documents.map(documentText).join('---\n')
}

function documentText(value: Value): string {
  const document = new Document(value, { aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string') scalar.type = styleOf(scalar.value)
    },
  })
  return document.toString({ lineWidth: 0, indent: 4 })
}

function styleOf(text: string): Scalar.Type {
  const isBlock = text.includes('\n') && /^[^\s]/.test(text) && !/[^\P{C}\n\t]|[ \t]$/mu.test(text)
  if (isBlock) return Scalar.BLOCK_LITERAL
  const isPlain = /^[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*$/.test(text)
  return isPlain && !/^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i.test(text) ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE
}
