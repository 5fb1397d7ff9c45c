import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'
import { ca, server } from '../shapes.ts'

/** A topic: letters, digits, hyphens and underscores (ntfy, server/server.go topicRegex). */
export const topicPattern = /^[-_A-Za-z0-9]{1,64}$/

/** Whoever knows a topic can read it, so it may be kept as a secret is. */
const topicWords = 'use letters, digits, - and _, 64 at most; or {file: PATH} or {env: NAME}'
const topic = z.union([z.string().regex(topicPattern, topicWords), secret], topicWords)

/** ntfy, self-hosted or https://ntfy.sh. */
export const config = z
  .strictObject({
    type: z.literal('ntfy').meta({ description: 'A topic of ntfy' }),
    server: server.default('https://ntfy.sh'),
    ca: ca.optional(),
    topic: topic.meta({
      description: 'Where messages go; on a public server whoever knows it can read it',
      examples: [{ file: 'ntfy-topic' }],
    }),
    token: secret.optional().meta({ description: 'An access token: tk_…' }),
    user: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Instead of a token', examples: ['caretaker'] }),
    password: secret.optional().meta({ description: 'The password of that user' }),
    commands: topic.optional().meta({
      description:
        'Where phones send pressed buttons, instead of to api.url: anybody may write there, only Caretaker need read',
      examples: [{ file: 'ntfy-commands' }],
    }),
    phoneServer: server.optional().meta({ description: 'URL at which phones reach the server; default: server' }),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    message: 'user and password go together',
    path: ['password'],
  })
  .refine(({ user, token }) => user === undefined || token === undefined, {
    message: 'use a token, or a user with a password',
    path: ['token'],
  })
  .refine(({ topic, commands }) => typeof topic !== 'string' || topic !== commands, {
    message: 'use a topic other than that of the messages',
    path: ['commands'],
  })
export type NtfyConfig = z.output<typeof config>
