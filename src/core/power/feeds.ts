import { batteryLeft } from './battery.ts'
import { type PowerState, upsObstacle } from './state.ts'
import type { CriticalReason, PowerPolicy } from './triggers.ts'

/** Which UPSes feed a machine, by label, and how much power value it needs (MINSUPPLIES). */
export interface Feed {
  readonly powerValue: Readonly<Record<string, number>>
  readonly minSupplies: number
}

/** All that is known of the power. */
export interface Power {
  readonly upses: ReadonlyMap<string, PowerState>
  /** When a person requested to shut everything down, whatever the UPSes report. ISO 8601. */
  readonly ordered: string | undefined
}

/**
 * What a machine runs on.
 *
 * | supply    | means                                                                |
 * |-----------|----------------------------------------------------------------------|
 * | mains     | enough of its UPSes are on mains                                     |
 * | battery   | enough of them are on mains or on battery                            |
 * | unknown   | enough of them are not known to fail; a silent one proves nothing    |
 * | failing   | too few are left without those that are critical                    |
 *
 * A machine that is not connected to a configured UPS is on mains.
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
 * How long the machine's UPSes can feed it, in ms; Infinity on mains. `assumed` stands for the runtime of a battery
 * that reports none. `at` in ms of the clock of the observations.
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
  // It runs until the last supply fails that it needs.
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
 * How long enough of the machine's UPSes have been on mains, in ms; undefined while they are not. And the least charge of
 * those, in %, where they report it.
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
 * Why nothing may start because of the power; undefined if it may. One UPS is enough, because what depends on it can't
 * be told apart from the rest. `at` as in an observation.
 */
export function powerObstacle(power: Power, at: number, policy: Pick<PowerPolicy, 'deadTime'>): string | undefined {
  if (power.ordered !== undefined) return 'the cluster was shut down on request; wake it with `caretaker power wake`'
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
