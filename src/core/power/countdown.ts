import type { UpsAnswer } from './answers.ts'
import type { PowerPolicy } from './triggers.ts'

/** When something starts a shutdown if mains power stays off, as far as it can be told ahead. */
export interface Countdown {
  /** In ms since the epoch. */
  readonly at: number
  readonly reason: 'on-battery-too-long' | 'low-runtime'
  readonly ups: string
}

/**
 * The first moment at which time alone starts a shutdown: the longest time on battery is over, or the runtime that the UPS
 * told has fallen to its mark. A low battery may start it sooner. Undefined where no UPS is on battery, or nothing of it counts.
 *
 * @param policyOf of the UPS with this label
 */
export function countdownTo(
  upses: readonly UpsAnswer[],
  policyOf: (label: string) => Pick<PowerPolicy, 'maxOnBattery' | 'minimumRuntime'>,
): Countdown | undefined {
  const all = upses.flatMap(({ label, state, triggers }): Countdown[] => {
    if (state.mode !== 'on-battery') return []
    const { maxOnBattery, minimumRuntime } = policyOf(label)
    const isArmed = (reason: Countdown['reason']) =>
      triggers.some((trigger) => trigger.reason === reason && trigger.disarmed === undefined)
    const runtime = state.reading?.runtimeMs
    const longest = maxOnBattery !== undefined && isArmed('on-battery-too-long')
    const shortest = runtime !== undefined && minimumRuntime !== undefined && isArmed('low-runtime')
    return [
      ...(longest
        ? [{ at: Date.parse(state.since) + maxOnBattery, reason: 'on-battery-too-long' as const, ups: label }]
        : []),
      ...(shortest && state.lastHeardAt !== undefined
        ? [
            {
              at: Date.parse(state.lastHeardAt) + Math.max(0, runtime - minimumRuntime),
              reason: 'low-runtime' as const,
              ups: label,
            },
          ]
        : []),
    ]
  })
  return all.toSorted((one, other) => one.at - other.at)[0]
}
