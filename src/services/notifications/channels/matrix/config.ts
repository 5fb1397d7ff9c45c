import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'
import { ca, server } from '../shapes.ts'

/** A room of Matrix that is not encrypted: what is sent to one that is stays readable for the servers. */
export const config = z.strictObject({
  type: z.literal('matrix').meta({ description: 'A room of Matrix' }),
  server: server.meta({
    description: 'URL of the homeserver’s client API, such as https://matrix.example.org',
    examples: ['https://matrix.example.org'],
  }),
  ca: ca.optional(),
  token: secret.meta({ description: 'An access token of the user that sends, best one of its own' }),
  room: z
    .string()
    .regex(/^(![^\s/]+|#[^\s/:]+:[^\s/]+)$/, 'use a room’s id (!…) or its alias (#ups:example.org)')
    .meta({
      description: 'The id or the alias of a room that the user has joined or is invited to',
      examples: ['#ups:example.org'],
    }),
})
export type MatrixConfig = z.output<typeof config>
