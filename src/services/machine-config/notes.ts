/** What is odd goes into the journal: the first of its kind from an address at once, those that follow as a count. */
export interface Notes {
  /** @param what a sentence that begins with the address, without a full stop */
  note(kind: string, address: string, what: string): void
  /** Writes the counts of what is over. */
  sweep(): void
}

/** In ms: how long what follows belongs to the first. */
const lasts = 600_000
/** Addresses and kinds that are told apart; what else comes is counted together. */
const most = 64

export function createNotes(write: (text: string) => void, now: () => number): Notes {
  const known = new Map<string, { readonly what: string; readonly at: number; more: number }>()
  let others = 0
  let othersSince = 0

  return {
    note: (kind, address, what) => {
      const key = `${kind} ${address}`
      const one = known.get(key)
      if (one) one.more += 1
      else if (known.size < most) {
        known.set(key, { what, at: now(), more: 0 })
        write(what)
      } else if (others === 0) {
        others = 1
        othersSince = now()
        write(`${what}, as do many other addresses: they are counted from now on`)
      } else others += 1
    },
    sweep: () => {
      for (const [key, { what, at, more }] of known) {
        if (now() - at < lasts) continue
        known.delete(key)
        if (more > 0) write(`${what}, and ${more} more times since`)
      }
      if (others > 0 && now() - othersSince >= lasts) {
        if (others > 1) write(`machines of other addresses did what is odd ${others} times`)
        others = 0
      }
    },
  }
}
