import type { Observed } from '../cluster/cluster.ts'
import type { DrillReport, WalkedPhase } from './drill.ts'
import { describeFlapping } from './flapping.ts'
import type { PowerState } from './state.ts'
import type { TimelineRow } from './timeline.ts'
import { describeFall } from './trend.ts'
import type { CalledOff, CriticalReason, TriggerState } from './triggers.ts'
import type { UpsDetails } from './ups-details.ts'
import type { Doubt, Doubts, UpsReading } from './ups.ts'

/** The power as JSON: times in ISO 8601, numbers with their unit in their name. */

/** A reading of a UPS. Anything but the status may be missing. */
export interface ReadingAnswer {
  /** The tokens of `ups.status`: `OL`, `OB`, `LB`, … */
  readonly status: readonly string[]
  readonly chargePercent?: number
  readonly runtimeMs?: number
  readonly loadPercent?: number
  /** `ups.alarm`. */
  readonly alarm?: string
  /** A self-test is running. */
  readonly testing?: true
  /** `battery.charge.low` and `battery.runtime.low`: where the UPS itself starts to report LB. */
  readonly chargeLowPercent?: number
  readonly runtimeLowMs?: number
  /** Figures that it reports and that are not used, and why: not plausible, or not trusted. */
  readonly doubtful?: {
    readonly chargePercent?: { readonly reported: number; readonly why: string }
    readonly runtimeMs?: { readonly reported: number; readonly why: string }
  }
}

/** The state of a UPS. */
export interface UpsStateAnswer {
  readonly mode: PowerState['mode']
  /** ISO 8601: since when it has been in this state; and for how long that is. */
  readonly since: string
  readonly forMs: number
  /** ISO 8601: when it last responded; and how long ago that was. Absent where it has not yet. */
  readonly lastHeardAt?: string
  readonly lastHeardMsAgo?: number
  /** Why it is unknown. */
  readonly why?: string
  /** Why it is critical. */
  readonly reason?: CriticalReason
  /** A person cancelled a shutdown for this reason, or one that had not begun. */
  readonly cancelled?: CalledOff
  /** Mains power, but on battery for a moment too short to count. */
  readonly wasOnBattery?: true
  /** For how long mains power seems to be back, while that is too short to count. */
  readonly mainsForMs?: number
  /** For how long its status has said nothing for certain of mains power: what was known last holds. */
  readonly unclearForMs?: number
  /** That it counts as on battery although it reports mains power, and why. */
  readonly inferred?: string
  /** That mains power keeps failing, and how often it has. */
  readonly flapping?: string
  readonly reading?: ReadingAnswer
}

/** That a UPS does not answer: for how long there has been no reading, and why. */
export interface NoReading {
  readonly forMs: number
  readonly why: string
}

/** A UPS that does not answer. */
export interface UnreadUps extends NoReading {
  readonly label: string
  /** A power cut is not noticed while it does not answer. */
  readonly isBlind: boolean
  /** What would start a shutdown on battery, and what of it can't. */
  readonly triggers: readonly TriggerState[]
}

export interface DriverPaceAnswer {
  readonly pollIntervalMs?: number
  readonly pollFrequencyMs?: number
}

/** How a UPS is. */
export interface UpsAnswer {
  readonly label: string
  readonly state: UpsStateAnswer
  /** Why upsd refused our login. */
  readonly loginRefused: string | undefined
  /** For how long the UPS has not responded, where that is longer than `power.deadTime`. */
  readonly silentForMs: number | undefined
  /** That there is no reading now, since when and why, from the first question without an answer on. */
  readonly noReading?: NoReading | undefined
  /** `input.voltage`, in V, which is read now and then, and how long ago that was; absent where that was not lately. */
  readonly inputVolts?: number
  readonly inputVoltsMsAgo?: number
  /** How often its driver asks the UPS, as far as it tells: nothing but FSD shows sooner. */
  readonly driver: DriverPaceAnswer | undefined
  /** What would start a shutdown on battery, and what of it can't. */
  readonly triggers: readonly TriggerState[]
}

/** A UPS with everything that upsd tells of it, or why it tells nothing. */
export interface UpsDetailsAnswer {
  readonly label: string
  readonly details: Observed<Omit<UpsDetails, 'driver'> & { readonly driver: DriverPaceAnswer | undefined }>
}

/** One phase of a shutdown in time, counted from its start. */
export interface TimelineRowAnswer extends Pick<TimelineRow, 'phase' | 'steps' | 'reversible'> {
  readonly fromMs: number
  /** When it ends at the latest. */
  readonly toMs: number
  /** When it is likely to end, by what was measured before. */
  readonly likelyMs?: number
}

/** One thing that a rehearsal tested. */
export interface DrillCheckAnswer {
  readonly subject: string
  readonly text: string
  readonly ok: boolean
  readonly tookMs?: number
}

/** What a rehearsal found. */
export interface DrillReportAnswer extends Pick<DrillReport, 'at' | 'form' | 'reason'> {
  /** What the UPSes report as left; absent where they do not. */
  readonly runtimeMs?: number
  /** Why it is absent, as a clause. */
  readonly runtimeUnknown?: string
  readonly needsMs: number
  readonly timeline: readonly TimelineRowAnswer[]
  readonly checks: readonly DrillCheckAnswer[]
  readonly walked?: readonly (Pick<WalkedPhase, 'phase' | 'failed'> & { readonly tookMs: number })[]
}

export function readingAnswerOf({
  status,
  charge,
  runtime,
  load,
  alarm,
  testing,
  chargeLow,
  runtimeLow,
  doubts,
}: UpsReading): ReadingAnswer {
  return {
    status,
    ...(charge === undefined ? {} : { chargePercent: charge }),
    ...(runtime === undefined ? {} : { runtimeMs: runtime }),
    ...(load === undefined ? {} : { loadPercent: load }),
    ...(alarm === undefined ? {} : { alarm }),
    ...(testing === undefined ? {} : { testing }),
    ...(chargeLow === undefined ? {} : { chargeLowPercent: chargeLow }),
    ...(runtimeLow === undefined ? {} : { runtimeLowMs: runtimeLow }),
    ...(doubts === undefined ? {} : { doubtful: doubtsAnswerOf(doubts) }),
  }
}

function doubtsAnswerOf({ charge, runtime }: Doubts): NonNullable<ReadingAnswer['doubtful']> {
  const told = ({ reported, why }: Doubt) => ({ reported, why })
  return {
    ...(charge === undefined ? {} : { chargePercent: told(charge) }),
    ...(runtime === undefined ? {} : { runtimeMs: told(runtime) }),
  }
}

/** @param at now, in ms of the clock that the state counts by; `now` the same moment of the wall clock */
export function upsStateAnswerOf(state: PowerState, at: number, now: Date): UpsStateAnswer {
  const ago = (moment: number) => Math.round(at - moment)
  const isoOf = (moment: number) => new Date(now.getTime() - ago(moment)).toISOString()
  const common = {
    mode: state.mode,
    since: isoOf(state.since),
    forMs: ago(state.since),
    ...('lastHeard' in state ? { lastHeardAt: isoOf(state.lastHeard), lastHeardMsAgo: ago(state.lastHeard) } : {}),
    ...('reading' in state && state.reading ? { reading: readingAnswerOf(state.reading) } : {}),
    ...('isInferred' in state && state.isInferred && state.fall
      ? { inferred: `${describeFall(state.fall, at)} although the UPS reports mains power` }
      : {}),
    ...flappingIn(state, at),
    ...('unclearSince' in state && state.unclearSince !== undefined ? { unclearForMs: at - state.unclearSince } : {}),
  }
  const back = 'mainsSince' in state && state.mainsSince !== undefined ? { mainsForMs: at - state.mainsSince } : {}
  switch (state.mode) {
    case 'unknown':
      return { ...common, why: state.why }
    case 'on-mains':
      return { ...common, ...(state.use === undefined ? {} : { wasOnBattery: true }) }
    case 'on-battery':
      return { ...common, ...back, ...(state.calledOff === undefined ? {} : { cancelled: state.calledOff }) }
    case 'critical':
      return { ...common, ...back, reason: state.reason }
    case 'forced':
    case 'latched':
      return common
    default:
      return state satisfies never
  }
}

function flappingIn(state: PowerState, at: number): Pick<UpsStateAnswer, 'flapping'> {
  const flapping = 'failures' in state ? describeFlapping(state.failures, at) : undefined
  return flapping === undefined ? {} : { flapping }
}

export function timelineAnswerOf(rows: readonly TimelineRow[]): readonly TimelineRowAnswer[] {
  return rows.map(({ phase, from, to, likely, steps, reversible }) => ({
    phase,
    fromMs: Math.round(from),
    toMs: Math.round(to),
    ...(likely === undefined ? {} : { likelyMs: Math.round(likely) }),
    steps,
    reversible,
  }))
}

export function drillReportAnswerOf({
  at,
  form,
  reason,
  runtime,
  runtimeUnknown,
  needs,
  timeline,
  checks,
  walked,
}: DrillReport): DrillReportAnswer {
  return {
    at,
    form,
    reason,
    ...(runtime === undefined ? {} : { runtimeMs: Math.round(runtime) }),
    ...(runtimeUnknown === undefined ? {} : { runtimeUnknown }),
    needsMs: Math.round(needs),
    timeline: timelineAnswerOf(timeline),
    checks: checks.map(({ subject, text, ok, ms }) => ({
      subject,
      text,
      ok,
      ...(ms === undefined ? {} : { tookMs: Math.round(ms) }),
    })),
    ...(walked === undefined
      ? {}
      : { walked: walked.map(({ phase, took, failed }) => ({ phase, tookMs: took, failed })) }),
  }
}
