import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'
import { ca, server } from '../shapes.ts'

/** What a server knows a configuration by (apprise-api, urls.py). */
export const keyPattern = /^[\w-]{1,128}$/

const keyWords = 'use letters, digits, - and _, 128 at most; or {file: PATH} or {env: NAME}'

/** Tags as a server reads them (apprise-api, api/views.py); it knows more separators than these two. */
const tagPattern = /^[A-Za-z0-9_:][A-Za-z0-9_:\s|,+&-]*$/

/** An Apprise API server: the door to the hundred services that it speaks to. */
export const config = z
  .strictObject({
    type: z.literal('apprise').meta({ description: 'An Apprise API server, for everything else' }),
    server,
    ca: ca.optional(),
    key: z
      .union([z.string().regex(keyPattern, keyWords), secret], keyWords)
      .optional()
      .meta({ description: 'The configuration on the server; whoever knows it may send', examples: ['homelab'] }),
    tag: z
      .string()
      .regex(tagPattern, 'use letters, digits, - and _; a comma means or, a space means and')
      .optional()
      .meta({
        description:
          'Services of that configuration with these tags: a comma means or, a space means and; all: every one; default: those without a tag',
        examples: ['phone'],
      }),
    urls: secret.optional().meta({ description: 'Apprise URLs, instead of a key: separated by spaces or commas' }),
    user: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Where the server asks for one', examples: ['caretaker'] }),
    password: secret.optional().meta({ description: 'The password of that user' }),
  })
  .refine(({ key, urls }) => (key === undefined) !== (urls === undefined), {
    message: 'set key or urls, and not both',
    path: ['key'],
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    message: 'user and password go together',
    path: ['password'],
  })
  .refine(({ tag, urls }) => tag === undefined || urls === undefined, {
    message: 'tags belong to a key: urls have none',
    path: ['tag'],
  })
export type AppriseConfig = z.output<typeof config>
