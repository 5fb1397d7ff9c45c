import { z } from 'zod'
import { host, port, secret } from '../../../../config/scalars.ts'
import { ca } from '../shapes.ts'

/** An address alone, without a name. */
const address = z
  .string()
  .max(254)
  .regex(
    /^[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\p{L}\p{N}]([-\p{L}\p{N}.]*[\p{L}\p{N}])?$/u,
    'use an address: ops@example.org',
  )
  .meta({ kind: 'email' })

/** Mail by SMTP. */
export const config = z
  .strictObject({
    type: z.literal('email').meta({ description: 'Mail by SMTP' }),
    host: host.meta({ description: 'The server that takes mail from you', examples: ['mail.example.org'] }),
    port: port
      .optional()
      .meta({ description: 'Default: 587 with starttls, 465 with implicit, 25 with none', examples: [587] }),
    tls: z
      .enum(['starttls', 'implicit', 'none'])
      .optional()
      .meta({
        description: 'Default: starttls, without which nothing is sent; none on this machine',
        examples: ['implicit'],
      }),
    ca: ca.optional(),
    user: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Where the server asks for one', examples: ['me@example.org'] }),
    password: secret.optional().meta({ description: 'The password of that user' }),
    from: address.meta({ description: 'The address that mail is from', examples: ['caretaker@example.org'] }),
    to: z
      .union([address.transform((one) => [one]), z.array(address).min(1)])
      .meta({ description: 'One address, or a list' }),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    message: 'user and password go together',
    path: ['password'],
  })
export type EmailConfig = z.output<typeof config>
