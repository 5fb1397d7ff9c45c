import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'
import { ca, server } from '../shapes.ts'
import { faultsIn } from './template.ts'

/** What is set by us, or would change how the request is read. */
const ourHeaders = /^(host|content-length|connection|transfer-encoding|expect|te|trailer|upgrade|webhook-.*)$/i

const header = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'use the name of a header')
  .refine((name) => !ourHeaders.test(name), 'is set by Caretaker')

/** Characters that a header can hold. */
const plain = z.string().regex(/^[\t\x20-\x7e]*$/, 'use printable ASCII characters')

const template = z
  .union([z.string().min(1), z.record(z.string(), z.json()), z.array(z.json())])
  .superRefine((value, context) => {
    for (const message of faultsIn(value)) context.addIssue({ code: 'custom', message })
  })

/** Anything that takes a request: Home Assistant, n8n, Node-RED, a script of yours. */
export const config = z.strictObject({
  type: z.literal('webhook').meta({ description: 'A request to anything else' }),
  url: z.union([server, secret], 'use a URL without user name, password and ?…; or {file: PATH} or {env: NAME}').meta({
    description: 'Where requests go; as a secret where knowing it is enough to call it',
    examples: [{ file: 'webhook-url' }],
  }),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').meta({ description: 'The method of the request' }),
  ca: ca.optional(),
  headers: z
    .record(header, z.union([plain, secret], 'use printable ASCII characters, or {file: PATH} or {env: NAME}'))
    .default({})
    .meta({
      description: 'Headers of the request: a text, or {file: PATH} or {env: NAME}',
      examples: [{ authorization: { file: 'token' } }],
    }),
  secret: secret.optional().meta({
    description: 'Signs requests (standardwebhooks.com): whsec_ and 24 to 64 bytes in base64',
  }),
  template: template.optional().meta({
    description:
      'The body, with {{title}}, {{text}}, {{details}}, {{body}}, {{severity}}, {{kind}}, {{topic}}, {{subject}}, {{homelab}}, {{at}}, {{link}}, {{id}}, {{thread}}. Default: everything as JSON',
    examples: ['{{title}}: {{text}}'],
  }),
})
export type WebhookConfig = z.output<typeof config>
