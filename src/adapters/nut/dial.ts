import type { LookupFunction } from 'node:net'
import { connectNut, type NutConnection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { createResolver } from './resolver.ts'
import { NoTls, readTrust, type Trust } from './secure.ts'
import type { NutAddress } from './socket.ts'

export interface DialOptions extends NutAddress {
  readonly tls: 'off' | 'preferred' | 'required'
  /** PEM. */
  readonly ca?: string | undefined
  /** In ms, for each step. */
  readonly timeout: number
  readonly onInsecure?: ((why: string) => void) | undefined
  readonly onSecure?: (() => void) | undefined
  readonly resolve?: LookupFunction | undefined
  readonly dialect?: Dialect | undefined
  /** The password that will be sent: it is in no error. */
  readonly password?: string | undefined
  /** Of a clock that never jumps, in ms. */
  readonly now?: () => number
}

/** How long a server without TLS is not asked for it again, in ms: each try costs a connection. */
const plainFor = 3_600_000

/**
 * Connects to upsd: by the current or the last known address of its name, with or without TLS as configured.
 *
 * @throws AgentError `misconfigured` for a CA that can't be read
 */
export function createDial(options: DialOptions): (signal: AbortSignal) => Promise<NutConnection> {
  const { host, port, tls, ca, timeout, onSecure, onInsecure, resolve, dialect, password } = options
  const { now = () => performance.now() } = options
  const trust: Trust = ca !== undefined ? readTrust(ca) : tls === 'required' ? { by: 'system' } : { by: 'nobody' }
  // A hanging handshake leaves time for plain text within one reading.
  const tlsTimeout = tls === 'preferred' ? timeout / 2 : timeout
  const resolver = createResolver(timeout / 4, resolve)
  let plainUntil = Number.NEGATIVE_INFINITY
  let isTold = false

  async function connect(isSecure: boolean, signal: AbortSignal): Promise<NutConnection> {
    const nut = await connectNut(
      { host, port },
      {
        timeout,
        lookup: resolver.lookup,
        signal,
        dialect,
        password,
        ...(isSecure ? { tls: { trust, timeout: tlsTimeout } } : {}),
      },
    )
    resolver.remember(nut.address)
    return nut
  }

  return async (signal) => {
    if (tls === 'off' || (tls === 'preferred' && now() < plainUntil)) return connect(false, signal)
    try {
      const nut = await connect(true, signal)
      onSecure?.()
      isTold = false
      return nut
    } catch (error) {
      if (tls === 'required' || !(error instanceof NoTls)) throw error
      // The handshake may have started on the old connection: plain text needs a new one.
      const nut = await connect(false, signal)
      plainUntil = now() + plainFor
      if (!isTold) onInsecure?.(`${error.message}; continuing in plain text`)
      isTold = true
      return nut
    }
  }
}
