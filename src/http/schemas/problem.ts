import { z } from '@hono/zod-openapi'
import { errorCodes } from '../../core/errors.ts'
import type { Problem } from '../errors.ts'
import { schemaOf, text } from './answer.ts'

export const problem = schemaOf<Problem>()(
  'Problem',
  z.object({
    type: text,
    title: text,
    status: z.int(),
    detail: text,
    code: z.enum(errorCodes),
    errors: z.array(z.object({ field: text.optional(), text })).optional(),
  }),
)
