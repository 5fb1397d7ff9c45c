import { describeDuration } from '../duration.ts'
import { chargeLasts } from './battery.ts'
import type { Trust } from './figures.ts'
import { has, isDoubted, isOnPurpose, type UpsReading } from './ups.ts'

/** Why a UPS counts as critical; or `ordered`, where a person wants the cluster down. */
export type CriticalReason =
  | 'forced-shutdown'
  | 'low-battery'
  | 'low-charge'
  | 'low-runtime'
  | 'fast-depletion'
  | 'on-battery-too-long'
  | 'silent-on-battery'
  | 'outage-resumed'
  | 'ordered'

/** Why anything was done about the power: a reason to shut down, that the battery was spared early, or a rehearsal. */
export type OutageReason = CriticalReason | 'on-battery' | 'drill' | 'restored'

/** By severity, the most severe last: cancelling one does not suppress a more severe one. */
const byGravity: readonly CriticalReason[] = [
  'on-battery-too-long',
  'fast-depletion',
  'low-charge',
  'low-runtime',
  'outage-resumed',
  'silent-on-battery',
  'low-battery',
  'forced-shutdown',
]

/** Durations in ms, charge in %. */
export interface PowerPolicy {
  readonly onBatteryAfter: number
  /** How long mains power must last before what was seen on battery counts no more. */
  readonly onMainsAfter: number
  /** A UPS that reports mains power while its charge falls is on battery below this charge; undefined: never. */
  readonly onBatteryBelow?: number | undefined
  /** FSD on mains power is obeyed at once, and not only once something confirms it. */
  readonly obeyForcedShutdown?: boolean
  /** The UPS's figures that are used; absent: all. */
  readonly trust?: Trust
  readonly lowBatteryAfter: number
  /** The same where the UPS's own figures contradict LB. */
  readonly unconfirmedLowBatteryAfter?: number
  /** LB is ignored: for a UPS that reports it far too early. */
  readonly ignoreLowBattery?: boolean
  /** undefined: however long. */
  readonly maxOnBattery: number | undefined
  readonly deadTime: number
  /** In % a minute. */
  readonly maxDischargeRate?: number | undefined
  readonly minimumCharge?: number | undefined
  readonly minimumRuntime?: number | undefined
}

/** What a UPS may have of its own; what it leaves out is as for all. */
export interface OwnPolicy {
  readonly minimumCharge?: number | undefined
  readonly minimumRuntime?: number | undefined
  readonly maxDischargeRate?: number | undefined
  readonly ignoreLowBattery?: boolean | undefined
  readonly trust?: Trust | undefined
}

/** What of the configuration is the policy of UPSes. */
export interface PolicySettings {
  readonly power: PowerPolicy
  readonly upses: readonly (OwnPolicy & { readonly label: string })[]
}

/** The policy for the UPS with this label. */
export function policyFor({ power, upses }: PolicySettings, label: string): PowerPolicy {
  const own = upses.find((ups) => ups.label === label)
  if (!own) return power
  const { minimumCharge, minimumRuntime, maxDischargeRate, ignoreLowBattery, trust } = own
  return {
    ...power,
    ...(minimumCharge === undefined ? {} : { minimumCharge }),
    ...(minimumRuntime === undefined ? {} : { minimumRuntime }),
    ...(maxDischargeRate === undefined ? {} : { maxDischargeRate }),
    ...(ignoreLowBattery === undefined ? {} : { ignoreLowBattery }),
    ...(trust === undefined ? {} : { trust }),
  }
}

/** A quick self-test takes seconds, a long one a minute or two, in ms. */
const testTakes = 3 * 60_000

/** What a person has cancelled: a shutdown for this reason, or one that had not begun. */
export type CalledOff = CriticalReason | 'not-begun'

/** Of a shutdown that has not begun, time on battery and the rate are called off: a battery that is short is not. */
const mostOfNotBegun: CriticalReason = 'fast-depletion'

/** Whether a reason is no more severe than the one that a person has cancelled. */
export function isCalledOff(reason: CriticalReason, calledOff: CalledOff | undefined): boolean {
  if (calledOff === undefined) return false
  const most = calledOff === 'not-begun' ? mostOfNotBegun : calledOff
  return byGravity.indexOf(reason) <= byGravity.indexOf(most)
}

/** Whether the battery is in use on purpose, so long after it came into use, in ms. */
export function isPurpose(reading: UpsReading, onBatteryFor: number): boolean {
  return isOnPurpose(reading) && (has(reading, 'CAL') || onBatteryFor <= testTakes)
}

/** The most severe reason why a UPS on battery is critical, if it is. Times in ms, depletion in % a minute. */
export function criticalReason(
  reading: UpsReading,
  {
    onBatteryFor,
    lowFor,
    shortFor,
    depletion,
  }: {
    onBatteryFor: number
    lowFor: number | undefined
    shortFor?: number | undefined
    depletion: number | undefined
  },
  policy: PowerPolicy,
): CriticalReason | undefined {
  if (has(reading, 'FSD')) return 'forced-shutdown'
  if (isPurpose(reading, onBatteryFor)) return undefined
  const { lowBatteryAfter, unconfirmedLowBatteryAfter = lowBatteryAfter } = policy
  const wait = isDoubted(reading) ? Math.max(lowBatteryAfter, unconfirmedLowBatteryAfter) : lowBatteryAfter
  if (has(reading, 'LB') && lowFor !== undefined && lowFor >= wait) return 'low-battery'
  if (onBatteryFor < policy.onBatteryAfter) return undefined
  // A single false reading decides nothing.
  const isShort = shortFor !== undefined && shortFor >= lowBatteryAfter
  if (isShort && isBelow(reading.runtime, policy.minimumRuntime)) return 'low-runtime'
  if (isShort && isBelow(reading.charge, chargeFloor(reading, policy))) return 'low-charge'
  // A UPS may tell no runtime, or a wrong one: how fast its charge falls tells it as well.
  if (isShort && isBelow(chargeLasts(reading.charge, depletion), policy.minimumRuntime)) return 'low-runtime'
  if (policy.maxDischargeRate !== undefined && depletion !== undefined && depletion > policy.maxDischargeRate)
    return 'fast-depletion'
  if (policy.maxOnBattery !== undefined && onBatteryFor > policy.maxOnBattery) return 'on-battery-too-long'
  return undefined
}

/** Whether charge or runtime is below what the policy asks for, or the time that the charge lasts at this rate, in % a minute. */
export function isShortOf(reading: UpsReading, policy: PowerPolicy, depletion?: number): boolean {
  const isLowIn = (runtime: number | undefined) => isBelow(runtime, policy.minimumRuntime)
  const { charge, runtime } = reading
  return isBelow(charge, chargeFloor(reading, policy)) || isLowIn(runtime) || isLowIn(chargeLasts(charge, depletion))
}

/** No UPS says with reason that its battery is low above this, in %: some report `battery.charge.low` of 100. */
const sensibleLow = 50

/**
 * What counts as low where the UPS tells no mark of its own, in %: many begin to say LB at 20. Less where its LB is
 * ignored, because that comes too early.
 */
const usualLow = 20
const leastLow = 10

/**
 * The charge to shut down below, in %: the policy's, or else where the UPS itself would say LB. Some never do, and tell
 * no mark either: no battery is to run flat for that.
 */
function chargeFloor({ chargeLow }: UpsReading, { minimumCharge, ignoreLowBattery }: PowerPolicy): number {
  if (minimumCharge !== undefined) return minimumCharge
  if (ignoreLowBattery) return leastLow
  return chargeLow !== undefined && chargeLow <= sensibleLow ? chargeLow : usualLow
}

/** Whether a figure is known, and below a mark that is known. */
export function isBelow(value: number | undefined, floor: number | undefined): boolean {
  return value !== undefined && floor !== undefined && value < floor
}

/** One of the things that start a shutdown on battery, and whether it can. */
export interface TriggerState {
  readonly reason: CriticalReason
  /** `charge below 30 %`. */
  readonly text: string
  /** Why it can't: the UPS doesn't report what it takes, or the configuration leaves it out. */
  readonly disarmed?: string
  /** The variable that the UPS does not report, where that is why. */
  readonly lacks?: string
}

/** Every trigger, and whether it is armed for this UPS. A figure that is not reported disarms its own triggers only. */
export function triggersOf(reading: UpsReading | undefined, policy: PowerPolicy): readonly TriggerState[] {
  const { minimumRuntime, maxOnBattery, maxDischargeRate, ignoreLowBattery, deadTime: silence } = policy
  const unset = 'it is not configured'
  const floor = chargeFloor(reading ?? { status: [] }, policy)
  const told = (figure: 'charge' | 'runtime', isWanted = true) => {
    const lacks = `battery.${figure}`
    if (reading === undefined || reading[figure] !== undefined) return undefined
    const doubt = reading.doubts?.[figure]
    // A doubt is reported for itself.
    if (doubt) return { disarmed: `${lacks} is not used: ${doubt.why}` }
    return { ...(isWanted ? { lacks } : {}), disarmed: `the UPS does not report ${lacks}` }
  }
  const byCharge = reading !== undefined && reading.runtime === undefined && reading.charge !== undefined
  const one = (reason: CriticalReason, text: string, off?: string | Pick<TriggerState, 'disarmed' | 'lacks'>) => ({
    reason,
    text,
    ...(typeof off === 'string' ? { disarmed: off } : off),
  })
  return [
    one('forced-shutdown', 'a forced shutdown (FSD)', undefined),
    one(
      'low-battery',
      policy.lowBatteryAfter === 0
        ? 'a low battery (LB)'
        : `a low battery (LB) for ${describeDuration(policy.lowBatteryAfter)}`,
      ignoreLowBattery ? 'power.ignoreLowBattery is set' : undefined,
    ),
    one(
      'low-runtime',
      minimumRuntime === undefined
        ? 'little runtime left'
        : `less than ${describeDuration(minimumRuntime)} of runtime${byCharge ? ', by how fast the charge falls' : ''}`,
      minimumRuntime === undefined || minimumRuntime === 0 ? unset : byCharge ? undefined : told('runtime'),
    ),
    floor === 0
      ? one('low-charge', 'a low charge', unset)
      : // Nobody needs to be told that a mark which nobody has set is of no use.
        one('low-charge', `a charge below ${floor} %`, told('charge', policy.minimumCharge !== undefined)),
    one(
      'fast-depletion',
      maxDischargeRate === undefined
        ? 'a charge that falls fast'
        : `a charge that falls by more than ${maxDischargeRate} % a minute`,
      maxDischargeRate === undefined ? unset : told('charge'),
    ),
    one(
      'on-battery-too-long',
      maxOnBattery === undefined ? 'a long time on battery' : `${describeDuration(maxOnBattery)} on battery`,
      maxOnBattery === undefined ? unset : undefined,
    ),
    one('silent-on-battery', `${describeDuration(silence)} of silence on battery`, undefined),
  ]
}
