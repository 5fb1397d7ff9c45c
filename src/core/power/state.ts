import type { Sample } from './battery.ts'
import { assertNever } from '../errors.ts'
import type { Transfer } from './figures.ts'
import type { MainsFailures } from './flapping.ts'
import { forcedWords, latchedWords } from './forced.ts'
import type { Spell } from './spell.ts'
import type { Fall } from './trend.ts'
import { type CalledOff, type CriticalReason, isCalledOff, type PowerPolicy } from './triggers.ts'
import { has, type UpsReading } from './ups.ts'

/** What is known of a UPS that has answered. Times in ms of a monotonic clock. */
export interface Heard {
  /** When upsd last had data of it. */
  readonly lastHeard: number
  readonly reading: UpsReading
  /** When the figures in it were read: a status alone leaves them as they were. */
  readonly figuresAt: number
  /** When the battery was last in use. */
  readonly lastOnBattery?: number
  /** What the battery has said since the UPS began to report mains power, to see whether it falls. */
  readonly trend?: readonly Sample[]
  /** The battery empties although the UPS reports mains power. */
  readonly fall?: Fall
  /** And so far that it counts as in use. */
  readonly isInferred?: true
  /** The transfer to battery, with the figures from before it; absent on mains power. */
  readonly transfer?: Transfer
  /** Figures that have just fallen to nothing on battery, as they were before. */
  readonly drop?: Transfer
  /** Of mains power, since it last held for a while. */
  readonly failures?: MainsFailures
  /** Since when the status says nothing for certain of mains power: the last known state holds. */
  readonly unclearSince?: number
}

/** What this time on battery has been like, over moments of mains power that did not last. */
export interface BatteryUse {
  readonly battery: Spell
  /** LB. */
  readonly low?: Spell
  /** Charge or runtime below what the policy asks for. */
  readonly short?: Spell
  /** What the battery has said since. */
  readonly samples: readonly Sample[]
  /** Since when mains power seems to be back. */
  readonly mainsSince?: number
}

/** What is known of the power that one UPS gives. */
export type PowerState =
  | {
      readonly mode: 'unknown'
      readonly since: number
      /** An outage was open when the agent stopped. */
      readonly openOutage: boolean
      /** All nodes were shut down by then. One that runs now has booted since, so silence does not shut it down. */
      readonly nodesAreDown: boolean
      readonly why: string
      /** It was on battery right before the agent stopped, and showed no FSD then. */
      readonly wasOnBattery?: boolean
      /** It was heard right before the agent stopped, on mains power and without FSD. */
      readonly wasOnMains?: boolean
      /** It showed FSD right before the agent stopped. */
      readonly wasForced?: boolean
      /** Since when the status only hints at mains power, and what it is. */
      readonly unclearSince?: number
      readonly reading?: UpsReading
      /** What the battery has said meanwhile, to see whether it falls. */
      readonly trend?: readonly Sample[]
    }
  | ({
      readonly mode: 'on-mains'
      /** Since when there has been nothing but mains power. */
      readonly since: number
      /** The battery was in use, but not for long enough to be believed. */
      readonly use?: BatteryUse
      /** It has been silent for longer than the dead time. */
      readonly isSilent?: boolean
    } & Heard)
  | ({
      readonly mode: 'on-battery'
      readonly since: number
      /** A person has cancelled this shutdown, and with it every less severe one. */
      readonly calledOff?: CalledOff
    } & Heard &
      BatteryUse)
  | ({
      readonly mode: 'critical'
      readonly since: number
      readonly reason: CriticalReason
    } & Partial<Heard> &
      Pick<Heard, 'lastHeard'> &
      BatteryUse)
  /** FSD on mains power that nothing explains: what follows confirms it, or does not. */
  | ({ readonly mode: 'forced'; readonly since: number } & Heard)
  /** FSD that is left over: upsd keeps it until it is restarted. */
  | ({ readonly mode: 'latched'; readonly since: number } & Heard)

/** What is remembered of a UPS over a restart of the agent. */
export interface Recollection {
  /** An outage was open when the agent stopped. */
  readonly openOutage?: boolean
  /** All nodes were shut down by then. */
  readonly nodesAreDown?: boolean
  /** It was on battery within the last minutes, and showed no FSD then. */
  readonly wasOnBattery?: boolean
  /** It was heard within the dead time, on mains power and without FSD. */
  readonly wasOnMains?: boolean
  /** It showed FSD within the last minutes. */
  readonly wasForced?: boolean
}

export function startPower(
  at: number,
  {
    openOutage = false,
    nodesAreDown = false,
    wasOnBattery = false,
    wasOnMains = false,
    wasForced = false,
  }: Recollection = {},
): PowerState {
  return {
    mode: 'unknown',
    since: at,
    openOutage,
    nodesAreDown,
    why: 'the UPS has not answered yet',
    ...(wasOnBattery ? { wasOnBattery } : {}),
    ...(wasOnMains ? { wasOnMains } : {}),
    ...(wasForced ? { wasForced } : {}),
  }
}

/** How the battery has been used, where it is or was until a moment ago. */
export function useOf(state: PowerState): BatteryUse | undefined {
  if (state.mode === 'on-mains') return state.use
  return state.mode === 'on-battery' || state.mode === 'critical' ? state : undefined
}

/**
 * A person cancels the shutdown for this reason, and every less severe one, until mains power is back, or one that has not
 * begun; with a low battery in sight also for that, whatever came first: after a restart it was that an outage was under
 * way. A UPS that has not answered since the start then counts as unknown, and its silence starts nothing.
 * Undefined where there is nothing to cancel.
 */
export function callOff(state: PowerState): PowerState | undefined {
  // It is no request: what is left of it is a latch.
  if (state.mode === 'forced') return { ...state, mode: 'latched' }
  if (state.mode === 'on-battery' || state.mode === 'on-mains') return callOffAhead(state)
  if (state.mode !== 'critical') return undefined
  const { reason, reading, figuresAt = state.lastHeard, since, mainsSince, ...rest } = state
  if (reading === undefined)
    return {
      mode: 'unknown',
      since,
      openOutage: false,
      nodesAreDown: true,
      why: 'cancelled on request; the UPS is silent',
    }
  // FSD on mains power counts for a latch alone.
  const back = mainsSince === undefined || has(reading, 'FSD') ? {} : { mainsSince }
  const calledOff = has(reading, 'LB') && isCalledOff(reason, 'low-battery') ? 'low-battery' : reason
  return { ...rest, ...back, mode: 'on-battery', since: state.battery.since, reading, figuresAt, calledOff }
}

/** The shutdown that is to come: neither time on battery nor the rate starts one, and a battery that is short still does. */
function callOffAhead(state: PowerState & { readonly mode: 'on-battery' | 'on-mains' }): PowerState | undefined {
  const calledOff = 'not-begun'
  if (state.mode === 'on-battery') return state.calledOff === undefined ? { ...state, calledOff } : undefined
  const { use, isSilent: _, ...rest } = state
  return use?.battery.isSo ? { ...rest, ...use, mode: 'on-battery', since: use.battery.since, calledOff } : undefined
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
      if (state.use?.battery.isSo) return 'the UPS is on battery'
      if (state.use) return 'mains power has only just come back'
      if (at - state.lastHeard > policy.deadTime) return 'the UPS no longer answers'
      if (state.unclearSince !== undefined && at - state.unclearSince > policy.deadTime) return unclear(state.reading)
      return undefined
    case 'on-battery':
      return 'the UPS is on battery'
    case 'critical':
      return 'the UPS is critical'
    case 'forced':
      return `the UPS ${forcedWords}`
    case 'latched':
      return `the UPS ${latchedWords}`
    default:
      return assertNever(state)
  }
}

/** That a status says nothing of mains power, for people. */
export function unclear({ status }: UpsReading): string {
  return `the status of the UPS (${status.join(' ')}) does not say whether it has mains power`
}
