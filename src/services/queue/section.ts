import { z } from 'zod'
import { secret } from '../../config/scalars.ts'

/** The section `queue` of the configuration. */
export const section = z.strictObject({
  url: z
    .url({ protocol: /^rediss?$/ })
    .refine(
      (url) => !URL.canParse(url) || new URL(url).password === '',
      'keep the password out of the URL: use queue.password',
    )
    .optional()
    .meta({ description: 'A Redis or Valkey of your own; without it one is run under the state directory' }),
  password: secret.optional(),
})
export type QueueSection = z.output<typeof section>
