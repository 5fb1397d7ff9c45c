import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'

/** A webhook of a Discord channel. */
export const config = z.strictObject({
  type: z.literal('discord').meta({ description: 'A webhook of Discord' }),
  url: secret.meta({
    description: 'The webhook: https://discord.com/api/webhooks/ID/TOKEN, in a forum with ?thread_id=…',
  }),
  username: z
    .string()
    .min(1)
    .max(80)
    .optional()
    .meta({ description: 'Who it says it is; default: as in Discord', examples: ['Caretaker'] }),
})
export type DiscordConfig = z.output<typeof config>
