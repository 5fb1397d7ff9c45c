/** How much is answered, in messages a second: firmware sends four in half a minute, and a flood is no firmware. */
export interface ProxyLimits {
  /** Of one network card, and how many it may send at once. */
  readonly each: { readonly rate: number; readonly burst: number }
  /** Of all cards that are not known together: whoever makes up addresses keeps no known machine from its boot. */
  readonly strangers: { readonly rate: number; readonly burst: number }
  /** So many cards are remembered. */
  readonly cards: number
}

export const proxyLimits: ProxyLimits = {
  each: { rate: 2, burst: 12 },
  strangers: { rate: 50, burst: 100 },
  cards: 1_024,
}

interface Bucket {
  left: number
  at: number
}

/** Whether one more message may be taken. */
export interface Gate {
  admits(mac: string, isKnown: boolean): boolean
}

/** @param now monotonic, in ms */
export function createGate(limits: ProxyLimits, now: () => number): Gate {
  const cards = new Map<string, Bucket>()
  const strangers: Bucket = { left: limits.strangers.burst, at: now() }

  function take(bucket: Bucket, { rate, burst }: { readonly rate: number; readonly burst: number }): boolean {
    const at = now()
    bucket.left = Math.min(burst, bucket.left + ((at - bucket.at) / 1_000) * rate)
    bucket.at = at
    if (bucket.left < 1) return false
    bucket.left -= 1
    return true
  }

  function bucketOf(mac: string): Bucket {
    const bucket = cards.get(mac) ?? { left: limits.each.burst, at: now() }
    // The one that was heard last stands last; the first is forgotten.
    cards.delete(mac)
    cards.set(mac, bucket)
    const [oldest] = cards.keys()
    if (cards.size > limits.cards && oldest !== undefined) cards.delete(oldest)
    return bucket
  }

  return {
    admits: (mac, isKnown) => take(bucketOf(mac), limits.each) && (isKnown || take(strangers, limits.strangers)),
  }
}
