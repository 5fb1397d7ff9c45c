/** The places of requests that wait for a person. */
export interface Holds {
  /** Takes one until it is disposed of; undefined where there is none left, in all or for this address. */
  enter(address: string): Disposable | undefined
  readonly count: number
}

export function createHolds({
  held,
  heldPerAddress,
}: {
  readonly held: number
  readonly heldPerAddress: number
}): Holds {
  const by = new Map<string, number>()
  let count = 0
  return {
    get count() {
      return count
    },
    enter: (address) => {
      const own = by.get(address) ?? 0
      if (count >= held || own >= heldPerAddress) return undefined
      count += 1
      by.set(address, own + 1)
      return {
        [Symbol.dispose]: () => {
          count -= 1
          const left = by.get(address)! - 1
          if (left > 0) by.set(address, left)
          else by.delete(address)
        },
      }
    },
  }
}
