import { batteryLeft, type Left } from './battery.ts'
import { type PowerState, upsObstacle, useOf } from './state.ts'
import type { CriticalReason, PowerPolicy } from './triggers.ts'
import { has, whyUnknown } from './ups.ts'

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
 * What a machine runs on. A UPS that is OFF supplies nothing: it is neither mains nor battery. By itself it is no failure
 * either, because some report it for the seconds of a self-test (networkupstools/nut #2104).
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
  const failedAt = failedSince(feed, upses)
  if (failedAt !== undefined) {
    const carries = (state: PowerState | undefined) =>
      state?.mode !== 'critical' && !isOff(state) && !fellSilentWith(state, failedAt)
    if (weight(carries) < feed.minSupplies) return 'failing'
  }
  if (weight(isSurelyOnMains) >= feed.minSupplies) return 'mains'
  if (
    weight((state) => (state?.mode === 'on-mains' || state?.mode === 'on-battery') && !isOff(state)) >= feed.minSupplies
  )
    return 'battery'
  return 'unknown'
}

function isSurelyOnMains(state: PowerState | undefined): state is PowerState & { mode: 'on-mains' } {
  return state?.mode === 'on-mains' && state.use === undefined && !isOff(state)
}

/** When the first of the feed's UPSes that are critical came on battery; undefined where none is. */
function failedSince(feed: Feed, upses: Power['upses']): number | undefined {
  const failing = Object.keys(feed.powerValue).flatMap((ups) => {
    const state = upses.get(ups)
    return state?.mode === 'critical' ? [state.battery.since] : []
  })
  return failing.length === 0 ? undefined : Math.min(...failing)
}

/** What may lie between a power cut and the last word of a UPS whose server or switch lost its power by it, in ms. */
const together = 60_000

/**
 * Whether a UPS on mains has been silent since about when another one of the same feed came on battery: whatever brought
 * its word has lost its power, and so has the UPS. One that was silent long before proves nothing.
 */
function fellSilentWith(state: PowerState | undefined, failedAt: number): boolean {
  return state?.mode === 'on-mains' && state.isSilent === true && state.lastHeard >= failedAt - together
}

/** Whether a UPS feeds nothing. A UPS of its own that reports it is believed less than the machine that runs on it. */
function isOff(state: PowerState | undefined): boolean {
  return state !== undefined && 'reading' in state && state.reading !== undefined && has(state.reading, 'OFF')
}

/**
 * Whether the machine is losing its power, and all the same mains power has just come back: until it has lasted, or has
 * failed again, nothing more is begun that can't be undone.
 */
export function isReturning(feed: Feed | undefined, power: Power): boolean {
  if (supplyOf(feed, power) !== 'failing' || power.ordered !== undefined) return false
  const upses = new Map([...power.upses].filter(([, state]) => !isBackForNow(state)))
  return supplyOf(feed, { ...power, upses }) !== 'failing'
}

function isBackForNow(state: PowerState): boolean {
  return state.mode === 'critical' && state.mainsSince !== undefined && !(state.reading && has(state.reading, 'FSD'))
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
export function timeLeft(feed: Feed | undefined, power: Power, at: number, assumed: number): Left {
  if (!feed) return mainsLasts
  const failedAt = failedSince(feed, power.upses)
  const lefts = Object.entries(feed.powerValue).map(([ups, weight]) => {
    const state = power.upses.get(ups)
    const isGone = isOff(state) || (failedAt !== undefined && fellSilentWith(state, failedAt))
    return { weight, isGone, ...leftOf(state, at, assumed, power.upses.size > 1 ? ups : 'the UPS') }
  })
  // It runs until the last supply fails that it needs. One that supplies nothing lends it no time, unless it could not run without.
  const on = lefts.filter((left) => !left.isGone)
  const last = carriedWith(on, feed.minSupplies, ({ ms }) => ms) ?? carriedWith(lefts, feed.minSupplies, ({ ms }) => ms)
  return last ? { ms: last.ms, told: last.told, why: last.why } : mainsLasts
}

/** The least that any of these machines has; where there are none, as on mains. */
export function leastTimeLeft(
  machines: readonly { readonly feed: Feed | undefined }[],
  power: Power,
  at: number,
  assumed: number,
): Left {
  const lefts = machines.map(({ feed }) => timeLeft(feed, power, at, assumed))
  return lefts.toSorted((a, b) => a.ms - b.ms)[0] ?? mainsLasts
}

const mainsLasts: Left = { ms: Infinity, told: true }

/** How the mains power of a machine is. */
export interface MainsBack {
  /** For how long enough of its UPSes have said that they have it, in ms: silence is no mains power. */
  readonly ms: number
  /** Why the batteries of those could not carry what a machine that is woken needs; undefined where they could. */
  readonly hold: string | undefined
}

/** How the mains power of a machine is; undefined while it has none. `holds` says why one UPS is not ready, if it is not. */
export function mainsOf(
  feed: Feed | undefined,
  power: Power,
  holds: (ups: string, state: PowerState & { readonly mode: 'on-mains' }) => string | undefined = () => undefined,
): MainsBack | undefined {
  if (supplyOf(feed, power) !== 'mains') return undefined
  if (!feed) return { ms: Infinity, hold: undefined }
  const there = Object.entries(feed.powerValue).flatMap(([ups, weight]) => {
    const state = power.upses.get(ups)
    return isSurelyOnMains(state) ? [{ weight, ms: state.lastHeard - state.since, hold: holds(ups, state) }] : []
  })
  const ms = carriedWith(there, feed.minSupplies, (one) => one.ms)?.ms ?? Infinity
  const ready = there.filter(({ hold }) => hold === undefined)
  const isReady = ready.reduce((sum, { weight }) => sum + weight, 0) >= feed.minSupplies
  return { ms, hold: isReady ? undefined : there.find(({ hold }) => hold !== undefined)?.hold }
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

function leftOf(state: PowerState | undefined, at: number, assumed: number, who: string): Left {
  // Also one that is OFF: its figures are of a battery that feeds nothing.
  if (state?.mode === 'on-mains' && state.use === undefined) return mainsLasts
  if (state?.mode === 'latched') return mainsLasts
  if (!state || state.mode === 'unknown')
    return { ms: assumed, told: false, why: whyUnknown(undefined, 'runtime', who) }
  const use = useOf(state)
  const { reading, figuresAt: heard = state.lastHeard } = state
  const left =
    reading && batteryLeft(reading, use?.samples ?? [], { since: use?.battery.since ?? state.since, heard, at })
  if (left !== undefined) return { ms: left, told: true }
  // What is assumed counts from the moment that it matters.
  const ms = state.mode === 'critical' ? Math.max(0, assumed - (at - state.since)) : assumed
  return { ms, told: false, why: whyUnknown(reading, 'runtime', who) }
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
