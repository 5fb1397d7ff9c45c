import { type Sample, depletionOf, withSample } from './battery.ts'
import { assertNever } from '../errors.ts'
import { criticalReason, type CriticalReason, isCalledOff, isPurpose, isShortOf, type PowerPolicy } from './triggers.ts'
import { has, isOnPurpose, type Observation, type UpsReading } from './ups.ts'

/**
 * | from       | seen                                                                            | to                   |
 * |------------|---------------------------------------------------------------------------------|----------------------|
 * | unknown    | OL                                                                              | on-mains             |
 * | unknown    | OB; the same with an open outage                                                | on-battery; critical |
 * | unknown    | FSD OL: left over from before, upsd keeps it                                    | latched              |
 * | unknown    | silence; the same for `deadTime` while nodes were stopping                       | unknown; critical    |
 * | on-mains   | OB for `onBatteryAfter`                                                         | on-battery           |
 * | on-mains   | OB LB for `lowBatteryAfter`, OB FSD                                             | critical             |
 * | on-mains   | FSD OL, without a moment on battery before                                      | latched              |
 * | on-mains   | silence                                                                         | on-mains             |
 * | on-mains   | silence, and OB was the last word `onBatteryAfter` ago                          | on-battery           |
 * | on-battery | OL                                                                              | on-mains             |
 * | on-battery | LB for `lowBatteryAfter`, FSD, charge, runtime, depletion or time beyond policy | critical             |
 * | on-battery | silence for `deadTime`                                                          | critical             |
 * | on-battery | the same again, or less severe, after a person has cancelled it                 | on-battery           |
 * | critical   | OL without FSD                                                                  | on-mains             |
 * | critical   | FSD OL for `latchAfter`                                                         | latched              |
 * | critical   | anything else                                                                   | critical             |
 * | latched    | OL without FSD                                                                  | on-mains             |
 * | latched    | OB                                                                              | as from on-battery   |
 *
 * Silence proves nothing: it never starts a shutdown from mains and never cancels one. A status with neither OL nor
 * OB in it (`WAIT`, or empty, while upsd has no data) counts as silence, unless it is `FSD LB`, or FSD after OB: those
 * are the same as OB FSD. CAL, a calibration, is on battery on purpose: only FSD and silence make it critical, and what
 * comes after it counts from its end. So is a self-test, for as long as one may last: a result that stays `In progress`
 * must not disarm anything. OFF, BYPASS, ALARM and whatever else stands in the status decide nothing.
 */
export type PowerState =
  | {
      readonly mode: 'unknown'
      readonly since: number
      /** An outage was open when the agent stopped. */
      readonly openOutage: boolean
      /** All nodes were shut down by then. One that runs now has booted since, so silence does not shut it down. */
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
      /** Since when charge or runtime is below what the policy asks for. */
      readonly shortSince?: number
      /** Of the time since then. */
      readonly samples?: readonly Sample[]
    }
  | {
      readonly mode: 'on-battery'
      readonly since: number
      readonly lastHeard: number
      readonly reading: UpsReading
      readonly lowSince?: number
      /** Since when charge or runtime is below what the policy asks for. */
      readonly shortSince?: number
      readonly samples: readonly Sample[]
      /** A person has cancelled this shutdown, and with it every less severe one. */
      readonly calledOff?: CriticalReason
    }
  | {
      readonly mode: 'critical'
      readonly since: number
      readonly reason: CriticalReason
      readonly lastHeard: number
      readonly reading?: UpsReading
      /** Since when mains seems to be back while FSD is still shown. */
      readonly mainsSince?: number
      /** Since when the battery has been in use, and what it has said since. */
      readonly batterySince: number
      readonly samples: readonly Sample[]
    }
  | { readonly mode: 'latched'; readonly since: number; readonly lastHeard: number; readonly reading: UpsReading }

const latchAfter = 5 * 60_000

export function startPower(at: number, openOutage: boolean, nodesAreDown = false): PowerState {
  return { mode: 'unknown', since: at, openOutage, nodesAreDown, why: 'the UPS has not answered yet' }
}

export function nextPowerState(state: PowerState, seen: Observation, policy: PowerPolicy): PowerState {
  if (seen.kind === 'silence') return afterSilence(state, seen, policy)
  const reading = readingAfter(state, seen)
  if (!saysAnything(reading, state)) return afterSilence(state, seen, policy)
  const { at } = seen
  return has(reading, 'OB') || !has(reading, 'OL')
    ? afterBattery(state, at, reading, policy)
    : afterMains(state, at, reading)
}

/** What the UPS says now: a status alone leaves the figures as they were. */
export function readingAfter(state: PowerState, seen: Exclude<Observation, { kind: 'silence' }>): UpsReading {
  if (seen.kind === 'reading') return seen.reading
  return { ...('reading' in state ? state.reading : undefined), status: seen.status }
}

function afterSilence(state: PowerState, seen: Observation, policy: PowerPolicy): PowerState {
  const { at } = seen
  switch (state.mode) {
    case 'unknown':
      if (state.openOutage && !state.nodesAreDown && at - state.since > policy.deadTime) {
        const { since } = state
        return critical('outage-resumed', at, { lastHeard: since, batterySince: since, samples: [] })
      }
      return { ...state, why: seen.kind === 'silence' ? seen.why : 'the UPS server has no data yet' }
    case 'on-battery': {
      const { lastHeard, reading, since, samples, calledOff } = state
      const onBatteryFor = at - since
      const reason =
        at - lastHeard > policy.deadTime
          ? 'silent-on-battery'
          : policy.maxOnBattery !== undefined && onBatteryFor > policy.maxOnBattery && !isPurpose(reading, onBatteryFor)
            ? 'on-battery-too-long'
            : undefined
      if (reason === undefined || isCalledOff(reason, calledOff)) return state
      return critical(reason, at, { lastHeard, reading, batterySince: since, samples })
    }
    case 'on-mains': {
      const { batterySince, lastHeard, reading, lowSince } = state
      if (batterySince === undefined || at - batterySince < policy.onBatteryAfter) return state
      // The server that reported OB may be the first to lose its power.
      const low = lowSince === undefined ? {} : { lowSince }
      return { mode: 'on-battery', since: batterySince, lastHeard, reading, samples: state.samples ?? [], ...low }
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
      // A latch, if a person has cancelled this shutdown.
      if (forced && isCalledOff('forced-shutdown', state.calledOff))
        return { mode: 'latched', since: at, lastHeard: at, reading }
      if (forced) {
        const { since, samples } = state
        return critical('forced-shutdown', at, { lastHeard: at, reading, batterySince: since, samples })
      }
      return { mode: 'on-mains', since: at, lastHeard: at, reading }
    case 'on-mains':
      if (forced && state.batterySince !== undefined) {
        const { batterySince, samples = [] } = state
        return critical('forced-shutdown', at, { lastHeard: at, reading, batterySince, samples })
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
    const { mainsSince: _, ...rest } = state
    return { ...rest, lastHeard: at, reading, samples: withSample(state.samples, at, reading) }
  }
  const seen = { lastHeard: at, reading }
  if (state.mode === 'unknown' && state.openOutage) {
    return critical('outage-resumed', at, { ...seen, batterySince: at, samples: withSample([], at, reading) })
  }

  const known = isPurposeOver(state, reading) ? undefined : batterySinceOf(state)
  const since = known ?? at
  const samples = withSample(known === undefined || !('samples' in state) ? [] : (state.samples ?? []), at, reading)
  const isLow = has(reading, 'LB') && !isPurpose(reading, at - since) && !policy.ignoreLowBattery
  const before = state.mode === 'on-battery' || state.mode === 'on-mains' ? state : undefined
  const lowSince = isLow ? (before?.lowSince ?? at) : undefined
  const shortSince = isShortOf(reading, policy) ? (before?.shortSince ?? at) : undefined
  const calledOff = state.mode === 'on-battery' ? state.calledOff : undefined

  const reason = criticalReason(
    reading,
    {
      onBatteryFor: at - since,
      lowFor: lowSince === undefined ? undefined : at - lowSince,
      shortFor: shortSince === undefined ? undefined : at - shortSince,
      depletion: depletionOf(samples, since),
    },
    policy,
  )
  if (reason && !isCalledOff(reason, calledOff)) return critical(reason, at, { ...seen, batterySince: since, samples })

  const low = {
    ...(lowSince === undefined ? {} : { lowSince }),
    ...(shortSince === undefined ? {} : { shortSince }),
  }
  // On mains a blip must last before it counts; from anywhere else there is no mains to go back to.
  if (state.mode === 'on-mains' && at - since < policy.onBatteryAfter) {
    return { mode: 'on-mains', since: state.since, ...seen, batterySince: since, samples, ...low }
  }
  const off = calledOff === undefined ? {} : { calledOff }
  return { mode: 'on-battery', since, ...seen, samples, ...low, ...off }
}

/**
 * A person cancels the shutdown for this reason, and every less severe one, until mains power is back. A UPS that has
 * not answered since the start then counts as unknown, and its silence starts nothing.
 * Undefined where there is nothing to cancel.
 */
export function callOff(state: PowerState): PowerState | undefined {
  if (state.mode !== 'critical') return undefined
  const { batterySince, lastHeard, reading, samples, reason, since } = state
  if (reading === undefined)
    return {
      mode: 'unknown',
      since,
      openOutage: false,
      nodesAreDown: true,
      why: 'cancelled on request; the UPS is silent',
    }
  return { mode: 'on-battery', since: batterySince, lastHeard, reading, samples, calledOff: reason }
}

function critical(
  reason: CriticalReason,
  since: number,
  rest: Omit<PowerState & { mode: 'critical' }, 'mode' | 'since' | 'reason'>,
): PowerState {
  return { mode: 'critical', since, reason, ...rest }
}

function batterySinceOf(state: PowerState): number | undefined {
  if (state.mode === 'on-battery') return state.since
  return state.mode === 'on-mains' ? state.batterySince : undefined
}

/**
 * From here on the battery is in use because it has to be. Only where the purpose itself has ended: one that lasts for
 * longer than allowed keeps counting from its start.
 */
function isPurposeOver(state: PowerState, reading: UpsReading): boolean {
  const since = batterySinceOf(state)
  if (since === undefined || !('reading' in state) || state.reading === undefined) return false
  return isPurpose(state.reading, state.lastHeard - since) && !isOnPurpose(reading)
}

/**
 * Why nothing may start because of the power; undefined if it may. A UPS that has been silent for longer
 * than `deadTime` is not trusted to be on mains. `at` as in an observation.
 */
export function upsObstacle(state: PowerState, at: number, policy: Pick<PowerPolicy, 'deadTime'>): string | undefined {
  switch (state.mode) {
    case 'unknown':
      return state.why
    case 'on-mains':
      if (state.batterySince !== undefined) return 'the UPS is on battery'
      if (at - state.lastHeard > policy.deadTime) return 'the UPS no longer answers'
      return undefined
    case 'on-battery':
      return 'the UPS is on battery'
    case 'critical':
      return 'the UPS is critical'
    case 'latched':
      return 'the UPS server shows a forced shutdown (FSD): restart upsd to clear it'
    default:
      return assertNever(state)
  }
}

/** Whether a status says how the power is: `WAIT`, or an empty one, is upsd without data. */
export function saysAnything(reading: UpsReading, state: PowerState): boolean {
  if (has(reading, 'OL') || has(reading, 'OB')) return true
  return has(reading, 'FSD') && (has(reading, 'LB') || batterySinceOf(state) !== undefined)
}
