import type { LookupFunction } from 'node:net'
import { AgentError, messageOf } from '../../core/errors.ts'
import { createConversation, type Conversation } from './conversation.ts'
import type { Dialect } from './dialect.ts'
import { secure, type Trust } from './secure.ts'
import { type NutAddress, openSocket } from './socket.ts'

export interface NutConnection extends Pick<Conversation, 'ask' | 'askLine' | 'list' | 'listLines'>, Disposable {
  readonly closed: boolean
  /** Ends it; pending commands fail with the reason. */
  close(why: AgentError): void
  readonly isSecure: boolean
  /** The IP address at the other end. */
  readonly address: string | undefined
}

export interface ConnectOptions {
  /** How long the connection, each answer, and what belongs to TLS may take, in ms. */
  readonly timeout: number
  /** TLS before anything else is said; plain text without it. */
  readonly tls?: { readonly trust: Trust; readonly timeout: number } | undefined
  readonly lookup?: LookupFunction | undefined
  readonly signal: AbortSignal
  /** What is known of the server; it learns with each connection. */
  readonly dialect?: Dialect | undefined
  /** The password that will be sent: it is in no error. */
  readonly password?: string | undefined
}

/**
 * One connection to upsd, closed on the first error.
 *
 * @throws AgentError
 */
export async function connectNut(
  address: NutAddress,
  { timeout, tls, lookup, signal, dialect, password }: ConnectOptions,
): Promise<NutConnection> {
  const at = `${address.host}:${address.port}`
  const plain = await openSocket(address, { timeout, lookup, signal })
  const socket = tls ? await secure(plain, { ...address, ...tls, signal }) : plain
  const { remoteAddress } = plain

  const conversation = createConversation({
    at,
    timeout,
    write: (text) => socket.write(text),
    onEnd: () => socket.destroy(),
    dialect,
    password,
  })
  const onClose = () => conversation.lose(new AgentError('unreachable', `upsd at ${at} closed the connection`))
  socket.on('data', conversation.receive)
  socket.on('error', (error) =>
    conversation.lose(
      new AgentError('unreachable', `upsd at ${at}: the connection was lost (${messageOf(error)})`, error),
    ),
  )
  socket.on('close', onClose)
  if (socket.destroyed) onClose()

  return {
    get closed() {
      return conversation.ended !== undefined
    },
    isSecure: tls !== undefined,
    address: remoteAddress,
    ask: conversation.ask,
    askLine: conversation.askLine,
    list: conversation.list,
    listLines: conversation.listLines,
    close: conversation.end,
    [Symbol.dispose]: () =>
      conversation.end(new AgentError('unreachable', `we closed the connection to upsd at ${at}`)),
  }
}
