import { X509Certificate } from 'node:crypto'
import { AgentError } from '../../core/errors.ts'
import type { Access } from './kubeconfig.ts'

/** The way in as it is at present, with the connections that were opened by it. */
export interface Session<Connections> {
  readonly access: Access
  readonly connections: Connections
  /** Keeps the connections open until what is returned is called. */
  use(): () => void
}

export interface Sessions<Connections> extends Disposable {
  /** The present one; fetched where there is none yet, or where its certificate ends. */
  current(signal: AbortSignal): Promise<Session<Connections>>
  /** Another one than that which was refused; undefined where nothing can be fetched. */
  renewed(refused: Session<Connections>, signal: AbortSignal): Promise<Session<Connections> | undefined>
}

/** So long before a client certificate ends, it is renewed, in ms. */
const beforeItEnds = 3_600_000
/** A renewal that failed, or brought no longer life, is not tried again sooner, in ms, while the certificate is good. */
const renewEvery = 60_000

interface Held<Connections> extends Session<Connections> {
  readonly renewAt: number
  readonly endsAt: number
  /** Closes the connections as soon as nobody uses them. */
  retire(): void
}

/**
 * Keeps what it takes to get in, and fetches it anew where it is not ours for good. Many may ask at the same time: it is
 * fetched once for all of them.
 */
export function createSessions<Connections extends { destroy(): void }>(
  given: Access | (() => Promise<Access>),
  open: (access: Access) => Connections,
): Sessions<Connections> {
  let held: Held<Connections> | undefined = typeof given === 'function' ? undefined : hold(given, open)
  let fetching: Promise<Held<Connections>> | undefined
  let triedAt = 0

  function fetch(from: () => Promise<Access>): Promise<Held<Connections>> {
    fetching ??= (async () => {
      triedAt = Date.now()
      try {
        const fresh = hold(await from(), open)
        held?.retire()
        held = fresh
        return fresh
      } finally {
        fetching = undefined
      }
    })()
    return fetching
  }

  return {
    async current(signal) {
      if (typeof given !== 'function') return held!
      const now = Date.now()
      if (held === undefined || now >= held.endsAt) return await heeding(fetch(given), signal)
      if (now < held.renewAt || now - triedAt < renewEvery) return held
      // The old certificate is still good: what keeps a new one away now may pass until it ends.
      const old = held
      return await heeding(fetch(given), signal).catch(() => old)
    },
    async renewed(refused, signal) {
      if (typeof given !== 'function') return undefined
      return held !== undefined && held !== refused ? held : await heeding(fetch(given), signal)
    },
    [Symbol.dispose]() {
      held?.connections.destroy()
    },
  }
}

function hold<Connections extends { destroy(): void }>(
  access: Access,
  open: (access: Access) => Connections,
): Held<Connections> {
  const connections = open(access)
  const { from, to } = lifeOf(access)
  let users = 0
  let retired = false
  const close = () => {
    if (retired && users === 0) connections.destroy()
  }
  return {
    access,
    connections,
    endsAt: to,
    // One that was made for less than some hours would otherwise be renewed all the time.
    renewAt: Math.max(to - beforeItEnds, from + (to - from) * (2 / 3)),
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

/** When the client certificate begins and ends, epoch ms; a token does not say. */
function lifeOf({ cert }: Access): { readonly from: number; readonly to: number } {
  if (cert === undefined) return { from: 0, to: Number.POSITIVE_INFINITY }
  const { validFromDate, validToDate } = new X509Certificate(cert)
  return { from: validFromDate.getTime(), to: validToDate.getTime() }
}

/** What is fetched goes on for the others when one of those who wait is called off. */
async function heeding<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const off = () =>
    new AgentError('unreachable', 'the access to the Kubernetes API has not come in time', signal.reason)
  // Nobody may be left to hear of it.
  promise.catch(() => {})
  if (signal.aborted) throw off()
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(off())
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
