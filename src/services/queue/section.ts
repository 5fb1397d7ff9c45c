import { z } from 'zod'
import { secret } from '../../config/scalars.ts'

/** The section `queue` of the configuration. */
export const section = z
  .strictObject({
    url: z
      .url({ protocol: /^rediss?$/, error: 'use a URL such as redis://192.168.0.6:6379' })
      .refine(
        (url) => !URL.canParse(url) || new URL(url).password === '',
        'keep the password out of the URL: use queue.password',
      )
      .meta({ kind: 'url', pattern: '^[Rr][Ee][Dd][Ii][Ss][Ss]?://' })
      .optional()
      .meta({
        description: 'A Redis or Valkey of your own; without it one is run under the state directory',
        examples: ['redis://192.168.0.6:6379'],
      }),
    password: secret.optional().meta({ description: 'The password of that server' }),
  })
  .meta({ description: 'The store of the job queue' })
export type QueueSection = z.output<typeof section>
