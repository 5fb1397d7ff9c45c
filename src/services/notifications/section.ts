import { z } from 'zod'
import { duration, name, time, timeZone } from '../../config/scalars.ts'
import { days } from '../../core/upgrade/window.ts'
import { ca } from './channels/shapes.ts'
import { channelConfig } from './channels/kinds.ts'

const severity = z.enum(['info', 'warning', 'critical'])
const day = z.enum(days)

const route = z.strictObject({
  channels: z.array(name).min(1).meta({ description: 'Names of channels' }),
  severity: severity
    .default('warning')
    .meta({ description: 'Alerts as severe as this and more; digests and events that topics name go anyway' }),
  topics: z.array(z.string().min(1)).optional().meta({
    description:
      'Ids of alerts, types of events, digest.rollout, digest.outage, or their first words: power, rollout, ups.silent. Default: all alerts and digests',
  }),
  subjects: z.array(z.string().min(1)).optional().meta({ description: 'Only what is about these: w-1, rack' }),
})

const quiet = z.strictObject({
  from: time,
  to: time,
  days: z.array(day).optional().meta({ description: 'The days on which it begins; default: every day' }),
  timeZone: timeZone.optional().meta({ description: 'Default: upgrade.timeZone' }),
})

/** The section `notifications` of the configuration. */
export const section = z
  .strictObject({
    channels: z.record(name, channelConfig).default({}).meta({ description: 'Ways to people, by a name of yours' }),
    ca: ca.optional().meta({
      description: 'A file with a CA of your own, beside the public ones: for servers of channels in your homelab',
    }),
    routes: z
      .array(route)
      .optional()
      .meta({ description: 'What goes where; default: warnings, critical alerts and digests go to every channel' }),
    quiet: quiet.optional().meta({ description: 'Quiet hours: only critical alerts and the power are told at once' }),
    remindEvery: duration
      .default(86_400_000)
      .meta({ description: 'How often an open warning or critical alert is told again; 0s: never' }),
    expireAfter: duration
      .default(86_400_000)
      .meta({ description: 'Messages that could not be sent for so long become one summary' }),
  })
  .superRefine(({ channels, routes = [] }, context) => {
    for (const [index, { channels: names }] of routes.entries())
      for (const [place, one] of names.entries())
        if (!Object.hasOwn(channels, one))
          context.addIssue({
            code: 'custom',
            message: `there is no channel ${one}`,
            path: ['routes', index, 'channels', place],
          })
  })
export type NotificationsSection = z.output<typeof section>
