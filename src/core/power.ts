import { assertNever } from './errors.ts'

/** What `ups.status` and the battery's variables said. Anything but the status may be missing. */
export interface UpsReading {
  /** The tokens of `ups.status`, unknown ones included: `OL`, `OB`, `LB`, `FSD`, `CAL`, `CHRG`, … */
  readonly status: readonly string[]
  /** battery.charge, in %. */
  readonly charge?: number
  /** battery.runtime, in ms. */
  readonly runtime?: number
  /** ups.load, in %. */
  readonly load?: number
}

/** `at` is in ms of a clock that never jumps. */
export type Observation =
  | { readonly kind: 'reading'; readonly at: number; readonly reading: UpsReading }
  | { readonly kind: 'silence'; readonly at: number; readonly why: string }

/** Why a UPS counts as about to fail. */
export type CriticalReason =
  | 'forced-shutdown'
  | 'low-battery'
  | 'low-charge'
  | 'low-runtime'
  | 'on-battery-too-long'
  | 'silent-on-battery'
  | 'outage-resumed'

/**
 * | from       | seen                                                     | to         |
 * |------------|----------------------------------------------------------|------------|
 * | unknown    | OL                                                       | on-mains   |
 * | unknown    | OB; the same with an open outage                         | on-battery; critical |
 * | unknown    | FSD OL: left over from before, upsd keeps it             | latched    |
 * | unknown    | silence; the same for `silence` while nodes were stopping | unknown; critical |
 * | on-mains   | OB for `onBatteryAfter`                                  | on-battery |
 * | on-mains   | OB LB for `lowBatteryAfter`, OB FSD                      | critical   |
 * | on-mains   | FSD OL, without a moment on battery before               | latched    |
 * | on-mains   | silence                                                  | on-mains   |
 * | on-mains   | silence, and OB was the last word `onBatteryAfter` ago   | on-battery |
 * | on-battery | OL                                                       | on-mains   |
 * | on-battery | LB for `lowBatteryAfter`, FSD, charge, runtime or time beyond policy | critical |
 * | on-battery | silence for `silence`                                    | critical   |
 * | critical   | OL without FSD                                           | on-mains   |
 * | critical   | FSD OL for `latchAfter`                                  | latched    |
 * | critical   | anything else                                            | critical   |
 * | latched    | OL without FSD                                           | on-mains   |
 * | latched    | OB                                                       | as from on-battery |
 *
 * Silence proves nothing: it never starts a shutdown from mains and never calls one off. A status with neither OL nor
 * OB in it (`WAIT`, or empty, while upsd has no data) counts as silence, unless it is `FSD LB`, or FSD after OB: those
 * are the same as OB FSD. CAL, a calibration, is on battery on purpose: only FSD and silence make it critical, and what
 * comes after it counts from its end.
 */
export type PowerState =
  | {
      readonly mode: 'unknown'
      readonly since: number
      /** A power cut was under way when the agent stopped. */
      readonly openOutage: boolean
      /** Its nodes had all been told by then: a node that runs now booted since, so silence is no reason to tell it. */
      readonly nodesAreDown: boolean
      readonly why: string
    }
  | {
      readonly mode: 'on-mains'
      readonly since: number
      readonly lastHeard: number
      readonly reading: UpsReading
      /** OB was seen, but not for long enough to be believed. */
      readonly batterySince?: number
      readonly lowSince?: number
    }
  | {
      readonly mode: 'on-battery'
      readonly since: number
      readonly lastHeard: number
      readonly reading: UpsReading
      readonly lowSince?: number
    }
  | {
      readonly mode: 'critical'
      readonly since: number
      readonly reason: CriticalReason
      readonly lastHeard: number
      readonly reading?: UpsReading
      /** Since when mains seems to be back while FSD is still shown. */
      readonly mainsSince?: number
    }
  | { readonly mode: 'latched'; readonly since: number; readonly lastHeard: number; readonly reading: UpsReading }

/** Durations in ms, charge in %. */
export interface PowerPolicy {
  readonly onBatteryAfter: number
  readonly lowBatteryAfter: number
  readonly maxOnBattery: number
  readonly silence: number
  readonly minimumCharge?: number | undefined
  readonly minimumRuntime?: number | undefined
}

const latchAfter = 5 * 60_000

export function startPower(at: number, openOutage: boolean, nodesAreDown = false): PowerState {
  return { mode: 'unknown', since: at, openOutage, nodesAreDown, why: 'the UPS has not been heard from yet' }
}

export function nextPowerState(state: PowerState, seen: Observation, policy: PowerPolicy): PowerState {
  if (seen.kind === 'silence' || !saysAnything(seen.reading, state)) return afterSilence(state, seen, policy)
  const { at, reading } = seen
  return has(reading, 'OB') || !has(reading, 'OL')
    ? afterBattery(state, at, reading, policy)
    : afterMains(state, at, reading)
}

function afterSilence(state: PowerState, seen: Observation, policy: PowerPolicy): PowerState {
  const { at } = seen
  switch (state.mode) {
    case 'unknown':
      if (state.openOutage && !state.nodesAreDown && at - state.since > policy.silence) {
        return { mode: 'critical', since: at, reason: 'outage-resumed', lastHeard: state.since }
      }
      return { ...state, why: seen.kind === 'silence' ? seen.why : 'the UPS server has no data yet' }
    case 'on-battery': {
      const { lastHeard, reading, since } = state
      if (at - lastHeard > policy.silence)
        return { mode: 'critical', since: at, reason: 'silent-on-battery', lastHeard, reading }
      if (at - since > policy.maxOnBattery && !has(reading, 'CAL'))
        return { mode: 'critical', since: at, reason: 'on-battery-too-long', lastHeard, reading }
      return state
    }
    case 'on-mains': {
      const { batterySince, lastHeard, reading, lowSince } = state
      if (batterySince === undefined || at - batterySince < policy.onBatteryAfter) return state
      // Whoever told us of the battery may be the first thing that it doesn't carry.
      const low = lowSince === undefined ? {} : { lowSince }
      return { mode: 'on-battery', since: batterySince, lastHeard, reading, ...low }
    }
    case 'critical':
    case 'latched':
      return state
    default:
      return assertNever(state)
  }
}

function afterMains(state: PowerState, at: number, reading: UpsReading): PowerState {
  const forced = has(reading, 'FSD')
  switch (state.mode) {
    case 'critical': {
      if (!forced) return { mode: 'on-mains', since: at, lastHeard: at, reading }
      const mainsSince = state.mainsSince ?? at
      if (at - mainsSince > latchAfter) return { mode: 'latched', since: at, lastHeard: at, reading }
      return { ...state, lastHeard: at, reading, mainsSince }
    }
    case 'on-battery':
      if (forced) return { mode: 'critical', since: at, reason: 'forced-shutdown', lastHeard: at, reading }
      return { mode: 'on-mains', since: at, lastHeard: at, reading }
    case 'on-mains':
      if (forced && state.batterySince !== undefined) {
        return { mode: 'critical', since: at, reason: 'forced-shutdown', lastHeard: at, reading }
      }
      if (forced) return { mode: 'latched', since: at, lastHeard: at, reading }
      return { mode: 'on-mains', since: state.since, lastHeard: at, reading }
    case 'latched':
      if (forced) return { ...state, lastHeard: at, reading }
      return { mode: 'on-mains', since: at, lastHeard: at, reading }
    case 'unknown':
      if (forced) return { mode: 'latched', since: at, lastHeard: at, reading }
      return { mode: 'on-mains', since: at, lastHeard: at, reading }
    default:
      return assertNever(state)
  }
}

function afterBattery(state: PowerState, at: number, reading: UpsReading, policy: PowerPolicy): PowerState {
  if (state.mode === 'critical') {
    const { mode, since, reason } = state
    return { mode, since, reason, lastHeard: at, reading }
  }
  if (state.mode === 'unknown' && state.openOutage) {
    return { mode: 'critical', since: at, reason: 'outage-resumed', lastHeard: at, reading }
  }

  const since = (isCalibrationOver(state, reading) ? undefined : batterySinceOf(state)) ?? at
  const before = state.mode === 'on-battery' || state.mode === 'on-mains' ? state.lowSince : undefined
  const lowSince = has(reading, 'LB') && !has(reading, 'CAL') ? (before ?? at) : undefined

  const reason = criticalReason(
    reading,
    { onBatteryFor: at - since, lowFor: lowSince === undefined ? undefined : at - lowSince },
    policy,
  )
  if (reason) return { mode: 'critical', since: at, reason, lastHeard: at, reading }

  const low = lowSince === undefined ? {} : { lowSince }
  // On mains a blip must last before it counts; from anywhere else there is no mains to go back to.
  if (state.mode === 'on-mains' && at - since < policy.onBatteryAfter) {
    return { mode: 'on-mains', since: state.since, lastHeard: at, reading, batterySince: since, ...low }
  }
  return { mode: 'on-battery', since, lastHeard: at, reading, ...low }
}

function batterySinceOf(state: PowerState): number | undefined {
  if (state.mode === 'on-battery') return state.since
  return state.mode === 'on-mains' ? state.batterySince : undefined
}

/** From here on the battery is in use because it has to be. */
function isCalibrationOver(state: PowerState, reading: UpsReading): boolean {
  return 'reading' in state && state.reading !== undefined && has(state.reading, 'CAL') && !has(reading, 'CAL')
}

function criticalReason(
  reading: UpsReading,
  { onBatteryFor, lowFor }: { onBatteryFor: number; lowFor: number | undefined },
  policy: PowerPolicy,
): CriticalReason | undefined {
  if (has(reading, 'FSD')) return 'forced-shutdown'
  if (has(reading, 'CAL')) return undefined
  if (lowFor !== undefined && lowFor >= policy.lowBatteryAfter) return 'low-battery'
  if (onBatteryFor < policy.onBatteryAfter) return undefined
  if (policy.minimumCharge !== undefined && reading.charge !== undefined && reading.charge < policy.minimumCharge)
    return 'low-charge'
  if (policy.minimumRuntime !== undefined && reading.runtime !== undefined && reading.runtime < policy.minimumRuntime)
    return 'low-runtime'
  if (onBatteryFor > policy.maxOnBattery) return 'on-battery-too-long'
  return undefined
}

/**
 * Why the power speaks against beginning anything; undefined when it does not. A UPS that has been silent for longer
 * than `silence` is not trusted to be on mains. `at` as in an observation.
 */
export function powerObstacle(state: PowerState, at: number, policy: Pick<PowerPolicy, 'silence'>): string | undefined {
  switch (state.mode) {
    case 'unknown':
      return state.why
    case 'on-mains':
      if (state.batterySince !== undefined) return 'the UPS is on battery'
      if (at - state.lastHeard > policy.silence) return 'the UPS no longer answers'
      return undefined
    case 'on-battery':
      return 'the UPS is on battery'
    case 'critical':
      return 'the UPS is about to fail'
    case 'latched':
      return 'the UPS server shows a forced shutdown (FSD): restart upsd to clear it'
    default:
      return assertNever(state)
  }
}

function has({ status }: UpsReading, token: string): boolean {
  return status.includes(token)
}

/** Whether a status says how the power is: `WAIT`, or an empty one, is upsd without data. */
export function saysAnything(reading: UpsReading, state: PowerState): boolean {
  if (has(reading, 'OL') || has(reading, 'OB')) return true
  return has(reading, 'FSD') && (has(reading, 'LB') || batterySinceOf(state) !== undefined)
}
