import { type RouteConfig, z } from '@hono/zod-openapi'
import type { Scope } from '../../core/access/token.ts'
import { schemaOf, text, time } from './answer.ts'
import { problem } from './problem.ts'
import { scope } from './tokens.ts'

/** Who asks, as the door knows them. */
export interface CallerAnswer {
  /** As the journal names them: `token phone`. */
  readonly name: string
  readonly scope: Scope
  readonly via: 'token' | 'session' | 'proxy' | 'anonymous'
  /** ISO 8601: until when a browser is signed in, unless it asks again before. */
  readonly expiresAt?: string
}

const caller = schemaOf<CallerAnswer>()(
  'Caller',
  z.object({
    name: text,
    scope,
    via: z.enum(['token', 'session', 'proxy', 'anonymous']),
    expiresAt: time.optional(),
  }),
)

const path = '/session'
const tags = ['session']
const failed = { description: 'What went wrong', content: { 'application/problem+json': { schema: problem } } }
const told = (description: string) => ({ description, content: { 'application/json': { schema: caller } } })

/** Sessions of browsers, as the OpenAPI document tells of them. Only the door on a port has them. */
export const sessionSpecs: readonly RouteConfig[] = [
  {
    method: 'get',
    path,
    summary: 'Who asks, and what they may do',
    operationId: 'getSession',
    tags,
    security: [{ token: [] }, { session: [] }],
    'x-scope': 'read',
    responses: { 200: told('Who it is'), default: failed },
  },
  {
    method: 'post',
    path,
    summary: 'Signs a browser in by a token',
    description: 'The cookie is HttpOnly and SameSite=Lax; over TLS its name is `__Host-caretaker`.',
    operationId: 'postSession',
    tags,
    security: [],
    request: {
      body: {
        required: true,
        content: {
          'application/json': { schema: z.strictObject({ token: text.meta({ description: 'The token itself' }) }) },
        },
      },
    },
    responses: { 200: told('Signed in: the answer sets a cookie'), default: failed },
  },
  {
    method: 'delete',
    path,
    summary: 'Signs a browser out',
    description: 'The session ends at once, whoever has a copy of its cookie. Without a session nothing happens.',
    operationId: 'deleteSession',
    tags,
    // Whoever has none is signed out already.
    security: [{ session: [] }, {}],
    responses: { 204: { description: 'Signed out: the answer takes the cookie away' }, default: failed },
  },
]
