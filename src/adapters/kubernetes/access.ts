import { AgentError } from '../../core/errors.ts'
import { lifeOf } from './entry.ts'
import type { Access } from './kubeconfig.ts'

/** The way in as it is at present, with the connections that were opened by it. */
export interface Session<Connections> {
  readonly access: Access
  readonly connections: Connections
  /** Keeps the connections open until what is returned is called. */
  use(): () => void
}

export interface Sessions<Connections> extends Disposable {
  /** The present one; asked for where there is none yet, or where the access has changed. */
  current(signal: AbortSignal): Promise<Session<Connections>>
  /** Another one than that which was refused; undefined where there is no other. */
  renewed(refused: Session<Connections>, signal: AbortSignal): Promise<Session<Connections> | undefined>
}

/** Where the access comes from. Both calls answer with the same object for as long as nothing has changed. */
export interface AccessSource {
  current(signal: AbortSignal): Promise<Access>
  /** Another one than that which was refused; undefined where there is no other. */
  renewed(refused: Access, signal: AbortSignal): Promise<Access | undefined>
}

/** So long before a client certificate ends, it is renewed, in ms. */
const beforeItEnds = 3_600_000
/** A renewal that failed, or brought no longer life, is not tried again sooner, in ms, while the certificate is good. */
const renewEvery = 60_000

interface Held<Connections> extends Session<Connections> {
  /** Closes the connections as soon as nobody uses them. */
  retire(): void
}

/** Keeps the connections of the present access, and those of the one before until nobody uses them. */
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
 * An access that is fetched: anew before its client certificate ends, and where it is refused. Many may ask at the same
 * time: it is fetched once for all of them.
 */
export function fetchedAccess(fetch: () => Promise<Access>): AccessSource {
  let held: { readonly access: Access; readonly renewAt: number; readonly endsAt: number } | undefined
  let fetching: Promise<Access> | undefined
  let triedAt = 0

  function fetchOnce(): Promise<Access> {
    fetching ??= (async () => {
      triedAt = Date.now()
      try {
        const access = await fetch()
        const { from, to } = lifeOf(access) ?? { from: 0, to: Number.POSITIVE_INFINITY }
        // One that was made for less than some hours would otherwise be renewed all the time.
        held = { access, endsAt: to, renewAt: Math.max(to - beforeItEnds, from + (to - from) * (2 / 3)) }
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
      if (held === undefined || now >= held.endsAt) return await heeding(fetchOnce(), signal)
      if (now < held.renewAt || now - triedAt < renewEvery) return held.access
      // The old certificate is still good: what keeps a new one away now may pass until it ends.
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

/** What is fetched goes on for the others when one of those who wait is called off. */
async function heeding<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const off = () => new AgentError('unreachable', 'no credentials for the Kubernetes API in time', signal.reason)
  // Nobody may be left to hear of it.
  promise.catch(() => {})
  if (signal.aborted) throw off()
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(off())
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
