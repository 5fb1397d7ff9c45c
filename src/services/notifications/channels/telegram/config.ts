import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'
import { ca, server } from '../shapes.ts'

/** A bot on Telegram: https://core.telegram.org/bots/api. */
export const config = z.strictObject({
  type: z.literal('telegram').meta({ description: 'A bot of Telegram' }),
  server: server.default('https://api.telegram.org'),
  ca: ca.optional(),
  token: secret.meta({ description: 'The token of a bot that nothing else asks for updates, from @BotFather' }),
  chat: z
    .union([z.int(), z.string().regex(/^(-?\d{1,20}|@[A-Za-z]\w{3,31})$/)], 'use the number of a chat, or @channel')
    .meta({ description: 'Where messages go: the number of a person or a group, or @channel', examples: [123456789] }),
  users: z
    .array(z.int())
    .min(1)
    .optional()
    .meta({
      description: 'Numbers of those who may press buttons; default: everybody in the chat',
      examples: [[123456789]],
    }),
  buttons: z.boolean().default(true).meta({ description: 'false: no buttons, and the bot is not asked for updates' }),
})
export type TelegramConfig = z.output<typeof config>
