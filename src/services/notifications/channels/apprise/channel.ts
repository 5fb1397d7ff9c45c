import { AgentError } from '../../../../core/errors.ts'
import type { Files } from '../../../../operations/service.ts'
import type { OpenChannel, OutgoingMessage } from '../../channel.ts'
import { ask, type Outgoing } from '../../outgoing.ts'
import { plainText, secretsIn } from '../../plain-text.ts'
import { below } from '../shapes.ts'
import { type AppriseConfig, keyPattern } from './config.ts'
import { appriseRefusal } from './refusal.ts'

/** POST /notify/KEY, or /notify with the services' URLs (apprise-api). It can't replace what it has passed on. */
export const open: OpenChannel<AppriseConfig> = async (config, { name, files, trust }) => {
  const { server, tag } = config
  const { path, body, headers, secrets } = await readTarget(config, `notifications.channels.${name}`, files)
  const url = below(server, path)
  return {
    send: async (message, signal) => {
      const outgoing: Outgoing = {
        doing: `${name} (Apprise at ${url.host})`,
        url,
        trust,
        // As text the answer is what the services logged.
        headers: { accept: 'text/plain', 'x-apprise-log-level': 'INFO', ...headers },
        body: { ...bodyOf(message), ...body, ...(tag === undefined ? {} : { tag }) },
        secrets: [...secrets, ...secretsIn(message)],
      }
      const answer = await ask(outgoing, signal)
      if (answer.status !== 200 || /^\s*</.test(answer.text)) throw appriseRefusal(outgoing, answer, config)
      return {}
    },
  }
}

const types = { critical: 'failure', warning: 'warning', info: 'info' } as const

function bodyOf(message: OutgoingMessage) {
  const { title, kind, severity } = message
  return { title, body: plainText(message), type: kind === 'settled' ? 'success' : types[severity], format: 'text' }
}

/** @throws AgentError `misconfigured` */
async function readTarget(config: AppriseConfig, setting: string, files: Files) {
  const { key, urls, user, password } = config
  const secrets: string[] = []
  const headers: Record<string, string> = {}
  if (user !== undefined && password !== undefined) {
    const secret = await files.readSecret(password, `${setting}.password`)
    const basic = Buffer.from(`${user}:${secret}`).toString('base64')
    headers['authorization'] = `Basic ${basic}`
    secrets.push(secret, basic)
  }
  if (urls !== undefined) {
    const text = (await files.readSecret(urls, `${setting}.urls`)).trim()
    return { path: 'notify', body: { urls: text }, headers, secrets: [...secrets, text, ...text.split(/[\s,]+/)] }
  }
  const text = typeof key === 'string' ? key : await files.readSecret(key!, `${setting}.key`)
  if (!keyPattern.test(text))
    throw new AgentError('misconfigured', `${setting}.key: use letters, digits, - and _, 128 at most`)
  return { path: `notify/${text}`, body: {}, headers, secrets: [...secrets, text] }
}
