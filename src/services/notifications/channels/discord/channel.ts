import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, objectOf } from '../../answer.ts'
import type { OpenChannel, OutgoingMessage, Sent } from '../../channel.ts'
import { ask, type Incoming, type Outgoing, saysYes } from '../../outgoing.ts'
import { secretsIn } from '../../plain-text.ts'
import { readUrl, within } from '../../url.ts'
import type { DiscordConfig } from './config.ts'
import { payloadOf } from './payload.ts'
import { discordRefusal, isMessageGone } from './refusal.ts'

/** A webhook (discord-api-docs, resources/webhook): a message is replaced by editing it. */
export const open: OpenChannel<DiscordConfig> = async ({ url: source, username }, { name, files, trust }) => {
  const setting = `notifications.channels.${name}.url`
  const webhook = await readUrl(source, setting, files)
  const token = /\/webhooks\/\d+\/([^/]+)\/?$/.exec(webhook.pathname)?.[1]
  if (token === undefined)
    throw new AgentError('misconfigured', `${setting}: it holds no webhook of Discord: …/api/webhooks/ID/TOKEN`)
  webhook.searchParams.delete('wait')
  const doing = `${name} (Discord at ${webhook.host})`
  const requestOf = (message: OutgoingMessage, more: Pick<Outgoing, 'url' | 'method' | 'body'>) => ({
    doing,
    trust,
    secrets: [token, ...secretsIn(message)],
    ...more,
  })

  const send = async (message: OutgoingMessage, signal: AbortSignal) => {
    const url = new URL(webhook)
    // Without it nothing is said of what was not kept, and there is no id.
    url.searchParams.set('wait', 'true')
    const body = { ...payloadOf(message), ...(username === undefined ? {} : { username }) }
    const outgoing = requestOf(message, { url, body })
    return sentAs(outgoing, await ask(outgoing, signal))
  }
  return {
    send,
    update: async (ref, message, signal) => {
      const url = within(webhook, `messages/${encodeURIComponent(ref)}`)
      const outgoing = requestOf(message, { url, method: 'PATCH', body: payloadOf(message) })
      const answer = await ask(outgoing, signal)
      return isMessageGone(answer) ? send(message, signal) : sentAs(outgoing, answer)
    },
  }
}

function sentAs(outgoing: Outgoing, answer: Incoming): Sent {
  if (!saysYes(answer)) throw discordRefusal(outgoing, answer)
  const id = objectOf(answer.text)?.['id']
  if (typeof id !== 'string') throw anotherAnswers(outgoing, answer, 'Discord')
  return { ref: id }
}
