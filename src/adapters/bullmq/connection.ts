import type { StoreAddress } from './store.ts'

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

/** Tried again soon and for ever: after an outage the first job starts half a second after the store is back. */
const retryStrategy = (times: number): number => Math.min(100 * times, 1_000)

/** For the worker, which waits as long as it takes. */
export function patient(address: StoreAddress) {
  return { ...target(address), retryStrategy, maxRetriesPerRequest: null }
}

/** For those who add jobs: a store that is away is an error now, and not a call that hangs. */
export function impatient(address: StoreAddress) {
  return { ...target(address), retryStrategy, maxRetriesPerRequest: 1, enableOfflineQueue: false }
}

/** For a question asked once: whoever does not answer is away. */
export function once(address: StoreAddress) {
  return {
    ...target(address),
    retryStrategy: () => null,
    lazyConnect: true,
    connectTimeout: 1_000,
    enableOfflineQueue: false,
  }
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
