import { connect, type LookupFunction, type Socket } from 'node:net'
import { AgentError, messageOf } from '../../core/errors.ts'

export interface NutAddress {
  readonly host: string
  /** 3493 is NUT's (IANA's registry, RFC 9271). */
  readonly port: number
}

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: is upsd running, and does it LISTEN on this address?',
  ENOTFOUND: 'no such name: check `host`, or the DNS server',
  EAI_AGAIN: 'the DNS server does not answer: set `host` to an IP address',
  EHOSTUNREACH: 'no route to host: is it on, and is its network up?',
  ENETUNREACH: 'network unreachable: is the network here up?',
}

/**
 * A TCP connection, within `timeout` ms.
 *
 * @throws AgentError `unreachable`
 */
export function openSocket(
  { host, port }: NutAddress,
  { timeout, lookup, signal }: { timeout: number; lookup?: LookupFunction | undefined; signal: AbortSignal },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const at = `upsd at ${host}:${port}`
    if (signal.aborted) return reject(new AgentError('unreachable', `${at}: cancelled before connecting`))
    const socket = connect({ host, port, noDelay: true, ...(lookup ? { lookup } : {}) })
    const stop = (why: string) => {
      cleanUp()
      socket.destroy()
      reject(new AgentError('unreachable', `${at}: ${why}`))
    }
    const onAbort = () => stop('no connection in time')
    const onError = (error: NodeJS.ErrnoException) => stop(hints[error.code ?? ''] ?? messageOf(error))
    const timer = setTimeout(() => stop(`no connection within ${timeout} ms: is the host switched on?`), timeout)
    const cleanUp = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError)
    }
    signal.addEventListener('abort', onAbort)
    // Later errors are ignored.
    socket.on('error', () => {})
    socket.once('error', onError)
    socket.once('connect', () => {
      cleanUp()
      resolve(socket)
    })
  })
}
