/** In ms: what was seen so long ago at most is answered without looking again. */
const freshFor = 10_000
/** In ms: what is older than this is looked at again meanwhile, so that whoever asks all the time never waits. */
const refreshedAfter = 5_000

/** What was seen, and when. */
export interface Seen<T> {
  readonly value: T
  readonly at: Date
}

export interface RecentLookOptions<T> {
  /** `isUnhurried`: nobody waits for it. */
  readonly look: (signal: AbortSignal, limits: { readonly isUnhurried: boolean }) => Promise<T>
  readonly now: () => Date
  /** Monotonic clock, in ms. */
  readonly monotonic: () => number
}

/** What was seen of something last, the cluster for example: however many ask, it is looked at once. */
export interface RecentLook<T> {
  /** What was seen in the last seconds, if nothing is known to have happened since; else a new look, one for all who ask. */
  recent(signal: AbortSignal): Promise<Seen<T>>
  /** What was seen last, however long ago; where nothing was seen yet, a first look. */
  known(signal: AbortSignal): Promise<Seen<T>>
  /** The same, and what is not recent is looked at again meanwhile, without haste: for whoever asks again with what changes. */
  followed(signal: AbortSignal): Promise<Seen<T>>
  /**
   * What was seen last, without waiting; undefined where nothing was. What is older than so many ms is looked at again
   * meanwhile, where that is wanted.
   */
  last(refreshAfter?: number): Seen<T> | undefined
  /** Somebody else has looked. */
  note(value: T): void
  /** Something has happened: what was seen before it is not recent any more. */
  outdate(): void
}

export function createRecentLook<T>({ look, now, monotonic }: RecentLookOptions<T>): RecentLook<T> {
  let last: (Seen<T> & { readonly seenAt: number }) | undefined
  let isOutdated = false
  let under: ReturnType<typeof begin> | undefined

  function keep(value: T): Seen<T> {
    last = { value, at: now(), seenAt: monotonic() }
    return last
  }

  /** A look, and who waits for it. It ends early when nobody does any more. */
  function begin(isUnhurried = false) {
    const stop = new AbortController()
    isOutdated = false
    const own = {
      waiting: 0,
      stop,
      seen: look(stop.signal, { isUnhurried }).then((value) =>
        stop.signal.aborted ? { value, at: now() } : keep(value),
      ),
    }
    const end = () => {
      if (under === own) under = undefined
    }
    own.seen.then(end, end)
    return own
  }

  async function shared(signal: AbortSignal): Promise<Seen<T>> {
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
    followed: async (signal) => {
      if (last && (isOutdated || monotonic() - last.seenAt > refreshedAfter)) refresh()
      return last ?? shared(signal)
    },
    last: (refreshAfter = Infinity) => {
      const age = last ? monotonic() - last.seenAt : Infinity
      if (age > refreshAfter) refresh()
      return last
    },
    // It may have begun before what has outdated ours, which therefore stays outdated.
    note: (value) => void keep(value),
    outdate: () => void (isOutdated = true),
  }
}
