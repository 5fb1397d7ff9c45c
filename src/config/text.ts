import type { z } from 'zod'
import { byPlace, type Fault, FaultsError } from '../core/fault.ts'
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  openYaml,
  visit,
  type YamlFault,
  type YamlText,
} from '../yaml.ts'
import { findDoubts, type Doubt } from './doubts.ts'
import { faultsOfIssues, mayTellKey, readByShape, type SettingFault } from './issues.ts'
import type { RenamedSetting } from './renamed.ts'
import { repair } from './repair.ts'

/** A text, what is wrong with it, and where. */
interface Examined<T> {
  readonly document: Document
  /** By the shape; undefined where it has faults. */
  readonly value: T | undefined
  /** As it stands, without the shape; undefined where it is no YAML. */
  readonly raw: unknown
  readonly faults: readonly Fault[]
  readonly placeOf: YamlText['placeOf']
}

type FindRenamed = (value: unknown) => readonly RenamedSetting[]

/**
 * Reads a YAML text by a shape and reports every error at once, each with its place and its setting. A section whose
 * settings are all commented out counts as absent. `findRenamed` finds settings that still have an old name.
 *
 * @throws FaultsError
 */
export function parseText<T>(shape: z.ZodType<T>, text: string, file: string, findRenamed: FindRenamed = () => []): T {
  const { value, faults } = examine(shape, text, { file, findRenamed })
  if (value === undefined) throw new FaultsError(faults)
  return value
}

/** A text that may have faults, and what can be used of it all the same. */
export interface Inspected<T> {
  readonly faults: readonly Fault[]
  /** What is read otherwise than it looks. */
  readonly doubts: readonly Doubt[]
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
    doubts: raw === undefined ? [] : findDoubts(document),
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
  const at = (offset: number, setting: string | undefined, message: string): Fault => {
    return { file, ...placeOf(offset), setting, message }
  }
  const bad = (found: readonly Fault[], raw?: unknown) => ({
    document,
    value: undefined,
    raw,
    faults: found,
    placeOf,
  })
  if (faults.length > 0)
    return bad(firstFaults(faults).map((one) => ({ file, ...wordsOfFault(one, document, placeOf) })))
  // An alias can make a small file huge, and is not needed.
  let alias: number | undefined
  visit(document, { Alias: (_, found) => void (alias ??= found.range?.[0] ?? 0) })
  if (alias !== undefined)
    return bad([at(alias, undefined, 'aliases (*name) are not supported here: write the value out')])

  const raw = withoutEmpty(document.toJS())
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return bad([at(0, undefined, wordsOfWhole(raw))], raw)
  const renamed = findRenamed(raw)
  const result = readByShape(shape, raw)
  if (result.success) return { document, value: result.data, raw, faults: [], placeOf }
  // A setting with an old name is an error of its own; what follows from it is left out.
  const isOfRenamed = ({ path }: SettingFault) =>
    renamed.some((one) => path.every((key, index) => key === one.path[index]))
  const others = faultsOfIssues(result.error.issues, { shape, raw, document }).filter((one) => !isOfRenamed(one))
  const told = [
    ...renamed.map(({ path, now }) => at(offsetOf(document, path, true), path.join('.'), `is now called ${now}`)),
    ...others.map((one) => at(offsetOf(document, one.path, one.isKey), one.setting, one.message)),
  ]
  return bad(told.toSorted(byPlace), raw)
}

/** What the parser finds at one place is one mistake, and what it finds behind a tab follows from that. */
function firstFaults(faults: readonly YamlFault[]): readonly YamlFault[] {
  const places = new Map(faults.toReversed().map((fault) => [`${fault.line}:${fault.column}`, fault]))
  const first = [...places.values()].toReversed()
  const tabs = first.filter(({ code }) => code === 'TAB_AS_INDENT')
  return tabs.length > 0 ? tabs : first
}

/** What the parser found; of a setting that stands twice also which, and where it stands first. */
function wordsOfFault(
  { code, words, line, column }: YamlFault,
  document: Document,
  placeOf: YamlText['placeOf'],
): Omit<Fault, 'file'> {
  let told: { readonly setting: string | undefined; readonly message: string } | undefined
  const isHere = (node: unknown) => {
    const place = isNode(node) && node.range ? placeOf(node.range[0]) : undefined
    return place?.line === line && place.column === column
  }
  if (code === 'DUPLICATE_KEY')
    visit(document, {
      Map: (_, map) => {
        const name = map.items.map(({ key }) => key).find(isHere)
        const first = map.items.find(({ key }) => String(key) === String(name))?.key
        if (!isNode(name) || !isNode(first) || !first.range) return
        const message = `is already set in line ${placeOf(first.range[0]).line}: keep one of them`
        told = { setting: mayTellKey(String(name)) ? String(name) : undefined, message }
      },
    })
  return { line, column, ...(told ?? { setting: undefined, message: words }) }
}

/** What is wrong with a text that holds no settings at all. */
function wordsOfWhole(value: unknown): string {
  if (value === undefined || value === null) return 'the file holds no settings'
  return Array.isArray(value)
    ? 'the file is a list, and holds no settings: write them without dashes, as `setting: value`'
    : 'the file holds no settings: write them as `setting: value`'
}

/** Drops top-level keys without a value. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
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
