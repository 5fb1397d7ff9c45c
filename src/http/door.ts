import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Access } from './access.ts'
import { answerProblem, noSuchRequest } from './errors.ts'
import { readWith } from './issues.ts'
import { jsonOf } from './json.ts'
import type { Gate } from './limits.ts'
import { specOf } from './openapi.ts'
import type { Route } from './route.ts'

/** Who is let in, and within which limits. */
export interface Door {
  readonly access: Access
  readonly gate: Gate
}

/** Serves routes through a door: who asks, what was sent, within which limits, and the answer as JSON. */
export function serve(routes: readonly Route[], door: Door): OpenAPIHono {
  const app = new OpenAPIHono()
  for (const route of routes) {
    app.openAPIRegistry.registerPath(specOf(route.spec))
    app.on(route.spec.method, honoPathOf(route), (c) => answer(c, route, door))
  }
  refuseOtherMethods(app, routes, door)
  return app
}

async function answer(c: Context, { spec, handle }: Route, { access, gate }: Door): Promise<Response> {
  // Nobody learns what a request would need who may not make it.
  const by = await access.admit(c, spec.scope)
  if (spec.door === 'socket' && !access.isSocket)
    throw new AgentError('forbidden', 'this is taken on the machine of the daemon alone: use the command line there')
  const given = {
    params: spec.params && readWith(spec.params, c.req.param()),
    query: spec.query && readWith(spec.query, queryOf(c)),
    body: spec.body && readWith(spec.body, await bodyOf(c)),
  }
  const { kind = spec.method === 'get' ? 'asking' : 'ordering' } = spec
  const chosen = typeof kind === 'function' ? kind(given) : kind
  const told = await gate.pass(chosen, c.req.raw.signal, (signal) => handle(given, { by, signal })).catch(asError)
  const text = jsonOf(told)
  return text === undefined ? c.body(null) : c.body(text, 200, { 'content-type': 'application/json' })
}

/** Hono's error handler is given errors only. */
function asError(thrown: unknown): never {
  throw thrown instanceof Error ? thrown : new Error(messageOf(thrown))
}

/** Each name once; what is there twice is a list, which no field is. */
function queryOf(c: Context): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
}

/** Nothing sent is an empty object. A form or a plain text, which any page on the web may send, is refused. */
async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text()
  if (text === '') return {}
  if (!/^application\/([-.a-z]+\+)?json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new HTTPException(415, { message: 'the request is not JSON: send it as application/json' })
  try {
    return JSON.parse(text)
  } catch {
    throw new HTTPException(400, { message: 'Malformed JSON in request body' })
  }
}

/** A path that is there, asked in another way (RFC 9110 15.5.6). */
function refuseOtherMethods(app: OpenAPIHono, routes: readonly Route[], { access }: Door): void {
  const methods = Map.groupBy(routes, honoPathOf)
  for (const [path, known] of methods) {
    const allow = known.map(({ spec }) => (spec.method === 'get' ? 'GET, HEAD' : spec.method.toUpperCase())).join(', ')
    app.all(path, async (c) => {
      await access.admit(c, 'read')
      return answerProblem(noSuchRequest(405), { allow })
    })
  }
}

function honoPathOf({ spec }: Route): string {
  return spec.path.replaceAll(/\{(.+?)\}/g, ':$1')
}
