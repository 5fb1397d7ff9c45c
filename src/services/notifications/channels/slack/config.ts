import { z } from 'zod'
import { secret } from '../../../../config/scalars.ts'
import { ca } from '../shapes.ts'

/** An incoming webhook of Slack, or of what takes the same: Mattermost, Rocket.Chat, Discord with /slack. */
export const config = z.strictObject({
  type: z.literal('slack').meta({ description: 'A webhook of Slack, Mattermost or Rocket.Chat' }),
  url: secret.meta({ description: 'The webhook: https://hooks.slack.com/services/…' }),
  ca: ca.optional(),
  format: z.enum(['blocks', 'attachments']).optional().meta({
    description: 'How it is laid out: only Slack knows blocks. Default: blocks at slack.com, else attachments',
  }),
  channel: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Another channel than the webhook’s, where that is allowed', examples: ['#homelab'] }),
  username: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Who it says it is, where that is allowed', examples: ['Caretaker'] }),
})
export type SlackConfig = z.output<typeof config>
