import type { Place, Places } from '../../core/netboot/places.ts'

/** The addresses that a service listens on, and what has become of them. */
export interface FollowedPlaces extends Disposable {
  /** What is named and is not there, or not any more, a sentence each. */
  readonly missing: readonly string[]
}

/** In ms. */
const looksEvery = 5_000

/**
 * Looks now and then at what is named, and calls `appeared` once where there is an address that is not listened on: an interface
 * has got another, or is there at last. One that has gone is left: what is bound to it works again when it is back, as after a
 * cable that was pulled, and nobody's transfer is broken off for it.
 */
export function followPlaces(
  listened: readonly Place[],
  look: () => Places,
  appeared: () => void,
  every = looksEvery,
): FollowedPlaces {
  const known = new Set(listened.map(({ address }) => address))
  const timer = setInterval(() => {
    if (look().places.every(({ address }) => known.has(address))) return
    clearInterval(timer)
    appeared()
  }, every).unref()
  return {
    get missing() {
      const { places, missing } = look()
      const there = new Set(places.map(({ address }) => address))
      const gone = listened.filter(
        ({ address, on }) => !there.has(address) && !missing.some((why) => why.startsWith(on)),
      )
      return [...missing, ...gone.map(({ address, on }) => `${on} has lost ${address}`)]
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
