import { describeDuration } from '../duration.ts'
import type { PowerState } from './state.ts'
import { isFalling } from './trend.ts'
import type { PowerPolicy } from './triggers.ts'
import { has, whyUnknown } from './ups.ts'

/** What a battery must carry before anything is woken on it: a boot, and another shutdown. */
export interface ReadinessPolicy {
  /** In %. */
  readonly minimumCharge: number
  /** In ms. */
  readonly minimumRuntime: number
  /** How long mains power must have been on where nothing tells how full the battery is, in ms. */
  readonly unknownChargeAfter: number
}

/** A cluster boots within this, in ms: so much more than a shutdown takes must be left of the battery. */
const boots = 5 * 60_000

/** The policy of the configuration; what it leaves out is derived from what a shutdown takes. */
export function readinessOf({
  minimumRuntime: shutdown,
  wake: { minimumCharge, minimumRuntime, unknownChargeAfter },
}: {
  readonly minimumRuntime: number
  readonly wake: Omit<ReadinessPolicy, 'minimumRuntime'> & { readonly minimumRuntime?: number | undefined }
}): ReadinessPolicy {
  return { minimumCharge, minimumRuntime: minimumRuntime ?? shutdown + boots, unknownChargeAfter }
}

/** The most that a battery comes to, in %: one that is full and lasts for less than it should will not get better. */
const full = 90

/**
 * Why a battery could not carry a boot and another shutdown; undefined where it could.
 *
 * | seen                              | holds                                                                     |
 * |-----------------------------------|---------------------------------------------------------------------------|
 * | LB                                | until it is gone                                                          |
 * | DISCHRG, and a battery not full   | until it is gone: mains power may be none                                 |
 * | a charge that falls, if slightly  | until it has stopped for minutes, or rises                                |
 * | a charge below the least          | until it is charged                                                       |
 * | a runtime below the least         | until it is longer, or the battery is full                                |
 * | no charge, but a runtime, or HB   | as the runtime says                                                       |
 * | neither                           | until mains power has been on for `unknownChargeAfter`                    |
 */
export function whyNotReady(
  { reading, since, fall, trend, isSilent }: PowerState & { readonly mode: 'on-mains' },
  at: number,
  policy: ReadinessPolicy,
  { ignoreLowBattery }: Pick<PowerPolicy, 'ignoreLowBattery'>,
): string | undefined {
  const { charge, runtime } = reading
  if (isSilent) return 'the UPS no longer answers'
  if (fall) return `the ${fall.of} falls although the UPS reports mains power (${reading.status.join(' ')})`
  if (isFalling(trend, reading)) return `the charge still falls (${reading.status.join(' ')})`
  if (has(reading, 'LB') && !ignoreLowBattery) return 'the battery is low (LB)'
  if (has(reading, 'DISCHRG') && charge !== undefined && charge < full)
    return `the UPS reports that its battery discharges (${reading.status.join(' ')})`
  if (charge !== undefined && charge < policy.minimumCharge)
    return `the battery is at ${charge} %, and waking needs ${policy.minimumCharge} % (power.wake.minimumCharge)`
  if (runtime !== undefined && runtime < policy.minimumRuntime && !(charge !== undefined && charge >= full))
    return `the battery lasts ${describeDuration(runtime)}, and waking needs ${describeDuration(policy.minimumRuntime)} (power.wake.minimumRuntime)`
  const { doubts } = reading
  const isWrong = [doubts?.charge, doubts?.runtime].some((doubt) => doubt && !doubt.isConfigured)
  if ((!isWrong && (charge !== undefined || runtime !== undefined)) || has(reading, 'HB')) return undefined
  const passed = at - since
  if (passed >= policy.unknownChargeAfter) return undefined
  return `${whyUnknown(reading, doubts?.charge || !doubts?.runtime ? 'charge' : 'runtime')}; mains power must last for ${describeDuration(policy.unknownChargeAfter)} (power.wake.unknownChargeAfter)`
}
