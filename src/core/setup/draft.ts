/**
 * A configuration that is being drawn up, as data: settings in the order in which they are to stand, with a comment for
 * each choice. `src/config/draft-text.ts` writes it.
 */

export type Scalar = string | number | boolean

/** A value on one line: a scalar, `[a, b]`, `{ from: '02:00' }`. */
export type Inline = Scalar | readonly Inline[] | { readonly [key: string]: Inline }

export interface Setting {
  readonly key: string
  readonly value: Value
  /** Lines above it. */
  readonly above?: readonly string[]
  /** On its line, behind it. */
  readonly beside?: string
  /** It stands there as a comment: what it would be. */
  readonly isOff?: true
}

export type Value =
  | { readonly kind: 'inline'; readonly value: Inline }
  | { readonly kind: 'group'; readonly settings: readonly Setting[] }
  | List

/** An item of an older file that is known by the same is brought up to date. */
export interface List {
  readonly kind: 'list'
  /** The settings that it is known by, with what each is where it is not written. */
  readonly knownBy: Readonly<Record<string, Scalar | undefined>>
  /** Settings by which one is known that has none of the above: a machine that was renamed has its address still. */
  readonly orBy?: readonly string[]
  readonly items: readonly Item[]
}

export interface Item {
  readonly settings: readonly Setting[]
  readonly above?: readonly string[]
}

export interface Draft {
  readonly heading: readonly string[]
  readonly settings: readonly Setting[]
}

export const inline = (value: Inline): Value => ({ kind: 'inline', value })
export const group = (...settings: readonly (Setting | undefined)[]): Value => ({
  kind: 'group',
  settings: settings.filter((one) => one !== undefined),
})

/** `key: value`, with what is to be said of it. */
export function setting(key: string, value: Inline, more: Omit<Setting, 'key' | 'value'> = {}): Setting {
  return { key, value: inline(value), ...more }
}

/** The same where there is a value. */
export function settingOf(
  key: string,
  value: Inline | undefined,
  more: Omit<Setting, 'key' | 'value'> = {},
): Setting | undefined {
  return value === undefined ? undefined : setting(key, value, more)
}
