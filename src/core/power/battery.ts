import type { UpsReading } from './ups.ts'

/** One reading while on battery: charge in %, runtime in ms, `at` in Monotonic clock, in ms. */
export interface Sample {
  readonly at: number
  readonly charge?: number
  readonly runtime?: number
}

/** Two minutes at one reading a second; older ones say less of now. */
const kept = 120
/**
 * The first readings on battery are noisy: a load that has just been measured, a charge that jumps (Eneru waits 90 s and
 * 30 readings for the same reason).
 */
const settledAfter = 90_000
const enough = 30

export function withSample(samples: readonly Sample[], at: number, { charge, runtime }: UpsReading): readonly Sample[] {
  const sample = { at, ...(charge === undefined ? {} : { charge }), ...(runtime === undefined ? {} : { runtime }) }
  return [...samples.slice(-(kept - 1)), sample]
}

/**
 * By how much the charge falls, in % a minute, over the last two minutes; undefined while there is too little to tell.
 * `since` when the battery came into use.
 */
export function depletionOf(samples: readonly Sample[], since: number): number | undefined {
  const slope = slopeOf(samples, since, ({ charge }) => charge)
  return slope === undefined ? undefined : Math.max(0, -slope * 60_000)
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
    const falls = -(slopeOf(samples, since, (sample) => sample.runtime) ?? -1)
    estimates.push(runtime / Math.max(1, falls))
  }
  const rate = depletionOf(samples, since)
  if (charge !== undefined && rate !== undefined && rate > 0) estimates.push((charge / rate) * 60_000)
  return estimates.length === 0 ? undefined : Math.max(0, Math.min(...estimates) - passed)
}

/** Least squares, in units a ms. */
function slopeOf(
  samples: readonly Sample[],
  since: number,
  pick: (sample: Sample) => number | undefined,
): number | undefined {
  const points = samples.flatMap((sample) => {
    const value = pick(sample)
    return value === undefined ? [] : [{ at: sample.at, value }]
  })
  const last = points.at(-1)
  if (points.length < enough || !last || last.at - since < settledAfter) return undefined
  const meanAt = sum(points.map(({ at }) => at)) / points.length
  const mean = sum(points.map(({ value }) => value)) / points.length
  const spread = sum(points.map(({ at }) => (at - meanAt) ** 2))
  if (spread === 0) return undefined
  return sum(points.map(({ at, value }) => (at - meanAt) * (value - mean))) / spread
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
