/** How often something may be done. */
export interface Rate {
  /** At once. */
  readonly burst: number
  /** In the long run. */
  readonly perSecond: number
}

export interface Rates {
  /** In ms: how long this client has to wait; 0 where it may go on. */
  wait(client: string): number
  /** Counts one, however long the wait is. */
  count(client: string): void
}

/** So many clients are told apart. */
const mostClients = 10_000

/** Counts what clients do: each has `burst`, and gets `perSecond` back (a token bucket). `now` in ms. */
export function createRates({ burst, perSecond }: Rate, now: () => number): Rates {
  const left = new Map<string, { readonly count: number; readonly at: number }>()

  function leftOf(client: string): number {
    const known = left.get(client)
    return known ? Math.min(burst, known.count + ((now() - known.at) * perSecond) / 1_000) : burst
  }

  /** Who has everything again need not be known. Else who was heard of least lately is forgotten. */
  function makeRoom(): void {
    for (const client of left.keys()) if (leftOf(client) >= burst) left.delete(client)
    const [oldest] = left.keys()
    if (left.size >= mostClients && oldest !== undefined) left.delete(oldest)
  }

  return {
    wait: (client) => Math.max(0, Math.ceil(((1 - leftOf(client)) * 1_000) / perSecond)),
    count: (client) => {
      const count = Math.max(0, leftOf(client) - 1)
      // The newest goes last.
      left.delete(client)
      if (left.size >= mostClients) makeRoom()
      left.set(client, { count, at: now() })
    },
  }
}
