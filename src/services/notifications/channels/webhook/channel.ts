import { AgentError } from '../../../../core/errors.ts'
import type { Files } from '../../../../operations/service.ts'
import { anotherAnswers } from '../../answer.ts'
import type { OpenChannel, OutgoingMessage } from '../../channel.ts'
import { ask, type Incoming, type Outgoing, refusalOf, saysYes } from '../../outgoing.ts'
import { plainText, secretsIn, waysOf } from '../../plain-text.ts'
import { readUrl } from '../../url.ts'
import type { WebhookConfig } from './config.ts'
import { parseKey, sign } from './signature.ts'
import { contentTypeOf, formatFor, render, type Template, type Values } from './template.ts'

/** A request to anybody, signed as https://www.standardwebhooks.com says where there is a secret. */
export const open: OpenChannel<WebhookConfig> = async (config, { name, files, now, trust }) => {
  const setting = `notifications.channels.${name}`
  const url = await readUrl(config.url, `${setting}.url`, files)
  const { headers, secrets } = await readHeaders(config.headers, `${setting}.headers`, files)
  const key =
    config.secret === undefined
      ? undefined
      : parseKey(await files.readSecret(config.secret, `${setting}.secret`), `${setting}.secret`)
  const { template, method } = config
  const contentType = headers['content-type'] ?? (template === undefined ? 'application/json' : contentTypeOf(template))
  const hidden = [...secrets, ...(typeof config.url === 'string' ? [] : url.pathname.split('/'))]
  return {
    send: async (message, signal) => {
      const body = bodyOf(message, template, contentType)
      const outgoing: Outgoing = {
        doing: `${name} (webhook at ${url.host})`,
        url,
        trust,
        method,
        headers: {
          ...headers,
          'content-type': contentType,
          'webhook-id': message.id,
          ...(key === undefined ? {} : sign(key, { id: message.id, at: now(), body })),
        },
        body,
        secrets: [...hidden, ...secretsIn(message)],
      }
      const answer = await ask(outgoing, signal)
      if (!saysYes(answer)) throw webhookRefusal(outgoing, answer)
      return {}
    },
  }
}

/**
 * 410 turns the channel off (Standard Webhooks, Retries); 404 does not: a proxy says it while what is behind it starts, and
 * so does n8n while a workflow is paused.
 */
function webhookRefusal(outgoing: Outgoing, answer: Incoming): AgentError {
  return answer.status === 404 ? anotherAnswers(outgoing, answer, 'what is to take it') : refusalOf(outgoing, answer)
}

function bodyOf(message: OutgoingMessage, template: Template | undefined, contentType: string): string {
  if (template !== undefined) return render(template, valuesOf(message), formatFor(contentType))
  const { kind, at, buttons, ...rest } = message
  const pages = waysOf({ buttons })
  return JSON.stringify({ type: `notification.${kind}`, timestamp: at, data: { ...rest, kind, at, buttons: pages } })
}

function valuesOf(message: OutgoingMessage): Values {
  const { id, thread, kind, severity, topic, subject, at, title, text, details = [], homelab, link = '' } = message
  const body = plainText(message)
  return {
    id,
    thread,
    kind,
    severity,
    topic,
    subject,
    at,
    title,
    text,
    details: details.join('\n'),
    body,
    homelab,
    link,
  }
}

/** By their names in small letters. @throws AgentError `misconfigured` */
async function readHeaders(configured: WebhookConfig['headers'], setting: string, files: Files) {
  const headers: Record<string, string> = {}
  const secrets: string[] = []
  for (const [name, source] of Object.entries(configured)) {
    const value = typeof source === 'string' ? source : await files.readSecret(source, `${setting}.${name}`)
    if (!/^[\t\x20-\x7e]*$/.test(value))
      throw new AgentError('misconfigured', `${setting}.${name}: it holds characters that no header can`)
    headers[name.toLowerCase()] = value
    // `Bearer abc`: the scheme is no secret, what follows is.
    if (typeof source !== 'string') secrets.push(value, ...value.split(' ').slice(1))
  }
  return { headers, secrets }
}
