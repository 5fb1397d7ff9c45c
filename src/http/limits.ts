import { AgentError } from '../core/errors.ts'

/**
 * What a request may cost. `asking` reads, `ordering` changes something at once, `waiting` waits for a job to end. They
 * are counted apart: however many ask, a shutdown can still be cancelled.
 */
export type Kind = 'asking' | 'ordering' | 'waiting'

export interface Limits extends Readonly<Record<Kind, { readonly inFlight: number; readonly within: number }>> {
  /** How many clients follow what changes at once. */
  readonly live: number
  /** How many connections are open at once; more are closed at once. */
  readonly connections: number
  /** How long a client may take to send its headers, its whole request, and to read its answer, in ms. */
  readonly headersWithin: number
  readonly requestWithin: number
  readonly readWithin: number
  /** How long an idle connection is kept open, in ms. */
  readonly idle: number
  /** The largest body of a request, in bytes. */
  readonly body: number
}

/** Times in ms. A job that takes hours, such as a rehearsal with slow drains, may be waited for. */
export const socketLimits: Limits = {
  asking: { inFlight: 64, within: 60_000 },
  ordering: { inFlight: 64, within: 60_000 },
  waiting: { inFlight: 16, within: 12 * 3_600_000 },
  live: 128,
  connections: 256,
  headersWithin: 10_000,
  requestWithin: 30_000,
  readWithin: 30_000,
  idle: 5_000,
  body: 64 * 1_024,
}

export interface Gate {
  /**
   * Does the work if there is room for it, until its time is over or its client is gone, whichever comes first.
   *
   * @throws AgentError `not-now` where too many are in flight, `timed-out` where it takes too long
   */
  pass<T>(kind: Kind, client: AbortSignal, work: (signal: AbortSignal) => T | Promise<T>): Promise<T>
}

/** Counts what is in flight, and limits how long it may be. */
export function createGate(limits: Limits): Gate {
  const inFlight: Record<Kind, number> = { asking: 0, ordering: 0, waiting: 0 }
  return {
    pass: async (kind, client, work) => {
      const { inFlight: most, within } = limits[kind]
      if (inFlight[kind] >= most)
        throw new AgentError('not-now', `${most} requests are already in progress: try again in a moment`)
      inFlight[kind] += 1
      using deadline = createDeadline(within, client)
      try {
        return await Promise.race([Promise.resolve(work(deadline.signal)), deadline.over])
      } finally {
        inFlight[kind] -= 1
      }
    },
  }
}

/** A signal that aborts with the client's, or when the time is over; `over` rejects with the reason. */
function createDeadline(within: number, client: AbortSignal) {
  const abort = new AbortController()
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => {})
  const end = (reason: AgentError) => {
    abort.abort(reason)
    over.reject(reason)
  }
  const leave = () => end(new AgentError('unreachable', 'the client disconnected', client.reason))
  const timer = setTimeout(
    () =>
      end(new AgentError('timed-out', `not answered within ${within / 1_000} s; the daemon may still carry it out`)),
    within,
  )
  timer.unref()
  if (client.aborted) leave()
  client.addEventListener('abort', leave)
  return {
    signal: abort.signal,
    over: over.promise,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      client.removeEventListener('abort', leave)
    },
  }
}
