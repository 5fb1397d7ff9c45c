import { AgentError } from '../../core/errors.ts'
import { lifeOf } from './entry.ts'
import type { Access } from './kubeconfig.ts'

/** The current credentials, with the connections that use them. */
export interface Session<Connections> {
  readonly access: Access
  readonly connections: Connections
  /** Keeps the connections open until what is returned is called. */
  use(): () => void
}

export interface Sessions<Connections> extends Disposable {
  /** The current one; fetched where there is none yet, or where the credentials have changed. */
  current(signal: AbortSignal): Promise<Session<Connections>>
  /** A newer one than the one that was refused; undefined where there is none. */
  renewed(refused: Session<Connections>, signal: AbortSignal): Promise<Session<Connections> | undefined>
}

/** The source of the credentials. Both calls return the same object for as long as nothing has changed. */
export interface AccessSource {
  current(signal: AbortSignal): Promise<Access>
  /** A newer one than the one that was refused; undefined where there is none. */
  renewed(refused: Access, signal: AbortSignal): Promise<Access | undefined>
}

/** A client certificate is renewed this long before it expires, in ms. */
const beforeItEnds = 3_600_000
/** The shortest time between two renewals that no refusal asks for, in ms. */
const renewEvery = 60_000

interface Held<Connections> extends Session<Connections> {
  /** Closes the connections when they are no longer in use. */
  retire(): void
}

/** Keeps the connections of the current credentials, and those of the previous ones until they are no longer in use. */
export function createSessions<Connections extends { destroy(): void }>(
  given: Access | AccessSource | (() => Promise<Access>),
  open: (access: Access) => Connections,
): Sessions<Connections> {
  const source = sourceOf(given)
  let held: Held<Connections> | undefined

  function holding(access: Access): Held<Connections> {
    if (held?.access === access) return held
    held?.retire()
    held = hold(access, open)
    return held
  }

  return {
    current: async (signal) => holding(await heeding(source.current(signal), signal)),
    async renewed(refused, signal) {
      if (held !== undefined && held !== refused) return held
      const access = await heeding(source.renewed(refused.access, signal), signal)
      return access === undefined ? undefined : holding(access)
    },
    [Symbol.dispose]() {
      held?.connections.destroy()
    },
  }
}

function sourceOf(given: Access | AccessSource | (() => Promise<Access>)): AccessSource {
  if (typeof given === 'function') return fetchedAccess(given)
  if ('current' in given) return given
  return { current: async () => given, renewed: async () => undefined }
}

/**
 * Credentials that are fetched: again before the client certificate expires, and when they are refused. Concurrent
 * callers share one fetch.
 */
export function fetchedAccess(fetch: () => Promise<Access>): AccessSource {
  let held: { readonly access: Access; readonly renewAt: number } | undefined
  let fetching: Promise<Access> | undefined
  let triedAt = 0

  function fetchOnce(): Promise<Access> {
    fetching ??= (async () => {
      triedAt = Date.now()
      try {
        const access = await fetch()
        const { from, to } = lifeOf(access) ?? { from: 0, to: Number.POSITIVE_INFINITY }
        // A certificate that is valid for a few hours only would otherwise be renewed all the time.
        held = { access, renewAt: Math.max(to - beforeItEnds, from + (to - from) * (2 / 3)) }
        return access
      } finally {
        fetching = undefined
      }
    })()
    return fetching
  }

  return {
    async current(signal) {
      const now = Date.now()
      if (held === undefined) return await heeding(fetchOnce(), signal)
      if (now < held.renewAt || Math.abs(now - triedAt) < renewEvery) return held.access
      // Where none can be had the old one may do: whether it has expired is for the server to say, whose clock counts.
      const { access } = held
      return await heeding(fetchOnce(), signal).catch(() => access)
    },
    async renewed(refused, signal) {
      return held !== undefined && held.access !== refused ? held.access : await heeding(fetchOnce(), signal)
    },
  }
}

function hold<Connections extends { destroy(): void }>(
  access: Access,
  open: (access: Access) => Connections,
): Held<Connections> {
  const connections = open(access)
  let users = 0
  let retired = false
  const close = () => {
    if (retired && users === 0) connections.destroy()
  }
  return {
    access,
    connections,
    use() {
      users += 1
      return () => {
        users -= 1
        close()
      }
    },
    retire() {
      retired = true
      close()
    },
  }
}

/** Stops waiting when the signal aborts; the fetch continues for the other callers. */
async function heeding<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const off = () => new AgentError('unreachable', 'timed out waiting for Kubernetes API credentials', signal.reason)
  // Not an unhandled rejection where all callers have left.
  promise.catch(() => {})
  if (signal.aborted) throw off()
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(off())
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
