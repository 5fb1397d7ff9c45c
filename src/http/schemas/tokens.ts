import { z } from '@hono/zod-openapi'
import { scopes } from '../../core/access/token.ts'
import type { NewTokenAnswer, TokenAnswer } from '../../core/access/requests.ts'
import { schemaOf, text, time } from './answer.ts'

/** Tokens of the API. */

export const scope = z.enum(scopes)

export const tokens = z.array(
  schemaOf<TokenAnswer>()('Token', z.object({ name: text, scope, createdAt: time, expiresAt: time.optional() })),
)

export const newToken = schemaOf<NewTokenAnswer>()(
  'NewToken',
  z.object({
    said: text,
    changed: z.boolean(),
    token: text.meta({ description: 'The token itself, which is shown this once' }),
  }),
)
