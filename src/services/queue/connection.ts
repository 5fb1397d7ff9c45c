import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import { withoutSecrets } from '../../core/hidden.ts'

/** How to reach the queue's store: a Redis or Valkey. */
export type StoreAddress = { readonly path: string } | { readonly url: string; readonly password: string | undefined }

/** What both ioredis and BullMQ take for connecting. */
interface Target {
  path?: string
  host?: string
  port?: number
  username?: string
  password?: string
  db?: number
  tls?: object
}

/**
 * Retries soon, until the signal aborts: after an outage the first job starts half a second after the store is back. Without the
 * signal a client that is closed while its store is away goes on retrying for ever.
 */
const untilEnd = (end: AbortSignal) => (times: number) => (end.aborted ? null : Math.min(100 * times, 1_000))

/** For the worker, which waits as long as it takes. */
export function patient(address: StoreAddress, end: AbortSignal) {
  return { ...target(address), retryStrategy: untilEnd(end), maxRetriesPerRequest: null }
}

/** For adding jobs: a store that is down is an error at once, not a call that hangs. */
export function impatient(address: StoreAddress, end: AbortSignal) {
  return { ...target(address), retryStrategy: untilEnd(end), maxRetriesPerRequest: 1, enableOfflineQueue: false }
}

/** For a single question: no answer means that the store is down. */
export function once(address: StoreAddress) {
  return {
    ...target(address),
    retryStrategy: () => null,
    lazyConnect: true,
    connectTimeout: 1_000,
    // ioredis waits so long for a socket to close that may be closed already.
    disconnectTimeout: 50,
    commandTimeout: 2_000,
    enableOfflineQueue: false,
  }
}

/**
 * Waits at most `ms` for the store. BullMQ itself waits without end for a store that it has never reached,
 * and for one that has a connection and says nothing: a frozen host, a cable pulled.
 */
export async function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
  const limit = new AbortController()
  const tooLate = sleep(ms, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`no answer within ${ms / 1_000} s`)
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    tooLate.catch(() => {})
    limit.abort()
  }
}

/** Closes the connection cleanly, or drops it if the store does not answer. */
export async function closeWithin(
  ms: number,
  closable: { close(): Promise<void>; getBackend(): { disconnect(): Promise<void> } },
): Promise<void> {
  await answerWithin(ms, closable.close())
    .catch(() => answerWithin(500, closable.getBackend().disconnect()))
    .catch(() => {})
}

/** Why the store does not answer, without the password: some servers repeat what they are sent. */
export function reasonOf(error: unknown, address: StoreAddress): string {
  return withoutSecrets(messageOf(error), 'url' in address ? [address.password] : [])
}

function target(address: StoreAddress): Target {
  if ('path' in address) return { path: address.path }
  const { protocol, hostname, port, username, pathname } = new URL(address.url)
  return {
    host: hostname.replaceAll(/^\[|\]$/g, ''),
    port: port === '' ? 6_379 : Number(port),
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(pathname.length > 1 ? { db: Number(pathname.slice(1)) } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  }
}
