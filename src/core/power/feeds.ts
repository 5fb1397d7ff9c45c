import { batteryLeft } from './battery.ts'
import { type PowerState, upsObstacle } from './state.ts'
import type { CriticalReason, PowerPolicy } from './triggers.ts'

/** By which UPSes, by label, a machine lives: so much of their weights must be left. */
export interface Feed {
  readonly powerValue: Readonly<Record<string, number>>
  readonly minSupplies: number
}

/** All that is known of the power. */
export interface Power {
  readonly upses: ReadonlyMap<string, PowerState>
  /** A person has ordered everything to be shut down, whatever the UPSes say. ISO 8601. */
  readonly ordered: string | undefined
}

/**
 * What a machine runs on.
 *
 * | supply    | means                                                                |
 * |-----------|----------------------------------------------------------------------|
 * | mains     | enough of its UPSes are surely on mains                              |
 * | battery   | enough of them are on mains or on battery                            |
 * | unknown   | enough of them are not known to fail; a silent one proves nothing    |
 * | failing   | too few are left without those that are about to fail                |
 *
 * One that hangs on no UPS that we know of is on mains.
 */
export type Supply = 'mains' | 'battery' | 'unknown' | 'failing'

export function supplyOf(feed: Feed | undefined, { upses, ordered }: Power): Supply {
  if (ordered !== undefined) return 'failing'
  if (!feed) return 'mains'
  const weight = (test: (state: PowerState | undefined) => boolean) =>
    Object.entries(feed.powerValue).reduce((sum, [ups, one]) => sum + (test(upses.get(ups)) ? one : 0), 0)
  if (weight((state) => state?.mode !== 'critical') < feed.minSupplies) return 'failing'
  if (weight(isSurelyOnMains) >= feed.minSupplies) return 'mains'
  if (weight((state) => state?.mode === 'on-mains' || state?.mode === 'on-battery') >= feed.minSupplies)
    return 'battery'
  return 'unknown'
}

function isSurelyOnMains(state: PowerState | undefined): state is PowerState & { mode: 'on-mains' } {
  return state?.mode === 'on-mains' && state.batterySince === undefined
}

/** Why a machine is about to lose its power; undefined while it is not. */
export function failureOf(feed: Feed | undefined, power: Power): CriticalReason | undefined {
  if (supplyOf(feed, power) !== 'failing') return undefined
  if (power.ordered !== undefined) return 'ordered'
  const states = Object.keys(feed?.powerValue ?? {}).flatMap((ups) => power.upses.get(ups) ?? [])
  return states.find((state) => state.mode === 'critical')?.reason
}

/**
 * For how long the machine's UPSes carry it, in ms; Infinity where mains does. `assumed` is what a battery is taken to
 * have that doesn't tell. `at` in ms of the clock of the observations.
 */
export function timeLeft(
  feed: Feed | undefined,
  power: Power,
  at: number,
  assumed: number,
): { ms: number; told: boolean } {
  if (!feed) return mainsLasts
  const lefts = Object.entries(feed.powerValue).map(([ups, weight]) => ({
    weight,
    ...leftOf(power.upses.get(ups), at, assumed),
  }))
  // Those that last longest carry it to the end: it lives until the last one goes that it can't do without.
  const last = carriedWith(lefts, feed.minSupplies, ({ ms }) => ms)
  return last ? { ms: last.ms, told: last.told } : mainsLasts
}

/** The least that any of these machines has; where there are none, as on mains. */
export function leastTimeLeft(
  machines: readonly { readonly feed: Feed | undefined }[],
  power: Power,
  at: number,
  assumed: number,
): { ms: number; told: boolean } {
  const lefts = machines.map(({ feed }) => timeLeft(feed, power, at, assumed))
  return lefts.toSorted((a, b) => a.ms - b.ms)[0] ?? mainsLasts
}

const mainsLasts = { ms: Infinity, told: true } as const

/**
 * For how long the machine's UPSes have been on mains, enough of them, in ms; undefined while they are not. And the charge,
 * in %, that enough of those have at least, where they tell it.
 */
export function mainsOf(
  feed: Feed | undefined,
  power: Power,
  at: number,
): { readonly ms: number; readonly charge: number | undefined } | undefined {
  if (supplyOf(feed, power) !== 'mains') return undefined
  if (!feed) return { ms: Infinity, charge: undefined }
  const there = Object.entries(feed.powerValue).flatMap(([ups, weight]) => {
    const state = power.upses.get(ups)
    if (!isSurelyOnMains(state)) return []
    return [{ weight, ms: at - state.since, charge: state.reading.charge ?? Infinity }]
  })
  const charge = carriedWith(there, feed.minSupplies, (one) => one.charge)?.charge
  const ms = carriedWith(there, feed.minSupplies, (one) => one.ms)?.ms ?? Infinity
  return { ms, charge: charge === Infinity ? undefined : charge }
}

/** The one up to which, from the largest value on, the weights come to so much; undefined where all are too little. */
function carriedWith<T extends { readonly weight: number }>(
  all: readonly T[],
  minSupplies: number,
  pick: (one: T) => number,
): T | undefined {
  let carried = 0
  for (const one of all.toSorted((a, b) => pick(b) - pick(a))) {
    carried += one.weight
    if (carried >= minSupplies) return one
  }
  return undefined
}

function leftOf(state: PowerState | undefined, at: number, assumed: number): { ms: number; told: boolean } {
  if (isSurelyOnMains(state) || state?.mode === 'latched') return mainsLasts
  if (!state || state.mode === 'unknown') return { ms: assumed, told: false }
  const { reading, lastHeard: heard, samples = [], batterySince } = { batterySince: state.since, ...state }
  const left = reading && batteryLeft(reading, samples, { since: batterySince, heard, at })
  if (left !== undefined) return { ms: left, told: true }
  // What is assumed counts from the moment that it matters.
  return { ms: state.mode === 'critical' ? Math.max(0, assumed - (at - state.since)) : assumed, told: false }
}

/**
 * Why the power speaks against beginning anything; undefined when it does not. One UPS is enough: what hangs on it can't
 * be told from what doesn't. `at` as in an observation.
 */
export function powerObstacle(power: Power, at: number, policy: Pick<PowerPolicy, 'deadTime'>): string | undefined {
  if (power.ordered !== undefined) return 'a person has shut the cluster down; `caretaker power wake` ends that'
  for (const [label, state] of power.upses) {
    const obstacle = upsObstacle(state, at, policy)
    if (obstacle !== undefined) return power.upses.size > 1 ? `${label}: ${obstacle}` : obstacle
  }
  return undefined
}

/** A watch over the power that was set for a reason to stop. */
export interface PowerWatch extends Disposable {
  readonly signal: AbortSignal
}
