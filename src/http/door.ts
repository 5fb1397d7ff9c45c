import type { Context, TypedResponse } from 'hono'
import { validator } from 'hono/validator'
import { messageOf } from '../core/errors.ts'
import { type Asked } from '../core/operator.ts'
import type { Scope } from '../core/access/token.ts'
import type { Access } from './access.ts'
import type { Gate, Kind } from './limits.ts'

/** What JSON carries over as it is; anything else does not compile as an answer. */
export type Plain<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends
        | Date
        | ReadonlyMap<unknown, unknown>
        | ReadonlySet<unknown>
        | bigint
        | symbol
        | ((...given: never) => unknown)
    ? never
    : { [K in keyof T]: Plain<T[K]> }

/** An answer that the client reads as the type that it was. */
export type Answer<T> = Response & TypedResponse<T, 200, 'json'>

export interface Door {
  /** Answers what the work comes to, within the limits of its kind. */
  answer<T>(c: Context, kind: Kind, work: (asked: Asked) => Given<T> | Promise<Given<T>>): Promise<Answer<T>>
}

type Given<T> = T & Plain<T>

/** What a route of this kind needs; routes that need more say so. */
const needs = { asking: 'read', ordering: 'operate', waiting: 'operate' } as const satisfies Record<Kind, Scope>

/** What every route answers by: who asks, within which limits, as JSON. */
export function createDoor(gate: Gate, access: Access): Door {
  return {
    answer: async <T>(c: Context, kind: Kind, work: (asked: Asked) => Given<T> | Promise<Given<T>>) => {
      const by = await access.admit(c, needs[kind])
      const value = await gate.pass(kind, c.req.raw.signal, (signal) => work({ by, signal })).catch(asError)
      // Plain JSON comes back as it is, which `Plain` has made sure of.
      return c.json(value) as unknown as Answer<T>
    },
  }
}

/** The body of a request, through a function that says what is wrong with it. */
export function body<T>(parse: (value: unknown) => T) {
  return validator('json', (value: unknown): T => parse(value))
}

/** The query of a request, likewise. */
export function query<T>(parse: (value: unknown) => T) {
  return validator('query', (value: unknown): T => parse(value))
}

/** Hono's error handler is given errors only. */
function asError(thrown: unknown): never {
  throw thrown instanceof Error ? thrown : new Error(messageOf(thrown))
}
