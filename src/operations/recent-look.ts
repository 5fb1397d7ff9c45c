import type { Cluster } from '../core/cluster/cluster.ts'

/** In ms: what was seen so long ago at most is answered without looking again. */
const freshFor = 10_000
/** In ms: what is older than this is looked at again meanwhile, so that whoever asks all the time never waits. */
const refreshedAfter = 5_000

/** The cluster, and when it was seen. */
export interface Seen {
  readonly cluster: Cluster
  readonly at: Date
}

export interface RecentLookOptions {
  /** `isUnhurried`: nobody waits for it. */
  readonly look: (signal: AbortSignal, limits: { readonly isUnhurried: boolean }) => Promise<Cluster>
  readonly now: () => Date
  /** Monotonic clock, in ms. */
  readonly monotonic: () => number
}

/** What was seen of the cluster last: however many ask, it is looked at once. */
export interface RecentLook {
  /** What was seen in the last seconds, if nothing is known to have happened since; else a new look, one for all who ask. */
  recent(signal: AbortSignal): Promise<Seen>
  /** What was seen last, however long ago; where nothing was seen yet, a first look. */
  known(signal: AbortSignal): Promise<Seen>
  /** Somebody else has looked. */
  note(cluster: Cluster): void
  /** Something has happened: what was seen before it is not recent any more. */
  outdate(): void
}

export function createRecentLook({ look, now, monotonic }: RecentLookOptions): RecentLook {
  let last: (Seen & { readonly seenAt: number }) | undefined
  let isOutdated = false
  let under: ReturnType<typeof begin> | undefined

  function keep(cluster: Cluster): Seen {
    last = { cluster, at: now(), seenAt: monotonic() }
    return last
  }

  /** A look, and who waits for it. It ends early when nobody does any more. */
  function begin(isUnhurried = false) {
    const stop = new AbortController()
    isOutdated = false
    const own = {
      waiting: 0,
      stop,
      seen: look(stop.signal, { isUnhurried }).then((cluster) =>
        stop.signal.aborted ? { cluster, at: now() } : keep(cluster),
      ),
    }
    const end = () => {
      if (under === own) under = undefined
    }
    own.seen.then(end, end)
    return own
  }

  async function shared(signal: AbortSignal): Promise<Seen> {
    signal.throwIfAborted()
    // One that began before something happened may not have seen it.
    if (!under || isOutdated) under = begin()
    const mine = under
    mine.waiting += 1
    const gone = Promise.withResolvers<never>()
    const leave = () => gone.reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([mine.seen, gone.promise])
    } finally {
      signal.removeEventListener('abort', leave)
      mine.waiting -= 1
      if (mine.waiting === 0) mine.stop.abort()
    }
  }

  /** Looks for those who ask next; that it fails they hear then. */
  function refresh(): void {
    if (under) return
    under = begin(true)
    under.waiting += 1
    under.seen.catch(() => {})
  }

  return {
    recent: async (signal) => {
      if (!last || isOutdated) return shared(signal)
      const age = monotonic() - last.seenAt
      if (age > freshFor) return shared(signal)
      if (age > refreshedAfter) refresh()
      return last
    },
    known: async (signal) => last ?? shared(signal),
    // It may have begun before what has outdated ours, which therefore stays outdated.
    note: (cluster) => void keep(cluster),
    outdate: () => void (isOutdated = true),
  }
}
