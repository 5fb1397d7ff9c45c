import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLParseError,
} from 'yaml'
import type { z } from 'zod'
import { AgentError } from '../core/errors.ts'
import type { RenamedSetting } from './renamed.ts'

/**
 * Reads a YAML text by a shape and reports every error at once: `file:line:column: path: what is expected`. A section whose
 * settings are all commented out counts as absent. `findRenamed` finds settings that still have an old name.
 *
 * @throws AgentError `misconfigured`
 */
export function parseText<T>(
  shape: z.ZodType<T>,
  text: string,
  file: string,
  findRenamed: (value: unknown) => readonly RenamedSetting[] = () => [],
): T {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const syntax = [...document.errors, ...document.warnings].map(
    (fault) => `${at(fault.pos[0])}: ${withoutSource(fault)}`,
  )
  if (syntax.length > 0) throw misconfigured(syntax)
  // An alias can make a small file huge, and is not needed.
  let alias: number | undefined
  visit(document, { Alias: (_, found) => void (alias ??= found.range?.[0] ?? 0) })
  if (alias !== undefined) throw misconfigured([`${at(alias)}: aliases (*name) are not supported here`])

  const value = withoutEmpty(document.toJS())
  const renamed = findRenamed(value)
  const result = shape.safeParse(value)
  if (result.success) return result.data
  // A setting with an old name is an error of its own; what follows from it is left out.
  const isOfRenamed = ({ path }: Fault) => renamed.some((one) => path.every((key, index) => key === one.path[index]))
  const others = flatten(result.error.issues, document).filter((fault) => !isOfRenamed(fault))
  throw misconfigured([
    ...renamed.map(({ path, now }) => `${at(offsetOf(document, path, true))}: ${path.join('.')} is now called ${now}`),
    ...others.map((fault) => describe(fault, document, at)),
  ])
}

/** Drops top-level keys without a value. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
}

/** Drops what the parser quotes from the file: it may be a secret in the wrong place. */
function withoutSource({ code, message }: Pick<YAMLParseError, 'code' | 'message'>): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'tags (!name) are not supported here: quote the value'
  return message.replace(/(: |\\).*$/s, '').trimEnd()
}

interface Fault {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** The key at the end of the path is wrong, not its value. */
  readonly key?: true
}

function flatten(issues: readonly z.core.$ZodIssue[], document: Document): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'is not a setting', key: true }))
    }
    const missing = issue.code.startsWith('invalid_') && issue.path.length > 0 && !document.hasIn(issue.path)
    return [{ path: issue.path, message: missing ? 'is missing' : issue.message }]
  })
}

function describe({ path, message, key }: Fault, document: Document, at: (offset: number) => string): string {
  return `${at(offsetOf(document, path, key === true))}: ${path.map(String).join('.') || 'the file'}: ${message}`
}

/** The offset of the deepest part of the path that exists. */
function offsetOf(document: Document, path: readonly PropertyKey[], wantKey: boolean): number {
  for (let length = path.length; length > 0; length--) {
    const keys = path.slice(0, length)
    const parent = keys.length === 1 ? document.contents : document.getIn(keys.slice(0, -1), true)
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => String(isNode(key) ? key.toJSON() : key) === String(keys.at(-1)))
      if (pair && isNode(pair.key) && (wantKey || !isNode(pair.value) || isCollection(pair.value)))
        return pair.key.range?.[0] ?? 0
    }
    const found = document.getIn(keys, true)
    if (isNode(found) && !isAlias(found)) return found.range?.[0] ?? 0
  }
  return 0
}

function misconfigured(faults: readonly string[]): AgentError {
  return new AgentError('misconfigured', faults.join('\n'))
}
