import type { Claimant } from './machine.ts'

/** How long a request is held at most, in ms: Talos hangs up 180 s after it began its try. */
export const heldFor = 150_000
/** How much later than Talos' code has it a machine may ask, in ms. */
const slack = 5_000
/** How long one in a device flow is silent between two polls at most, in ms. */
const pollsWithin = 30_000
/**
 * Talos waits for 0, 1, 3, 7, 15 … s between two tries, and up to one more (siderolabs/go-retry: exponential). It gives up
 * after three hours and begins anew, so that 4,095 s are the longest.
 */
const longestGap = 4_095

/** What a machine waits after so many tries until its next, in ms. */
export function gapAfter(tries: number): number {
  return 1_000 * Math.min(longestGap, 2 ** Math.max(0, tries - 1) - 1)
}

/** How many tries it has made in a row, with one at `now`, in ms: one that comes early is the first after a restart. */
export function triesAfter({ tries = 1, lastAt }: Pick<Claimant, 'tries' | 'lastAt'>, now: number): number {
  const isEarly = now - Date.parse(lastAt) < gapAfter(tries) - 500
  return isEarly ? 1 : tries + 1
}

/**
 * Until when it asks again at the latest if it is left alone, in ms since the epoch. Undefined: it does not ask by itself,
 * because it waits in maintenance.
 */
export function asksBy({ way, tries = 1, lastAt }: Pick<Claimant, 'way' | 'tries' | 'lastAt'>): number | undefined {
  if (way === 'maintenance') return undefined
  const last = Date.parse(lastAt)
  if (way === 'device-flow') return last + pollsWithin
  return last + heldFor + gapAfter(tries) + slack
}
