import { AgentError } from '../errors.ts'
import { isMapping, type Mapping, type Path, Plain, type Tree, type Value } from '../machine-config/tree.ts'

/**
 * Patches name secrets as `{{ nut-password }}`. Braces mean something in YAML where they stand without quotes, so before
 * a text is read each of them is replaced by a character that nobody uses, one for one: places stay what they are. What
 * the name stands for comes in when everything else is done, as the text that it is, and can break nothing.
 */
const [open, close] = ['\uE000\uE000', '\uE001\uE001']
const written = /\{\{( *[a-z0-9](?:[-a-z0-9.]*[a-z0-9])? *)\}\}/g
const marked = /\uE000\uE000 *([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?) *\uE001\uE001/g

/** A text of YAML before it is read. */
export function markValues(text: string): string {
  return text.replaceAll(written, (_, name: string) => `${open}${name}${close}`)
}

/** A value that a document names, and where. */
export interface NamedValue {
  readonly name: string
  readonly path: Path
  /** It stands where the name of a setting stands, and can't be replaced there. */
  readonly isKey: boolean
}

/** Every value that a document names. */
export function valuesIn(tree: Tree, path: Path = []): readonly NamedValue[] {
  const named = (text: string, isKey: boolean, at: Path) =>
    Array.from(text.matchAll(marked), ([, name]) => ({ name: name!, path: at, isKey }))
  if (tree instanceof Plain) return named(tree.source, false, path)
  if (typeof tree === 'string') return named(tree, false, path)
  if (Array.isArray(tree)) return (tree as readonly Tree[]).flatMap((one, index) => valuesIn(one, [...path, index]))
  return Object.entries(tree).flatMap(([key, one]) => [...named(key, true, path), ...valuesIn(one, [...path, key])])
}

/** A document with what its values stand for. @throws AgentError `misconfigured` where one is unknown */
export function fillValues(value: Value, values: ReadonlyMap<string, string>): Value {
  const fill = (text: string) =>
    text.replaceAll(marked, (_, name: string) => {
      const found = values.get(name)
      if (found === undefined) throw new AgentError('misconfigured', `there is no value ${name}`)
      return found
    })
  if (typeof value === 'string') return value.includes(open) ? fill(value) : value
  if (Array.isArray(value)) return (value as readonly Value[]).map((one) => fillValues(one, values))
  return isMapping(value) ? mapped(value, (one) => fillValues(one, values)) : value
}

/** A text for people in which values stand as they were written. */
export function unmarked(text: string): string {
  return text.replaceAll(marked, (whole) => whole.replaceAll(/\uE000\uE000/g, '{{').replaceAll(/\uE001\uE001/g, '}}'))
}

function mapped<A, B>(mapping: Mapping<A>, change: (value: A) => B): Mapping<B> {
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, change(value)]))
}
