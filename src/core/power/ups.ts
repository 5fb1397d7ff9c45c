import { describeClosely, inSeconds } from '../duration.ts'
import { agreeing, listed } from '../count.ts'
import { hasToken, unclearWords } from './tokens.ts'

/** A figure that the UPS reports and that is not used. */
export interface Doubt {
  /** As reported: charge in %, runtime in ms. */
  readonly reported: number
  /** Why, in words that fit after "is not used, because". */
  readonly why: string
  /** The configuration says so: nobody needs to be told. */
  readonly isConfigured?: true
  /** It counts if it lasts: the battery has only just come into use. */
  readonly isUnconfirmed?: true
}

export interface Doubts {
  readonly charge?: Doubt
  readonly runtime?: Doubt
}

/** What `ups.status` and the variables said. Anything but the status may be missing. */
export interface UpsReading {
  /** The tokens of `ups.status`, unknown ones included: `OL`, `OB`, `LB`, `FSD`, `CAL`, `CHRG`, … */
  readonly status: readonly string[]
  /** battery.charge, in %. */
  readonly charge?: number
  /** battery.runtime, in ms. */
  readonly runtime?: number
  /** ups.load, in %. */
  readonly load?: number
  /** Figures that the UPS reports and that are not used: not plausible, or not trusted. */
  readonly doubts?: Doubts
  /** ups.alarm: what the token ALARM is about. */
  readonly alarm?: string
  /** ups.test.result says that a self-test is under way. */
  readonly testing?: true
  /** battery.charge.low in %, battery.runtime.low in ms: where the UPS itself starts to say LB. */
  readonly chargeLow?: number
  readonly runtimeLow?: number
  /** input.voltage, in V; only in some readings. */
  readonly inputVolts?: number
}

/** What one question to upsd came to. `at` in ms of a monotonic clock. */
export type Observation =
  | { readonly kind: 'reading'; readonly at: number; readonly reading: UpsReading }
  /** Only `ups.status` was read: the figures are still those of the last reading. */
  | { readonly kind: 'status'; readonly at: number; readonly status: readonly string[] }
  | { readonly kind: 'silence'; readonly at: number; readonly why: string }

/** Whether the status has this token of the standard, or another program's word for it. */
export function has({ status }: Pick<UpsReading, 'status'>, token: string): boolean {
  return hasToken(status, token)
}

/**
 * The battery is in use on purpose: a calibration, or a self-test. What it then says of itself is no reason to shut
 * down. Some UPSes say TEST, which is no token of NUT's (networkupstools/nut docs/new-drivers.txt "Status data").
 */
export function isOnPurpose(reading: UpsReading): boolean {
  return has(reading, 'CAL') || has(reading, 'TEST') || reading.testing === true
}

/** A low battery that its own figures contradict by this much is reported: charge in %, runtime as a multiple of the mark. */
const plentyOfCharge = 50
const plentyOfRuntime = 3

/** Whether LB contradicts the UPS's own figures: some UPSes report it falsely. */
export function isDoubted(reading: UpsReading): boolean {
  const { charge, runtime, runtimeLow = 60_000 } = reading
  if (charge === undefined && runtime === undefined) return false
  const isPlenty = charge === undefined || charge >= plentyOfCharge
  return has(reading, 'LB') && isPlenty && (runtime === undefined || runtime >= plentyOfRuntime * runtimeLow)
}

/** Why a figure is not known, as a clause: the UPS does not report it, or it does, and it is not used. */
export function whyUnknown(reading: UpsReading | undefined, figure: keyof Doubts, who = 'the UPS'): string {
  if (reading === undefined) return `${who} has not answered yet`
  const doubt = reading.doubts?.[figure]
  if (!doubt) return `${who} does not report its ${figure}`
  return `${who} reports ${describeReported(figure, doubt)}, which is not used: ${doubt.why}`
}

/** `a charge of 0 %`, `a runtime of 0 s`. */
export function describeReported(figure: keyof Doubts, { reported }: Pick<Doubt, 'reported'>): string {
  return figure === 'charge' ? `a charge of ${reported} %` : `a runtime of ${inSeconds(reported)}`
}

/** What a person should know about a UPS. */
export type UpsRemark = 'bypass' | 'off' | 'alarm' | 'replace' | 'overload' | 'low' | 'words'

/**
 * What a person should know of a UPS although nothing has to be done about it, by matter; undefined says that the matter
 * is settled. None of it ever starts a shutdown: false ones came from exactly these (networkupstools/nut #2104, #2278,
 * #2794, #1942).
 */
export function remarksOn(reading: UpsReading): Readonly<Record<UpsRemark, string | undefined>> {
  const { alarm, charge, runtime } = reading
  const figures = [
    ...(charge === undefined ? [] : [`a charge of ${charge} %`]),
    ...(runtime === undefined ? [] : [`a runtime of ${describeClosely(runtime)}`]),
  ]
  const words = unclearWords(reading.status)
  const remark = (token: string, text: string) => (has(reading, token) ? text : undefined)
  return {
    bypass: remark('BYPASS', 'is in bypass (BYPASS): its load loses power at once when mains power fails'),
    off: remark('OFF', 'does not feed its load (OFF)'),
    alarm: remark('ALARM', `has an alarm${alarm === undefined ? '' : `: ${alarm}`}`),
    replace: remark('RB', 'needs a new battery (RB)'),
    overload: remark('OVER', 'is overloaded (OVER): it may switch off when the power fails'),
    low: isDoubted(reading)
      ? `reports a low battery (LB) that its figures contradict: ${figures.join(' and ')}`
      : undefined,
    words:
      words.length === 0
        ? undefined
        : `reports ${listed(words)} in its status, which NUT does not know and which may stand for several tokens: ${agreeing(words, 'it is', 'they are')} not used`,
  }
}
