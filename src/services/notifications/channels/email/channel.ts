import { isIP } from 'node:net'
import { AgentError } from '../../../../core/errors.ts'
import type { ChannelMeans, OpenChannel } from '../../channel.ts'
import { secretsIn } from '../../plain-text.ts'
import type { EmailConfig } from './config.ts'
import { writeMail } from './mail.ts'
import { type Conversation, smtpRefusal, words } from './refusal.ts'
import { type RefusedRecipient, sendMail, type SmtpServer } from './smtp.ts'

/** How many messages are remembered that some recipients have and others not. */
const remembered = 64
const ports = { starttls: 587, implicit: 465, none: 25 } as const

/** Mail by SMTP. What was sent stays; a thread holds it together. */
export const open: OpenChannel<EmailConfig> = async (config, { name, files, log, now, trust }) => {
  const { from, to } = config
  const server = await readServer(config, `notifications.channels.${name}`, { files, trust })
  const doing = `${name} (mail by ${server.host})`
  const own = secretsOf(server)
  /** Messages that some recipients have and others not: when they are tried again, they go to the others alone. */
  const begun = new Map<string, Progress>()

  return {
    send: async (message, signal) => {
      const conversation: Conversation = { doing, secrets: [...own, ...secretsIn(message)] }
      const before = begun.get(message.id) ?? { have: [], never: [] }
      const open = to.filter((one) => ![...before.have, ...before.never].includes(one))
      const content = await writeMail(message, { from, to }, now())
      const { accepted, refused } = await sendMail(server, { from, to: open, content }, signal).catch(
        (error: unknown) => {
          throw smtpRefusal(conversation, error)
        },
      )
      const later = refused.filter(({ code }) => code < 500)
      const never = refused.filter(({ code }) => code >= 500)
      const have = [...before.have, ...accepted]
      begun.delete(message.id)
      if (never.length > 0 && have.length + later.length > 0)
        log.warn({}, `${doing}: not to all: ${listOf(never, conversation)}`)
      if (later.length > 0) {
        begun.set(message.id, { have, never: [...before.never, ...never.map(({ recipient }) => recipient)] })
        for (const id of begun.keys()) if (begun.size > remembered) begun.delete(id)
        throw new AgentError('not-now', `${doing}: ${listOf(later, conversation)}`)
      }
      if (have.length === 0) throw new AgentError('rejected', `${doing}: ${listOf(never, conversation)}`)
      return {}
    },
  }
}

/** Recipients who have a message, and who never will. */
interface Progress {
  readonly have: readonly string[]
  readonly never: readonly string[]
}

function listOf(refused: readonly RefusedRecipient[], { secrets }: Conversation): string {
  return refused.map(({ recipient, said }) => `${recipient}: ${words(said, secrets)}`).join('; ')
}

/** @throws AgentError `misconfigured` */
async function readServer(
  config: EmailConfig,
  setting: string,
  { files, trust }: Pick<ChannelMeans, 'files' | 'trust'>,
): Promise<SmtpServer> {
  const { host, user, password } = config
  const tls = config.tls ?? (isLoopback(host) ? 'none' : 'starttls')
  return {
    host,
    port: config.port ?? ports[tls],
    tls,
    trust,
    ...(user === undefined || password === undefined
      ? {}
      : { login: { user, password: await files.readSecret(password, `${setting}.password`) } }),
  }
}

/** In every form in which a login goes over the wire, and a server may repeat it. */
function secretsOf({ login }: SmtpServer): readonly string[] {
  if (!login) return []
  const { user, password } = login
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return [password, base64(password), base64(`\0${user}\0${password}`)]
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
