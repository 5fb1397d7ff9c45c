import { AgentError } from '../core/errors.ts'

/** What a field of a request may be: takes what was sent, and answers what it means. Undefined where it was not sent. */
export type Field<T> = (value: unknown, name: string) => T

type Fields = Readonly<Record<string, Field<unknown>>>
type Parsed<F extends Fields> = {
  readonly [K in keyof F as undefined extends ReturnType<F[K]> ? never : K]: ReturnType<F[K]>
} & {
  readonly [K in keyof F as undefined extends ReturnType<F[K]> ? K : never]?: ReturnType<F[K]>
}

/** A reader of an object with these fields and no others. @throws AgentError `misconfigured`, naming the field */
export function fields<F extends Fields>(shape: F): (value: unknown) => Parsed<F> {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong('the request', 'is not an object')
    const given = value as Readonly<Record<string, unknown>>
    const unknown = Object.keys(given).find((name) => !(name in shape))
    if (unknown !== undefined) throw wrong(unknown, 'is unknown; is the CLI newer than the daemon?')
    return Object.fromEntries(
      Object.entries(shape).flatMap(([name, field]) => {
        const parsed = field(given[name], name)
        return parsed === undefined ? [] : [[name, parsed]]
      }),
    ) as Parsed<F>
  }
}

/** Text of at most so many characters. An empty one counts as not sent. */
export function text(longest: number): Field<string | undefined> {
  return (value, name) => {
    if (value === undefined || value === '') return undefined
    if (typeof value !== 'string') throw wrong(name, 'is not a string')
    if (value.length > longest) throw wrong(name, `is longer than ${longest} characters`)
    return value
  }
}

/** True or false, also as text; not sent is false. */
export function flag(): Field<boolean> {
  return (value, name) => {
    if (value === undefined || value === false || value === 'false') return false
    if (value === true || value === 'true') return true
    throw wrong(name, 'is neither true nor false')
  }
}

export function number(): Field<number> {
  return (value, name) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(name, 'is not a number')
    return value
  }
}

/** A list of texts, each of at most so many characters. */
export function names(most: number, longest: number): Field<readonly string[] | undefined> {
  const name = text(longest)
  return (value, field) => {
    if (value === undefined) return undefined
    if (!Array.isArray(value)) throw wrong(field, 'is not a list')
    if (value.length > most) throw wrong(field, `has more than ${most} entries`)
    return value.flatMap((one: unknown) => name(one, field)?.trim() || [])
  }
}

/** How many are wanted, as it stands in a query; undefined where it was not sent. */
export function limit(most: number): Field<number | undefined> {
  return (value, name) => {
    if (value === undefined) return undefined
    const count = Number(value)
    if (!Number.isInteger(count) || count < 1) throw wrong(name, 'is not a whole number above 0')
    return Math.min(count, most)
  }
}

function wrong(name: string, why: string): AgentError {
  return new AgentError('misconfigured', `${name} ${why}`)
}
