/** What a text of YAML holds before it is known what each value should be. */

/**
 * A scalar without quotes: `1024` is a text where Talos wants one, and a number elsewhere. `yes` is a text, and also true
 * where Talos wants true or false.
 */
export class Plain {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

export type Tree = Plain | string | readonly Tree[] | { readonly [key: string]: Tree }

/** What a setting holds, or a whole document. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }

export type Mapping<T> = { readonly [key: string]: T }

/** Where something stands within its document: `machine`, `install`, `disk`. */
export type Path = readonly (string | number)[]

export function isMapping<T>(value: T | readonly T[] | Mapping<T> | Plain | null): value is Mapping<T> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Plain)
}

/** `machine.network.interfaces[0].mtu`. */
export function pathText(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}

/** A scalar without quotes by YAML's core schema (YAML 1.2.2, 10.3.2), as it is read where anything may stand. */
export function resolvePlain(source: string): string | number | boolean | null {
  if (/^(null|Null|NULL|~|)$/.test(source)) return null
  if (/^(true|True|TRUE)$/.test(source)) return true
  if (/^(false|False|FALSE)$/.test(source)) return false
  const number = numberOf(source)
  return number ?? source
}

/** Undefined where it is none. */
export function integerOf(source: string): number | undefined {
  const number = numberOf(source)
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined
}

/** The text of a scalar, with quotes or without; undefined where it is none. */
export function scalarText(tree: Tree | undefined): string | undefined {
  if (tree instanceof Plain) return tree.source
  return typeof tree === 'string' ? tree : undefined
}

/** As YAML has it, where nothing is known of what should stand there. */
export function plainValue(tree: Tree): Value {
  if (tree instanceof Plain) return resolvePlain(tree.source)
  if (typeof tree === 'string') return tree
  if (Array.isArray(tree)) return (tree as readonly Tree[]).map(plainValue)
  return Object.fromEntries(Object.entries(tree).map(([key, one]) => [key, plainValue(one)]))
}

function numberOf(source: string): number | undefined {
  if (/^[-+]?[0-9]+$/.test(source)) return Number(source)
  if (/^0o[0-7]+$/.test(source)) return Number.parseInt(source.slice(2), 8)
  if (/^0x[0-9a-fA-F]+$/.test(source)) return Number(source)
  if (/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(source)) return Number(source)
  return undefined
}
