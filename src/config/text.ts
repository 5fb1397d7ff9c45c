import type { z } from 'zod'
import { AgentError } from '../core/errors.ts'
import { type Document, isAlias, isCollection, isMap, isNode, openYaml, visit, type YamlText } from '../yaml.ts'
import { describeIssue } from './issue-words.ts'
import { suggestKey } from './known-keys.ts'
import type { RenamedSetting } from './renamed.ts'
import { repair } from './repair.ts'

/** A text, what is wrong with it, and where. */
interface Examined<T> {
  readonly document: Document
  /** By the shape; undefined where it has faults. */
  readonly value: T | undefined
  /** As it stands, without the shape; undefined where it is no YAML. */
  readonly raw: unknown
  /** `file:line:column: path: what is expected`. */
  readonly faults: readonly string[]
  readonly placeOf: YamlText['placeOf']
}

type FindRenamed = (value: unknown) => readonly RenamedSetting[]

/**
 * Reads a YAML text by a shape and reports every error at once: `file:line:column: path: what is expected`. A section whose
 * settings are all commented out counts as absent. `findRenamed` finds settings that still have an old name.
 *
 * @throws AgentError `misconfigured`
 */
export function parseText<T>(shape: z.ZodType<T>, text: string, file: string, findRenamed: FindRenamed = () => []): T {
  const { value, faults } = examine(shape, text, { file, findRenamed })
  if (value === undefined) throw new AgentError('misconfigured', faults.join('\n'))
  return value
}

/** A text that may have faults, and what can be used of it all the same. */
export interface Inspected<T> {
  readonly faults: readonly string[]
  /** What is left without everything that is wrong; undefined where that is nothing. */
  readonly usable: T | undefined
  /** Top-level keys of `usable` that stand for what is missing. */
  readonly assumed: readonly string[]
  /** As it stands, without the shape; undefined where it is no YAML. */
  readonly raw: unknown
  /** The path in the text of a setting of `usable`. */
  pathOf(path: readonly PropertyKey[]): readonly PropertyKey[]
  /** Line and column of a path in the text, or of the deepest part of it that is written. */
  placeOf(path: readonly PropertyKey[]): { readonly line: number; readonly column: number }
}

export interface InspectOptions {
  readonly file: string
  readonly findRenamed: FindRenamed
  /** What stands for top-level settings that must be there. */
  readonly assume: Readonly<Record<string, unknown>>
}

/** The same for whoever wants to see all faults, those of what the text names as well. Never throws. */
export function inspectText<T>(shape: z.ZodType<T>, text: string, options: InspectOptions): Inspected<T> {
  const { document, value, raw, faults, placeOf } = examine(shape, text, options)
  const repaired = value === undefined && raw !== undefined ? repair(shape, raw, options.assume) : undefined
  return {
    faults,
    usable: value ?? repaired?.value,
    assumed: repaired?.assumed ?? [],
    raw,
    pathOf: (path) => repaired?.pathBefore(path) ?? path,
    placeOf: (path) => placeOf(offsetOf(document, path, false)),
  }
}

function examine<T>(
  shape: z.ZodType<T>,
  text: string,
  { file, findRenamed }: Pick<InspectOptions, 'file' | 'findRenamed'>,
): Examined<T> {
  const { document, faults, placeOf } = openYaml(text, { strict: true })
  const at = (offset: number) => {
    const { line, column } = placeOf(offset)
    return `${file}:${line}:${column}`
  }
  const bad = (found: readonly string[], raw?: unknown) => ({
    document,
    value: undefined,
    raw,
    faults: found,
    placeOf,
  })
  // What the parser finds at one place is one mistake.
  const places = new Map(faults.toReversed().map((fault) => [`${fault.line}:${fault.column}`, fault.words]))
  if (places.size > 0) return bad([...places].toReversed().map(([place, words]) => `${file}:${place}: ${words}`))
  // An alias can make a small file huge, and is not needed.
  let alias: number | undefined
  visit(document, { Alias: (_, found) => void (alias ??= found.range?.[0] ?? 0) })
  if (alias !== undefined) return bad([`${at(alias)}: aliases (*name) are not supported here`])

  const raw = withoutEmpty(document.toJS())
  const renamed = findRenamed(raw)
  const result = shape.safeParse(raw)
  if (result.success) return { document, value: result.data, raw, faults: [], placeOf }
  // A setting with an old name is an error of its own; what follows from it is left out.
  const isOfRenamed = ({ path }: Fault) => renamed.some((one) => path.every((key, index) => key === one.path[index]))
  const others = flatten(result.error.issues, shape, document).filter((fault) => !isOfRenamed(fault))
  const told = [
    ...renamed.map(({ path, now }) => `${at(offsetOf(document, path, true))}: ${path.join('.')} is now called ${now}`),
    ...others.map((fault) => describe(fault, document, at)),
  ]
  return bad(told, raw)
}

/** Drops top-level keys without a value. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
}

interface Fault {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** The key at the end of the path is wrong, not its value. */
  readonly key?: true
}

function flatten(issues: readonly z.core.$ZodIssue[], shape: z.ZodType, document: Document): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const meant = issue.code === 'invalid_union' ? misspelled(issue.errors) : []
    if (meant.length > 0) {
      const inside = meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }))
      return flatten(inside, shape, document)
    }
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const path = [...issue.path, key]
        const near = suggestKey(shape, path)
        const hint = near === undefined ? '' : `; did you mean ${near}?`
        return { path, message: `is not a setting${hint}`, key: true }
      })
    }
    if (issue.code === 'invalid_type' && issue.path.length === 0) return [{ path: [], message: 'it holds no settings' }]
    const missing = issue.code.startsWith('invalid_') && issue.path.length > 0 && !document.hasIn(issue.path)
    // What kind of entry it is has to be known before anything else of it.
    const isKind = issue.code === 'invalid_union' && 'discriminator' in issue
    if (missing && !isKind) return [{ path: issue.path, message: 'is missing' }]
    const words = describeIssue(issue, document.getIn(issue.path))
    return [{ path: issue.path, message: missing ? `is missing: it ${words}` : words }]
  })
}

/**
 * Of several choices the one that is written, where it has a name that is misspelled: that stands deeper, and says more
 * than all the choices. Other faults of it are left out, since they could repeat what stands there.
 */
function misspelled(choices: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[] {
  const meant = choices.find((issues) => issues.length > 0 && issues.every(({ path }) => path.length > 0)) ?? []
  return meant.filter(({ code }) => code === 'unrecognized_keys')
}

function describe({ path, message, key }: Fault, document: Document, at: (offset: number) => string): string {
  const names = path.map((name, index) => shownKey(String(name), key === true && index === path.length - 1))
  return `${at(offsetOf(document, path, key === true))}: ${names.join('.') || 'the file'}: ${message}`
}

/** A mistake can make a key of a secret: what is no name of ours is not repeated, and its place says enough. */
function shownKey(key: string, isUnknown: boolean): string {
  return (isUnknown ? /^[A-Za-z]{1,40}$/ : /^[\w.-]{1,63}$/).test(key) ? key : '(a key)'
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
