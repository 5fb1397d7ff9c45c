import { describeDuration } from '../duration.ts'
import type { Sample } from './battery.ts'
import { has, isOnPurpose, type UpsReading } from './ups.ts'

/** Figures that stand still are kept this often, and each is kept for so long, in ms; and at most so many of them. */
const every = 30_000
const kept = 2 * 3_600_000
const most = 240

/** A fall that starts nothing: a rounded figure, one late update after an outage. In %, and in ms. */
const falls = 3
const lasts = 30_000

/**
 * What the battery has said since the UPS began to report mains power: the least often that shows a fall. Undefined for
 * a UPS on battery, whose samples are kept elsewhere, and for a calibration.
 */
export function nextTrend(
  trend: readonly Sample[] | undefined,
  at: number,
  reading: UpsReading,
): readonly Sample[] | undefined {
  if (has(reading, 'OB') || has(reading, 'CAL')) return undefined
  const { charge, runtime } = reading
  const last = trend?.at(-1)
  if (charge === undefined && runtime === undefined) return trend
  if (last && at - last.at < every && charge === last.charge) return trend
  const sample = { at, ...(charge === undefined ? {} : { charge }), ...(runtime === undefined ? {} : { runtime }) }
  return [...(trend ?? []).slice(1 - most).filter((one) => at - one.at <= kept), sample]
}

/** A charge that has not fallen further for so long has stopped falling, in ms. */
const overAfter = 10 * 60_000
/** So much more of a fall, and of its time, is believed of a UPS that tests itself: a test takes three minutes at most. */
const ofTest = 6

/** A runtime that falls for so long, and by so much of the time that passes, counts a battery in use down; in ms. */
const countsFor = 3 * 60_000
const countsDown = 0.6

/** A battery that empties although the UPS reports mains power. */
export interface Fall {
  readonly of: 'charge' | 'runtime'
  /** When it began to fall, in ms. */
  readonly since: number
  /** By how much it has fallen: a charge in %, a runtime in ms. */
  readonly by: number
}

/** `its charge has fallen by 12 % in 6 min`. */
export function describeFall({ of, since, by }: Fall, at: number): string {
  const much = of === 'charge' ? `${by} %` : describeDuration(by)
  return `its ${of} has fallen by ${much} in ${describeDuration(at - since)}`
}

/** Whether the battery empties although the UPS reports mains power, as its charge shows, or else its runtime. */
export function fallOf(trend: readonly Sample[] | undefined, reading: UpsReading): Fall | undefined {
  return chargeFall(trend, reading) ?? runtimeFall(trend, reading)
}

/**
 * A runtime that counts down beside DISCHRG, for a UPS that reports no charge, or one that stands still. Without DISCHRG
 * it follows the load.
 */
function runtimeFall(trend: readonly Sample[] | undefined, reading: UpsReading): Fall | undefined {
  if (!has(reading, 'DISCHRG') || has(reading, 'CHRG') || isOnPurpose(reading)) return undefined
  const all = (trend ?? []).flatMap(({ at, runtime }) => (runtime === undefined ? [] : [{ at, runtime }]))
  const rises = all.findLastIndex(({ runtime }, index) => index > 0 && runtime > all[index - 1]!.runtime)
  const [first, last] = [all[Math.max(0, rises)], all.at(-1)]
  if (!first || !last || last.at - first.at < countsFor) return undefined
  const by = first.runtime - last.runtime
  return by >= countsDown * (last.at - first.at) ? { of: 'runtime', since: first.at, by } : undefined
}

/**
 * Whether the charge falls although the UPS reports mains power: some UPSes report `OL DISCHRG` when mains power has failed
 * (networkupstools/nut #2794 shows the harmless twin, at a constant 100 %). It must have fallen twice at least, because
 * the first figure after an outage may be an old one, and must not be on its way up again. Undefined: it does not.
 */
function chargeFall(
  trend: readonly Sample[] | undefined,
  reading: UpsReading,
  least = falls * believed(reading),
): Fall | undefined {
  const charges = (trend ?? []).flatMap(({ at, charge }) => (charge === undefined ? [] : [{ at, charge }]))
  const last = charges.at(-1)
  if (!last) return undefined
  const top = Math.max(...charges.map(({ charge }) => charge))
  const from = charges.findLastIndex(({ charge }) => charge === top)
  const fall = charges.slice(from)
  const distinct = new Set(fall.map(({ charge }) => charge)).size
  const isLowest = fall.every(({ charge }) => charge >= last.charge - 1)
  const [first] = fall
  if (!first || !isLowest || distinct < 3) return undefined
  // A fall that is over is none.
  const bottom = Math.min(...fall.map(({ charge }) => charge))
  const reached = fall.find(({ charge }) => charge === bottom)
  if (reached && last.at - reached.at > overAfter) return undefined
  if (top - last.charge < least || last.at - first.at < (lasts * least) / falls) return undefined
  return { of: 'charge', since: first.at, by: top - last.charge }
}

/** A UPS that reports that it charges is believed for longer, and one that tests itself for as long as a test takes. */
function believed(reading: UpsReading): number {
  return isOnPurpose(reading) ? ofTest : has(reading, 'CHRG') ? 2 : 1
}

/** A fall of so much raises no alert, and is enough to hold waking back until it ends, in %. */
const slightly = 1

/** Whether the charge falls, by however little, whatever else the UPS reports. */
export function isFalling(trend: readonly Sample[] | undefined, reading: UpsReading): boolean {
  return chargeFall(trend, reading, slightly) !== undefined
}
