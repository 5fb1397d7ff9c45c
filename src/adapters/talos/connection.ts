import type { Http2Session } from 'node:http2'
import { isIP } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { Code, ConnectError } from '@connectrpc/connect'
import { Http2SessionManager } from '@connectrpc/connect-node'
import { isOfMaintenance } from './maintenance-leaf.ts'
import type { Credentials } from './talosconfig.ts'
import { iterable } from './whole.ts'

/** How long a connection attempt may take before the next one, in ms. */
export interface ConnectLimits {
  /**
   * From the first SYN to the answer. The kernel repeats a SYN after 1, 2, 4, 8, 16 … s, so that a node that comes back
   * would not be noticed for half a minute. Longer than the 3 s after which the kernel says EHOSTUNREACH of a neighbour
   * that is off: that is an answer, and a quick one.
   */
  readonly connect: number
  /** From there to the end of the handshake: a node may vanish in between, and a small board may take its time. */
  readonly handshake: number
}

export const connectLimits: ConnectLimits = { connect: 4_000, handshake: 15_000 }

/**
 * In ms. The idle timer keeps a closed connection in memory until it fires; its default is 15 minutes.
 */
const idleConnectionTimeoutMs = 10_000

/** What connect-node needs from a connection. */
type Requests = Pick<Http2SessionManager, 'authority' | 'request' | 'notifyResponseByteRead'>

export interface Connection {
  readonly requests: Requests
  /** Whether the node has ever spoken HTTP/2: one that refuses our certificate ends the connection before. */
  readonly spoke: boolean
  /** The certificate that it answered with is that of a machine in maintenance. */
  readonly isInMaintenance: boolean
  /** How many connections there were. */
  readonly count: number
  /** From now on requests go out on another one, unless that has happened since there were `count`. */
  replace(count: number): void
  close(): void
}

/** A connection attempt that timed out. */
class NoConnection extends Error {
  override readonly name = 'NoConnection'
  readonly code = 'ETIMEDOUT'
}

/**
 * One connection to a node, opened by the first request. An attempt that times out is repeated until the signal aborts
 * or `close` is called; a refused connection is not.
 */
export function openConnection(
  baseUrl: string,
  credentials: Credentials,
  signal: AbortSignal,
  limits: ConnectLimits,
): Connection {
  let isInMaintenance = false
  const createConnection = (authority: URL) => {
    const socket = dial(authority, credentials, limits)
    // Before the certificate is refused, and the connection is gone. Not as an X509Certificate: Node hands that out once, and then
    // verifies nothing but an empty one.
    socket.prependOnceListener('secure', () => void (isInMaintenance = isOfMaintenance(socket.getPeerCertificate())))
    return socket
  }
  const open = () => new Http2SessionManager(baseUrl, { idleConnectionTimeoutMs }, { createConnection })
  let manager = open()
  const managers = [manager]
  let closed = false
  let spoke = false
  let current: Http2Session | undefined
  const listenTo = (session: Http2Session | undefined) => {
    if (session === current) return
    current = session
    session?.once('remoteSettings', () => (spoke = true))
  }
  const requests: Requests = {
    authority: manager.authority,
    notifyResponseByteRead(stream) {
      for (const one of managers) one.notifyResponseByteRead(stream)
    },
    async request(method, path, headers, options) {
      while (true) {
        signal.throwIfAborted()
        if (closed) throw new ConnectError('connection aborted', Code.Canceled)
        try {
          const stream = await manager.request(method, path, headers, options)
          listenTo(stream.session)
          return iterable(stream)
        } catch (error) {
          const nobody = error instanceof Error && error.cause instanceof NoConnection
          if (!nobody) throw error
        }
      }
    },
  }
  const close = () => {
    closed = true
    signal.removeEventListener('abort', close)
    for (const one of managers) one.abort()
  }
  signal.addEventListener('abort', close, { once: true })
  return {
    requests,
    get spoke() {
      return spoke
    },
    get isInMaintenance() {
      return isInMaintenance
    },
    get count() {
      return managers.length
    },
    replace(count) {
      if (closed || managers.length !== count) return
      manager = open()
      managers.push(manager)
    },
    close,
  }
}

/** Credentials as OpenSSL keeps them: parsed once, and not with every connection. */
const contexts = new WeakMap<Credentials, SecureContext>()

function contextOf(credentials: Credentials): SecureContext {
  const { ca, cert, key } = credentials
  const context = contexts.get(credentials) ?? createSecureContext({ ca, cert, key })
  contexts.set(credentials, context)
  return context
}

function dial({ hostname, port }: URL, credentials: Credentials, limits: ConnectLimits): TLSSocket {
  const host = hostname.replace(/^\[|\]$/g, '')
  const to = { host, port: Number(port || 443), ...(isIP(host) === 0 ? { servername: host } : {}) }
  const socket = connectTls({ ...to, secureContext: contextOf(credentials), ALPNProtocols: ['h2'] })
  const giveUp = () => socket.destroy(new NoConnection(`connect ETIMEDOUT ${host}:${to.port}`))
  let timer = setTimeout(giveUp, limits.connect)
  socket.once('connect', () => {
    clearTimeout(timer)
    timer = setTimeout(giveUp, limits.handshake)
  })
  for (const event of ['secureConnect', 'close']) socket.once(event, () => clearTimeout(timer))
  return socket
}
