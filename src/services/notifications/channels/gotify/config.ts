import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'
import { ca, server } from '../shapes.ts'

/** Gotify, self-hosted: https://gotify.net. */
export const config = z.strictObject({
  type: z.literal('gotify').meta({ description: 'A Gotify server' }),
  server,
  ca: ca.optional(),
  token: secret.meta({ description: 'The token of an application' }),
})
export type GotifyConfig = z.output<typeof config>
