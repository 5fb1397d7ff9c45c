import type { z } from '@hono/zod-openapi'
import type { Scope } from '../core/access/token.ts'
import type { Asked } from '../core/operator.ts'
import type { Kind } from './limits.ts'

/** What a route is asked with: an object with its fields and no others, or nothing. */
type Fields = z.ZodObject | undefined

/** One request of the API: what it is, who may make it, what it takes, and what is answered. */
export interface RouteSpec<
  Method extends 'get' | 'post' | 'delete' = 'get' | 'post' | 'delete',
  Path extends string = string,
  Params extends Fields = Fields,
  Query extends Fields = Fields,
  Body extends Fields = Fields,
  Answer = unknown,
> {
  readonly method: Method
  /** Below `/api/v1`, with `{name}` for what differs. */
  readonly path: Path
  /** One sentence, without a full stop. */
  readonly summary: string
  /** What a person must be allowed to. */
  readonly scope: Scope
  /** `socket`: only on the daemon's own machine, because what is sent is too much to trust a network with. */
  readonly door?: 'socket'
  /** What it costs; by default what reads is `asking`, and what changes is `ordering`. */
  readonly kind?: Kind | ((given: { readonly body: OutputOf<Body> }) => Kind)
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  readonly answer: z.ZodType<Answer>
}

type OutputOf<F extends Fields> = F extends z.ZodObject ? z.output<F> : undefined

/** What was sent, as far as the route takes it. */
export interface Given<Params extends Fields, Query extends Fields, Body extends Fields> {
  readonly params: OutputOf<Params>
  readonly query: OutputOf<Query>
  readonly body: OutputOf<Body>
}

/** A route and what it does. */
export interface Route<Spec extends RouteSpec = RouteSpec> {
  readonly spec: Spec
  handle(given: Given<Fields, Fields, Fields>, asked: Asked): unknown
}

/** A request of the API that is answered by this function of the Operator, as its type says. */
export function route<
  const Method extends 'get' | 'post' | 'delete',
  const Path extends string,
  Answer,
  Params extends Fields = undefined,
  Query extends Fields = undefined,
  Body extends Fields = undefined,
>(
  spec: RouteSpec<Method, Path, Params, Query, Body, Answer>,
  handle: (given: Given<Params, Query, Body>, asked: Asked) => Answer | Promise<Answer>,
): Route<RouteSpec<Method, Path, Params, Query, Body, Answer>> {
  return { spec, handle }
}

type InputOf<F extends Fields, Key extends string> = F extends z.ZodObject
  ? { readonly [K in Key]: z.input<F> }
  : object

/** `/nodes/{name}/pause` as hono writes it: `/nodes/:name/pause`. */
export type HonoPath<Path extends string> = Path extends `${infer Start}/{${infer Name}}${infer Rest}`
  ? `${Start}/:${Name}${HonoPath<Rest>}`
  : Path

/** What hono's client is typed by. */
export type SchemaOf<R extends Route> = UnionToIntersection<
  R extends Route<RouteSpec<infer Method, infer Path, infer Params, infer Query, infer Body, infer Answer>>
    ? {
        [P in HonoPath<Path>]: {
          [M in `$${Method}`]: {
            input: InputOf<Params, 'param'> & InputOf<Query, 'query'> & InputOf<Body, 'json'>
            output: Answer
            outputFormat: 'json'
            status: 200
          }
        }
      }
    : never
>

type UnionToIntersection<U> = (U extends unknown ? (given: U) => void : never) extends (given: infer All) => void
  ? All
  : never
