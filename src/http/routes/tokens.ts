import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { name } from '../fields.ts'
import { route } from '../route.ts'
import { changed } from '../schemas/jobs.ts'
import { newToken, scope, tokens as tokenList } from '../schemas/tokens.ts'

/** For ten years at most, in ms: JavaScript's dates end, and `token create` without a time has no end. */
const longestLife = 10 * 366 * 86_400_000

/** Tokens of the API. */
export function tokenRoutes({ tokens }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/tokens',
        summary: 'Tokens, without what is secret of them',
        scope: 'admin',
        answer: tokenList,
      },
      () => tokens.list(),
    ),
    route(
      {
        method: 'post',
        path: '/tokens',
        summary: 'Creates a token, and tells it this once',
        scope: 'admin',
        body: z.strictObject({
          name: name('Lowercase letters, digits and hyphens', 63).openapi({
            pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
          }),
          scope,
          lastsMs: z
            .number()
            .min(1)
            .max(longestLife)
            .optional()
            .meta({ description: 'For how long, in ms; without it: until it is revoked' }),
        }),
        answer: newToken,
      },
      ({ body }, asked) => tokens.create(body, asked),
    ),
    route(
      {
        method: 'delete',
        path: '/tokens/{name}',
        summary: 'Revokes a token',
        scope: 'admin',
        params: z.strictObject({ name: name('The name of a token') }),
        answer: changed,
      },
      ({ params }, asked) => tokens.revoke(params, asked),
    ),
  ]
}
