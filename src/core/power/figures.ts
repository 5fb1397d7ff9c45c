import { describeClosely, inSeconds } from '../duration.ts'
import { type Doubt, has, type UpsReading } from './ups.ts'

/** Figures that are never used, although the UPS reports them: true where they are. */
export interface Trust {
  readonly charge: boolean
  readonly runtime: boolean
}

/** A battery that is charged to this is expected to last for a while, in %. */
const full = 90
/** What a full battery lasts at least at half load, in ms; and the load that is assumed where none is reported, in %. */
const leastRuntime = 60_000
const usualLoad = 50
/** Nobody's battery lasts longer than this, in ms: values of 16 or 32 bits that mean "unknown" come out above it. */
const longestRuntime = 5 * 86_400_000
/** Values of all ones that mean "unknown" in a UPS's own protocol, in s and min (USB HID Power Devices: unsigned 16 bits). */
const allOnes = new Set([65_535, 65_534, 32_767].flatMap((value) => [value * 1_000, value * 60_000]))
/** A gauge that is a little off reports more than a full battery: up to this it is full, in %. */
const overfull = 110
/** A charge of next to nothing, and a runtime that it can't have, in % and ms. */
const nextToNothing = 5
const tooLongForNothing = 10 * 60_000
/** A runtime that has not changed after so long on battery does not count down, in ms. */
const standsStill = 5 * 60_000

/** What is doubted only for as long as it stands still. */
const standing = 'it does not count down on battery'

/** When the battery came into use, in ms of a monotonic clock, and what it was believed to have until then. */
export interface Transfer {
  readonly at: number
  readonly charge?: number
  readonly runtime?: number
}

/**
 * Many UPSes measure anew when the battery comes into use, and report figures in between that are far too low: for so
 * long one that has fallen below this part of what it was on mains power counts for nothing, in ms. Over moments of mains
 * power this ends after so long on battery in all.
 */
const measuresFor = 10_000
const measuresAtMost = 30_000
const dipsBelow = 0.5
/** A battery with a charge of no more than this has little runtime indeed, in %. */
const littleCharge = 20
/** From this charge on a battery is far from low, in %. */
const plentyOfCharge = 50
/**
 * A bridge to the UPS that has started again may report zeros until it has read the UPS: a figure that was well above
 * nothing, and is nothing within so long, counts for nothing at first. In ms.
 */
const dropsWithin = 60_000
const plentyOfRuntime = 4 * leastRuntime
/**
 * A battery empties in both of its figures: one of them alone that falls to less than half at once is doubted likewise. The
 * other stands still if it has lost less than this part, and the load does too if it has risen by less, in %.
 */
const standsWithin = 0.1
const loadWithin = 10

/** What the UPS has said before, of what decides here. */
export interface Before {
  readonly reading?: UpsReading | undefined
  /** The figures two minutes ago, or since the battery came into use; and for how long it has been in use, in ms. */
  readonly earlier?: { readonly charge?: number; readonly runtime?: number } | undefined
  readonly onBatteryFor?: number | undefined
  /** The transfer to battery that this is seen after, and how long ago that was, in ms. */
  readonly transfer?: (Transfer & { readonly ago: number }) | undefined
  /** The fall to nothing that this is seen after, likewise. */
  readonly drop?: (Transfer & { readonly ago: number }) | undefined
}

/**
 * The reading without the figures that can't be right, or that the configuration does not trust: they neither start a
 * shutdown nor stand for the time that is left for one. `doubts` says which, and why. A figure that was not plausible
 * before stays so for as long as it does not change, because LB or an emptier battery would make it seem plausible; one
 * that stood for "unknown" does not, because many UPSes measure only what is in use.
 *
 * | figure           | is not plausible                                                              |
 * |------------------|-------------------------------------------------------------------------------|
 * | battery.runtime  | negative, all ones, or beyond five days                                       |
 * |                  | next to nothing for this charge and load, without LB: 0, or minutes for seconds |
 * |                  | the same with LB, on mains power: LB may be derived from it (networkupstools/nut #2190) |
 * |                  | 0 with half a battery or more, whatever else it reports: it still runs         |
 * |                  | on battery for minutes without counting down                                  |
 * | either           | less than half of what it was on mains power, in the first seconds on battery, without LB |
 * |                  | nothing, and well above it a moment ago, in the first seconds of that, without LB |
 * |                  | less than half of what it was a moment ago, while the other one stands still: likewise |
 * | battery.charge   | outside of 0 to 100 %; up to 110 % is full                                    |
 * |                  | next to nothing, without LB, and a long runtime, or mains power that does not charge it |
 */
export function plausible(seen: UpsReading, trust: Trust | undefined, before: Before): UpsReading {
  const raw = isOverfull(seen.charge) ? { ...seen, charge: 100 } : seen
  const { charge, runtime } = raw
  const doubtful: { charge?: Doubt; runtime?: Doubt } = {}
  const told = (reported: number, why: string | undefined, isTrusted: boolean): Doubt | undefined => {
    if (!isTrusted) return { reported, why: 'the configuration does not trust it', isConfigured: true }
    return why === undefined ? undefined : { reported, why }
  }
  if (charge !== undefined) {
    const why =
      whyNotCharge(raw, charge) ??
      // A scale of its own (0 to 255) stays one when it has fallen to what a charge may be.
      stays(
        before.reading?.doubts?.charge,
        (doubted) => charge <= doubted && (doubted <= 100 || isNear(charge, doubted)),
      )
    const doubt = told(charge, why, trust?.charge ?? true) ?? measuredAnew(raw, 'charge', before)
    if (doubt) doubtful.charge = doubt
  }
  if (runtime !== undefined) {
    const believed = doubtful.charge === undefined ? charge : undefined
    const why =
      whyNotRuntime(raw, runtime, believed) ??
      whyStill(runtime, before) ??
      // What was too little falls further on battery, and is no more plausible for that.
      stays(before.reading?.doubts?.runtime, (doubted) => {
        if (before.reading?.doubts?.runtime?.why === standing || allOnes.has(doubted)) return runtime === doubted
        return runtime <= doubted && (doubted <= longestRuntime || isNear(runtime, doubted))
      })
    const isLittle = believed !== undefined && believed <= littleCharge
    const doubt =
      told(runtime, why, trust?.runtime ?? true) ?? (isLittle ? undefined : measuredAnew(raw, 'runtime', before))
    if (doubt) doubtful.runtime = doubt
  }
  if (!doubtful.charge && !doubtful.runtime) return raw
  const { charge: _, runtime: __, doubts: ___, ...rest } = raw
  return {
    ...rest,
    ...(charge === undefined || doubtful.charge ? {} : { charge }),
    ...(runtime === undefined || doubtful.runtime ? {} : { runtime }),
    doubts: doubtful,
  }
}

/** The reading with the figures as the UPS reported them, without a judgement. */
export function asReported({ doubts, ...reading }: UpsReading): UpsReading {
  return {
    ...reading,
    ...(doubts?.charge ? { charge: doubts.charge.reported } : {}),
    ...(doubts?.runtime ? { runtime: doubts.runtime.reported } : {}),
  }
}

function isOverfull(charge: number | undefined): boolean {
  return charge !== undefined && charge > 100 && charge <= overfull
}

/** Whether a figure that falls is still the same one: what stood for "unknown" is far from what is measured. */
function isNear(value: number, before: number): boolean {
  return value >= dipsBelow * before
}

function stays(before: Doubt | undefined, isSame: (doubted: number) => boolean): string | undefined {
  return before && !before.isConfigured && !before.isUnconfirmed && isSame(before.reported) ? before.why : undefined
}

/** What was known right before the figures fell to nothing, or one of them alone by more than half; undefined where they have not, or may well have. */
export function dropOf(
  before: { readonly reading: UpsReading; readonly figuresAt?: number },
  at: number,
  raw: UpsReading,
): Transfer | undefined {
  if (before.figuresAt === undefined || at - before.figuresAt > dropsWithin) return undefined
  const { charge = 0, runtime = 0, load = 0 } = before.reading
  const { charge: nowCharge = Infinity, runtime: nowRuntime = Infinity } = raw
  const isAlone = (now: number, was: number, other: number, otherWas: number) =>
    now < dipsBelow * was && otherWas > 0 && other < Infinity && other >= (1 - standsWithin) * otherWas
  const isLoadSame = (raw.load ?? 0) < load + loadWithin
  const hasNoCharge =
    charge > littleCharge && (nowCharge <= nextToNothing || isAlone(nowCharge, charge, nowRuntime, runtime))
  const hasNoRuntime =
    runtime >= plentyOfRuntime &&
    (nowRuntime < leastRuntime || (isLoadSame && isAlone(nowRuntime, runtime, nowCharge, charge)))
  if (!hasNoCharge && !hasNoRuntime) return undefined
  return { at, ...(hasNoCharge ? { charge } : {}), ...(hasNoRuntime ? { runtime } : {}) }
}

/** Whether figures that have fallen to nothing so long ago still count for nothing, in ms. */
export function isDropNew(ago: number): boolean {
  return ago < measuresFor
}

/** A figure that may only be measured anew: it counts if it lasts. A UPS that reports LB or FSD beside it is believed. */
function measuredAnew(
  reading: UpsReading,
  figure: 'charge' | 'runtime',
  { transfer, drop, onBatteryFor = 0 }: Before,
): Doubt | undefined {
  const reported = reading[figure]
  if (reported === undefined || has(reading, 'LB') || has(reading, 'FSD')) return undefined
  const hasFallen = (from: (Transfer & { readonly ago: number }) | undefined) =>
    from?.[figure] !== undefined && reported < dipsBelow * from[figure] && from.ago < measuresFor
  const said = (was: number) => (figure === 'charge' ? `${was} %` : describeClosely(was))
  if (hasFallen(transfer) && onBatteryFor < measuresAtMost) {
    const why = `it was ${said(transfer![figure]!)} on mains power, and the UPS may still be measuring it`
    return { reported, why, isUnconfirmed: true }
  }
  if (!hasFallen(drop)) return undefined
  return { reported, why: `it was ${said(drop![figure]!)} a moment ago, and may not be read yet`, isUnconfirmed: true }
}

/** On mains power, and neither charging nor discharging: it is full, whatever charge it reports. */
function isResting(reading: UpsReading): boolean {
  const isUsed = ['OB', 'CHRG', 'DISCHRG', 'LB'].some((token) => has(reading, token))
  return has(reading, 'OL') && !isUsed
}

function whyNotCharge(reading: UpsReading, charge: number): string | undefined {
  if (!(charge >= 0 && charge <= 100)) return `${charge} % is no charge`
  if (charge > nextToNothing || has(reading, 'LB')) return undefined
  const { runtime } = reading
  if (runtime !== undefined && runtime >= tooLongForNothing && runtime <= longestRuntime && !allOnes.has(runtime))
    return `the UPS reports a runtime of ${describeClosely(runtime)} beside it, and no low battery (LB)`
  // A battery that is empty and on mains power is being charged.
  return isResting(reading) ? 'the UPS neither charges it nor reports a low battery (LB)' : undefined
}

function whyNotRuntime(reading: UpsReading, runtime: number, charge: number | undefined): string | undefined {
  if (!(runtime >= 0)) return `${inSeconds(runtime)} is no runtime`
  if (runtime > longestRuntime || allOnes.has(runtime)) return 'it is a value that stands for "unknown"'
  const believed = charge ?? (isResting(reading) ? 100 : undefined)
  if (believed === undefined) return undefined
  const isLow = has(reading, 'LB')
  const isEarly = isLow && believed >= plentyOfCharge && !has(reading, 'RB')
  if (isLow && !(isEarly && (isUnused(reading) || runtime === 0))) return undefined
  const { load = usualLoad } = reading
  // Twice the load takes half the runtime; a load of next to nothing is not measured well.
  const least = leastRuntime * Math.min(5, usualLoad / Math.max(load, 10)) * (believed / 100)
  // Not linear at its end: less of a charge is worth less than its share.
  if (runtime >= (believed >= full ? least : least / 2)) return undefined
  const seen = charge === undefined ? 'the battery rests' : `the charge is ${charge} %`
  const withLoad = `${seen}${reading.load === undefined ? '' : ` at a load of ${reading.load} %`}`
  if (!isLow) return `${withLoad}, without a low battery (LB)`
  return isUnused(reading)
    ? `${withLoad} on mains power, and the low battery (LB) beside it may be derived from it`
    : `${withLoad}, and the UPS still runs`
}

/** On mains power, as all that it says of itself shows. */
function isUnused(reading: UpsReading): boolean {
  return has(reading, 'OL') && !['OB', 'DISCHRG', 'CAL'].some((token) => has(reading, token))
}

function whyStill(runtime: number, { earlier, onBatteryFor = 0 }: Before): string | undefined {
  if (earlier?.runtime !== runtime || onBatteryFor < standsStill) return undefined
  return standing
}
