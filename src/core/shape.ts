import { AgentError } from './errors.ts'

/**
 * Reads a value of unknown origin as what it should be. `at` says where it stands, for messages.
 *
 * @throws AgentError `malformed`, which names the place
 */
export type Shape<T> = (value: unknown, at?: string) => T

/** A field that may be absent; null counts as absent. */
export interface Optional<T> {
  readonly optional: Shape<T>
}

/** A shape for every field of T: fields that may be absent have an optional one, and none can be forgotten. */
export type Fields<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K>
    ? Optional<Exclude<T[K], undefined>>
    : undefined extends T[K]
      ? Optional<Exclude<T[K], undefined>>
      : Shape<T[K]>
}

function refuse(at: string, wanted: string): never {
  throw new AgentError('malformed', `${at} is not ${wanted}`)
}

export const text: Shape<string> = (value, at = 'it') => (typeof value === 'string' ? value : refuse(at, 'a text'))

export const number: Shape<number> = (value, at = 'it') =>
  typeof value === 'number' && Number.isFinite(value) ? value : refuse(at, 'a number')

export const flag: Shape<boolean> = (value, at = 'it') =>
  typeof value === 'boolean' ? value : refuse(at, 'true or false')

/** `true`, and nothing else. */
export const yes: Shape<true> = (value, at = 'it') => (value === true ? value : refuse(at, 'true'))

/** The first moment that has no year of four digits, in ms since the epoch: what is counted from such a one, no `Date` may hold. */
const endOfTime = Date.UTC(10_000, 0)

/** A moment, in ms since the epoch. */
export const instant: Shape<number> = (value, at = 'it') =>
  typeof value === 'number' && Math.abs(value) < endOfTime ? value : refuse(at, 'a time in ms')

/** How many there are: a whole number, and not less than none. */
export const count: Shape<number> = (value, at = 'it') =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : refuse(at, 'a count')

/** A time as ISO 8601, as `toISOString` writes it: of two of them the later one is the greater text. */
export const time: Shape<string> = (value, at = 'it') =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))
    ? value
    : refuse(at, 'a time')

/** One of these words; given as the keys of an object, so that the compiler sees whether one is missing. */
export function oneOf<T extends string>(words: Readonly<Record<T, true>>): Shape<T> {
  return (value, at = 'it') =>
    typeof value === 'string' && Object.hasOwn(words, value)
      ? (value as T)
      : refuse(at, `one of ${Object.keys(words).join(', ')}`)
}

export function listOf<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, at = 'it') =>
    Array.isArray(value) ? value.map((one, index) => item(one, `${at}[${index}]`)) : refuse(at, 'a list')
}

/** Values by their names. */
export function mapOf<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, at = 'it') =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, item(one, `${at}.${name}`)]))
      : refuse(at, 'an object')
}

export function optional<T>(shape: Shape<T>): Optional<T> {
  return { optional: shape }
}

/** An object with these fields; others that it may have are left out. */
export function object<T extends object>(fields: Fields<T>): Shape<T> {
  const shapes: [string, Shape<unknown> | Optional<unknown>][] = Object.entries(fields)
  return (value, at = 'it') => {
    if (!isObject(value)) return refuse(at, 'an object')
    const read = shapes.flatMap(([name, shape]): [string, unknown][] => {
      const field = Object.hasOwn(value, name) ? value[name] : undefined
      const place = `${at}.${name}`
      if (typeof shape === 'function') return [[name, shape(field, place)]]
      return field === undefined || field === null ? [] : [[name, shape.optional(field, place)]]
    })
    return Object.fromEntries(read) as T
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
