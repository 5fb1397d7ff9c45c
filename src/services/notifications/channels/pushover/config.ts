import { z } from 'zod'
import { duration, secret } from '../../../../config/scalars.ts'
import { ca, server } from '../shapes.ts'

const priority = z.int().min(-2).max(2)

/** Pushover: https://pushover.net/api. */
export const config = z.strictObject({
  type: z.literal('pushover').meta({ description: 'Pushover' }),
  server: server.default('https://api.pushover.net'),
  ca: ca.optional(),
  token: secret.meta({ description: 'The token of an application' }),
  user: secret.meta({ description: 'The key of a user or a group' }),
  device: z
    .string()
    .regex(/^[-_A-Za-z0-9]{1,25}(,[-_A-Za-z0-9]{1,25})*$/, 'use names of devices, with commas between')
    .optional()
    .meta({ description: 'Only these devices: phone,tablet; default: all', examples: ['phone,tablet'] }),
  sound: z
    .string()
    .regex(/^[-_A-Za-z0-9]{1,20}$/, 'use the name of a sound')
    .optional()
    .meta({ description: 'The name of a sound; default: as set in the app', examples: ['siren'] }),
  priorities: z
    .strictObject({
      critical: priority.default(2).meta({ description: 'Of critical alerts' }),
      warning: priority.default(0).meta({ description: 'Of warnings' }),
      info: priority.default(-1).meta({ description: 'Of everything else' }),
    })
    .prefault({})
    .meta({ description: '-2 nothing is shown, -1 no sound, 1 also in quiet hours, 2 again until somebody confirms' }),
  retry: duration
    .refine((ms) => ms >= 30_000, '30s at least')
    .prefault('1m')
    .meta({ description: 'With priority 2: how often it is shown again' }),
  expire: duration
    .refine((ms) => ms >= 30_000 && ms <= 10_800_000, '30s at least, 3h at most')
    .prefault('1h')
    .meta({ description: 'With priority 2: after which it is given up' }),
})
export type PushoverConfig = z.output<typeof config>
