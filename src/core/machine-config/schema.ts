import { compareVersions } from '../version.ts'
import { kinds as kindsText, types as typeTexts } from './gen/fields.ts'

/** What a setting of the machine configuration is. */
export type Type =
  | { readonly kind: 'text' | 'integer' | 'number' | 'flag' | 'duration' | 'anything' | 'arguments' }
  | { readonly kind: 'list' | 'map'; readonly of: Type }
  | { readonly kind: 'struct'; readonly name: string }

export interface Field {
  readonly type: Type
  /** The first release that knows it, as `1.14`; undefined: every one that Caretaker supports. */
  readonly since?: string
  /** The last release that knows it. */
  readonly until?: string
  /** A patch replaces it, where lists are appended to and maps merged otherwise. */
  readonly isReplaced: boolean
  /** In a patch 0 and '' count, which elsewhere change nothing: Talos has a pointer there. */
  readonly countsZero: boolean
}

/** The kind of the one document that has none: `machine`, `cluster`. */
export const legacyKind = 'v1alpha1'

const parsed = new Map<string, ReadonlyMap<string, Field>>()

/** The settings of a type by their names; empty where it has none. */
export function fieldsOf(type: string): ReadonlyMap<string, Field> {
  const known = parsed.get(type)
  if (known) return known
  const fields = parseFields(Object.hasOwn(typeTexts, type) ? typeTexts[type]! : '')
  parsed.set(type, fields)
  return fields
}

let kinds: ReadonlyMap<string, Field> | undefined

/** Every kind of document, and the type of its settings. */
export function documentKinds(): ReadonlyMap<string, Field> {
  kinds ??= parseFields(kindsText)
  return kinds
}

/** Whether documents of a kind are told apart by a name. */
export function isNamed(kind: string): boolean {
  const type = documentKinds().get(kind)?.type
  return type?.kind === 'struct' && fieldsOf(type.name).has('name')
}

/** Whether every one of these releases knows it. */
export function isKnownTo({ since, until }: Pick<Field, 'since' | 'until'>, minors: readonly string[]): boolean {
  return minors.every(
    (minor) =>
      (since === undefined || compareMinors(minor, since) >= 0) &&
      (until === undefined || compareMinors(minor, until) <= 0),
  )
}

/** `1.9` is before `1.13`. */
function compareMinors(a: string, b: string): number {
  return compareVersions(`v${a}.0`, `v${b}.0`)
}

function parseFields(text: string): Map<string, Field> {
  const fields = new Map<string, Field>()
  for (const one of text.split(' ')) {
    const [, name, type, marks = '', since, until] =
      /^([^:]+):([^!=@]*?)([!=]*)(?:@([\d.]+))?(?:-([\d.]+))?$/.exec(one) ?? []
    if (name === undefined || type === undefined) continue
    fields.set(name, {
      type: parseType(type),
      isReplaced: marks.includes('='),
      countsZero: marks.includes('!'),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    })
  }
  return fields
}

const simple: Readonly<Record<string, Type>> = {
  s: { kind: 'text' },
  i: { kind: 'integer' },
  n: { kind: 'number' },
  b: { kind: 'flag' },
  d: { kind: 'duration' },
  '*': { kind: 'anything' },
  args: { kind: 'arguments' },
}

function parseType(text: string): Type {
  const inner = () => parseType(text.slice(1, -1))
  if (text.startsWith('[')) return { kind: 'list', of: inner() }
  if (text.startsWith('{')) return { kind: 'map', of: inner() }
  return simple[text] ?? { kind: 'struct', name: text }
}
