import type { Cluster } from '../core/cluster/cluster.ts'

/** In ms: what was seen so long ago at most is answered without looking again. */
const freshFor = 10_000
/** In ms: whoever asks after so long is answered from what was seen, and those who go on asking find a new look done. */
const aheadAfter = 5_000

/** The cluster, and when it was seen. */
export interface Seen {
  readonly cluster: Cluster
  readonly at: Date
}

export interface RecentLookOptions {
  readonly look: (signal: AbortSignal) => Promise<Cluster>
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
  function begin() {
    const stop = new AbortController()
    isOutdated = false
    const own = {
      waiting: 0,
      stop,
      seen: look(stop.signal).then((cluster) => (stop.signal.aborted ? { cluster, at: now() } : keep(cluster))),
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

  return {
    recent: async (signal) => {
      const age = last === undefined || isOutdated ? Infinity : monotonic() - last.seenAt
      if (last === undefined || age > freshFor) return shared(signal)
      // Nobody waits for it: one that fails is made again by whoever does.
      if (age > aheadAfter && !under) shared(new AbortController().signal).catch(() => {})
      return last
    },
    known: async (signal) => last ?? shared(signal),
    // It may have begun before what has outdated ours, which therefore stays outdated.
    note: (cluster) => void keep(cluster),
    outdate: () => void (isOutdated = true),
  }
}
