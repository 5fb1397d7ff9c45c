import { z } from 'zod'
import { duration, name, time, timeZone } from '../../config/scalars.ts'
import { describeUnlisted } from '../../core/spelling.ts'
import { days } from '../../core/upgrade/window.ts'
import { ca } from './channels/shapes.ts'
import { channelConfig } from './channels/kinds.ts'

const severity = z.enum(['info', 'warning', 'critical'])
const day = z.enum(days)

const route = z.strictObject({
  channels: z
    .array(name)
    .min(1)
    .meta({ description: 'Names of channels', examples: [['phone']] }),
  severity: severity
    .default('warning')
    .meta({ description: 'Alerts as severe as this and more; digests and events that topics name go anyway' }),
  topics: z
    .array(z.string().min(1))
    .optional()
    .meta({
      description:
        'Ids of alerts, types of events, digest.rollout, digest.outage, or their first words: power, rollout, ups.silent. Default: all alerts and digests',
      examples: [['release', 'rollout.started']],
    }),
  subjects: z
    .array(z.string().min(1))
    .optional()
    .meta({ description: 'Only what is about these: w-1, rack', examples: [['w-1', 'rack']] }),
})

const quiet = z.strictObject({
  from: time.meta({ description: 'When they begin' }),
  to: time.meta({ description: 'When they end; earlier than from: on the next day' }),
  days: z.array(day).optional().meta({ description: 'The days on which it begins; default: every day' }),
  timeZone: timeZone.optional().meta({ description: 'Default: upgrade.timeZone' }),
})

/** The section as it is written, which may have faults of its own. */
interface Written {
  readonly channels?: unknown
  readonly routes?: unknown
}

/** That routes name channels that there are. */
function checkRoutes({ channels, routes }: Written, { addIssue }: Pick<z.core.$RefinementCtx, 'addIssue'>): void {
  const known = Object.keys(typeof channels === 'object' && channels !== null ? channels : {})
  const list: readonly unknown[] = Array.isArray(routes) ? routes : []
  for (const [index, route] of list.entries()) {
    const names = (route as { readonly channels?: unknown } | null)?.channels
    if (!Array.isArray(names)) continue
    for (const [place, one] of (names as readonly unknown[]).entries())
      if (typeof one === 'string' && !known.includes(one))
        addIssue({
          code: 'custom',
          message: describeUnlisted([one], known, ['channel', 'channels']),
          path: ['routes', index, 'channels', place],
        })
  }
}

/** The section `notifications` of the configuration. */
export const section = z
  .strictObject({
    channels: z
      .record(name, channelConfig)
      .default({})
      .meta({
        description: 'Ways to people, by a name of yours',
        examples: [{ phone: { type: 'ntfy', topic: { file: 'ntfy-topic' } } }],
      }),
    ca: ca.optional().meta({
      description:
        'A file with a CA of your own, in addition to the public ones: for servers of channels in your homelab',
    }),
    routes: z
      .array(route)
      .optional()
      .meta({ description: 'What goes where; default: warnings, critical alerts and digests go to every channel' }),
    quiet: quiet.optional().meta({ description: 'Quiet hours: only critical alerts and the power are sent at once' }),
    remindEvery: duration
      .prefault('1d')
      .meta({ description: 'How often an open warning or critical alert is sent again; 0s: never' }),
    expireAfter: duration
      .prefault('1d')
      .meta({ description: 'Messages that could not be sent for so long become one summary' }),
  })
  // Beside whatever else is wrong: one who mends it should not find more each time.
  .superRefine(checkRoutes, { when: () => true })
  .meta({ description: 'Who is told what, and how; without it nobody is' })
export type NotificationsSection = z.output<typeof section>
