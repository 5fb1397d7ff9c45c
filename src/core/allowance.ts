/** So many at once, and so many a second in the long run, by client. */
export interface Allowance {
  /** Whether one more is allowed; it counts. */
  take(client: string): boolean
}

/** Clients that are remembered: forged addresses take no more memory than this. */
const mostClients = 4_096

export function createAllowance(
  { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
  now: () => number,
): Allowance {
  const known = new Map<string, { left: number; at: number }>()
  return {
    take: (client) => {
      const time = now()
      const one = known.get(client) ?? { left: burst, at: time }
      one.left = Math.min(burst, one.left + ((time - one.at) * perSecond) / 1_000)
      one.at = time
      // The one that was seen last is the last to be forgotten.
      known.delete(client)
      known.set(client, one)
      const [oldest] = known.keys()
      if (known.size > mostClients && oldest !== undefined) known.delete(oldest)
      if (one.left < 1) return false
      one.left -= 1
      return true
    },
  }
}
