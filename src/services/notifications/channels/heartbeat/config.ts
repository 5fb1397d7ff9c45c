import { z } from 'zod'
import { duration, secret } from '../../../../config/scalars.ts'
import { ca } from '../shapes.ts'

/** In ms: more than five a minute may be dropped, and whatever waits for them takes minutes anyway. */
const shortest = 30_000

/** A check of https://healthchecks.io or what works alike: who hears nothing of us tells people. */
export const config = z.strictObject({
  type: z
    .literal('heartbeat')
    .meta({ description: 'A check of healthchecks.io or what works alike, which tells you when it hears nothing' }),
  url: secret.meta({ description: 'The ping URL: https://hc-ping.com/UUID, or …/PING-KEY/NAME' }),
  ca: ca.optional(),
  every: duration
    .refine((ms) => ms >= shortest, 'use 30s or more')
    .prefault('5m')
    .meta({ description: 'How often it is pinged: set the same period there, and a grace time of the double' }),
  fail: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether it reports a failure (…/fail) while a critical alert is open' }),
  messages: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether the messages that are routed here are written to its log (…/log)' }),
})
export type HeartbeatConfig = z.output<typeof config>
