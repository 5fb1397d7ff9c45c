import { connect } from 'node:net'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Files } from '../../operations/service.ts'
import { type ChannelConfig, loadKind } from './channels/kinds.ts'
import { ask } from './outgoing.ts'
import { readTrust } from './trust.ts'
import { readUrl } from './url.ts'

/** Usual ports of mail, by how it is encrypted. */
const mailPorts = { starttls: 587, implicit: 465, none: 25 } as const

export interface ReachMeans {
  readonly files: Files
  readonly log: Logger
  /** `notifications.ca`. */
  readonly ca?: string | undefined
}

/**
 * Opens a channel as it is opened to send, with its secrets, and reaches its server. Nothing is sent to anybody, so
 * whether a token is good shows only with a message.
 *
 * @returns the server, for people
 * @throws AgentError with what would keep a message from arriving
 */
export async function reachChannel(
  name: string,
  config: ChannelConfig,
  { files, log, ca }: ReachMeans,
  signal: AbortSignal,
): Promise<string> {
  const setting = `notifications.channels.${name}`
  const trust = await readTrust({ own: 'ca' in config ? config.ca : undefined, shared: ca }, setting, files)
  const open = await loadKind(config)
  await open(config, {
    name,
    files,
    log,
    trust,
    buttonsFail: () => {},
    worst: () => undefined,
    now: () => new Date(),
    pause: async () => {},
  })
  if (config.type === 'email') return reachMail(config, signal)
  const url = await readUrl('url' in config ? config.url : config.server, setting, files)
  // Any answer will do: that there is one by this name, over TLS where it is wanted.
  await ask({ doing: url.host, url: new URL(url.origin), method: 'GET', trust, secrets: [url.pathname] }, signal)
  return url.host
}

/** A mail server speaks first: 220 (RFC 5321, 4.2). With implicit TLS it waits for our handshake. */
async function reachMail(
  { host, port, tls = 'starttls' }: Extract<ChannelConfig, { type: 'email' }>,
  signal: AbortSignal,
): Promise<string> {
  const at = `${host}:${port ?? mailPorts[tls]}`
  const socket = connect({ host, port: port ?? mailPorts[tls] })
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
      socket.once('error', reject)
      if (tls === 'implicit') socket.once('connect', () => resolve())
      else
        socket.once('data', (data) =>
          data.toString('latin1').startsWith('220') ? resolve() : reject(new Error('it is no mail server')),
        )
    })
    return at
  } catch (error) {
    throw new AgentError('unreachable', `${at}: ${messageOf(error)}`, error)
  } finally {
    socket.destroy()
  }
}
