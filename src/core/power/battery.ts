import type { UpsReading } from './ups.ts'

/** One reading while on battery: charge in %, runtime in ms, `at` in ms of a monotonic clock. */
export interface Sample {
  readonly at: number
  readonly charge?: number
  readonly runtime?: number
}

/** The battery's remaining runtime, in ms, and whether the UPS reported it or it is assumed. */
export interface Left {
  readonly ms: number
  readonly told: boolean
  /** Why it is assumed, as a clause. */
  readonly why?: string | undefined
}

/** What is kept of it, in ms, and how far apart; older ones say less of now. */
const kept = 120_000
const apart = 900
/**
 * A battery that comes into use drops at once, to what it has under load, and its runtime is measured anew: what it says in
 * that time is no rate. Then so much time must pass, with so many readings. In ms.
 */
const drops = 30_000
const lasts = 28_000
const enough = 12
/**
 * A fall that is over is no fall: the last moments must show it too. They are as long as the value takes for so many of its
 * steps of one (% or s), within these bounds in ms.
 */
const steps = 3
const shortest = 10_000
const longest = 40_000

export function withSample(samples: readonly Sample[], at: number, { charge, runtime }: UpsReading): readonly Sample[] {
  const last = samples.at(-1)
  if ((charge === undefined && runtime === undefined) || (last && at - last.at < apart)) return samples
  const sample = { at, ...(charge === undefined ? {} : { charge }), ...(runtime === undefined ? {} : { runtime }) }
  return [...samples.filter((one) => at - one.at < kept), sample]
}

/**
 * By how much the charge falls, in % a minute, over the last two minutes, or in the last moments where it falls no more;
 * undefined while there is too little to tell. `since` when the battery came into use.
 */
export function depletionOf(samples: readonly Sample[], since: number): number | undefined {
  const falls = fallRate(samples, since, ({ charge }) => charge)
  return falls === undefined ? undefined : falls * 60_000
}

/**
 * The battery's remaining runtime at `at`, in ms: what the UPS reported less the time since, or its own figures at
 * the rate at which they fall, if that is less. Undefined where it tells neither.
 */
export function batteryLeft(
  reading: UpsReading,
  samples: readonly Sample[],
  { since, heard, at }: { readonly since: number; readonly heard: number; readonly at: number },
): number | undefined {
  const { charge, runtime } = reading
  const passed = Math.max(0, at - heard)
  const estimates: number[] = []
  if (runtime !== undefined) {
    // A runtime that falls by two seconds each second is worth half.
    const falls = fallRate(samples, since, (sample) => sample.runtime) ?? 1
    estimates.push(runtime / Math.max(1, falls))
  }
  const lasts = chargeLasts(charge, depletionOf(samples, since))
  if (lasts !== undefined) estimates.push(lasts)
  return estimates.length === 0 ? undefined : Math.max(0, Math.min(...estimates) - passed)
}

/** How long a charge lasts that is used up at this rate, in % a minute, in ms; undefined where neither tells. */
export function chargeLasts(charge: number | undefined, depletion: number | undefined): number | undefined {
  return charge === undefined || depletion === undefined || depletion <= 0 ? undefined : (charge / depletion) * 60_000
}

/** By how much it falls each ms, 0 where it rises; without the drop at the beginning. */
function fallRate(
  samples: readonly Sample[],
  since: number,
  pick: (sample: Sample) => number | undefined,
): number | undefined {
  const points = samples.flatMap((sample) => {
    const value = pick(sample)
    return value === undefined || sample.at < since + drops ? [] : [{ at: sample.at, value }]
  })
  const [first, last] = [points[0], points.at(-1)]
  // One step of a coarse figure is no rate yet.
  const hasOneStep = new Set(points.map(({ value }) => value)).size === 2
  if (!first || !last || hasOneStep || points.length < enough || last.at - first.at < lasts) return undefined
  const whole = -slopeOf(points)
  if (whole <= 0) return 0
  const recent = Math.min(longest, Math.max(shortest, steps / whole))
  const latest = points.filter(({ at }) => last.at - at <= recent)
  // After a gap one reading alone does not say that the fall is over.
  const now = latest.length < 2 ? whole : -slopeOf(latest)
  return Math.max(0, now < whole / 3 ? now : whole)
}

/** Least squares, in units a ms; 0 where all were read at once. */
function slopeOf(points: readonly { readonly at: number; readonly value: number }[]): number {
  const meanAt = sum(points.map(({ at }) => at)) / points.length
  const mean = sum(points.map(({ value }) => value)) / points.length
  const spread = sum(points.map(({ at }) => (at - meanAt) ** 2))
  return spread === 0 ? 0 : sum(points.map(({ at, value }) => (at - meanAt) * (value - mean))) / spread
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
