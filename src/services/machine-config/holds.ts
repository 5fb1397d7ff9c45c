/** The places of requests that wait for a person. */
export interface Holds {
  /**
   * Takes one until it is disposed of; undefined where there is none left, in all or for this address. Somebody who is known
   * has the place of the stranger who has had one for the longest.
   */
  enter(address: string, isKnown: boolean): Place | undefined
  readonly count: number
}

export interface Place extends Disposable {
  /** Aborts when somebody who is known has it. */
  readonly lost: AbortSignal
}

export function createHolds({
  held,
  heldPerAddress,
}: {
  readonly held: number
  readonly heldPerAddress: number
}): Holds {
  const taken = new Set<{ readonly address: string; readonly isKnown: boolean; readonly end: AbortController }>()
  return {
    get count() {
      return taken.size
    },
    enter: (address, isKnown) => {
      const all = [...taken]
      if (all.filter((one) => one.address === address).length >= heldPerAddress) return undefined
      if (taken.size >= held) {
        const stranger = isKnown ? all.find((one) => !one.isKnown) : undefined
        if (!stranger) return undefined
        taken.delete(stranger)
        stranger.end.abort()
      }
      const place = { address, isKnown, end: new AbortController() }
      taken.add(place)
      return { lost: place.end.signal, [Symbol.dispose]: () => void taken.delete(place) }
    },
  }
}
