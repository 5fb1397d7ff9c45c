import type { OpenChannel } from '../../channel.ts'
import { ask, type Outgoing } from '../../outgoing.ts'
import { secretsIn } from '../../plain-text.ts'
import { readUrl } from '../../url.ts'
import type { SlackConfig } from './config.ts'
import { attachmentsOf, blocksOf } from './payload.ts'
import { isTaken, slackRefusal } from './refusal.ts'

/** An incoming webhook (api.slack.com/messaging/webhooks). It tells no id, so nothing that was sent can be replaced. */
export const open: OpenChannel<SlackConfig> = async (config, { name, files, trust }) => {
  const { channel, username } = config
  const url = await readUrl(config.url, `notifications.channels.${name}.url`, files)
  const isSlack = /(^|\.)slack(-gov)?\.com$/.test(url.hostname)
  const format = config.format ?? (isSlack ? 'blocks' : 'attachments')
  const shared = { ...(channel === undefined ? {} : { channel }), ...(username === undefined ? {} : { username }) }
  // The last part of the path is what makes it secret, and some servers repeat it alone.
  const secrets = url.pathname.split('/').filter((part) => part.length >= 16)
  return {
    send: async (message, signal) => {
      const outgoing: Outgoing = {
        doing: `${name} (Slack webhook at ${url.host})`,
        url,
        trust,
        secrets: [...secrets, ...secretsIn(message)],
        body: { ...(format === 'blocks' ? blocksOf(message) : attachmentsOf(message)), ...shared },
      }
      const answer = await ask(outgoing, signal)
      if (!isTaken(answer)) throw slackRefusal(outgoing, answer)
      return {}
    },
  }
}
