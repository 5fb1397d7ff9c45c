import { describeDuration } from '../duration.ts'
import type { PowerState } from './state.ts'
import type { TriggerState } from './triggers.ts'

/** That a UPS does not answer, from the first question without an answer on. */
export interface Silence {
  /** For how long there has been no reading, in ms. */
  readonly ms: number
  /** Why, with who does not answer. */
  readonly why: string
}

/** What counts on without a reading, while the battery is in use. */
const countsOn: ReadonlySet<TriggerState['reason']> = new Set(['silent-on-battery', 'on-battery-too-long'])

/**
 * The triggers while there is no reading: those that need one can't start a shutdown, and on mains power none can,
 * because a power cut is not noticed (`transitions.ts`).
 */
export function triggersInSilence(
  triggers: readonly TriggerState[],
  state: PowerState,
  { ms }: Pick<Silence, 'ms'>,
): readonly TriggerState[] {
  if (state.mode === 'critical') return triggers
  const isUsed = isBatteryInUse(state)
  return triggers.map((trigger) => {
    const { reason, text, disarmed } = trigger
    if (disarmed !== undefined || (isUsed && countsOn.has(reason))) return trigger
    const why = countsOn.has(reason)
      ? 'a power cut is not noticed without a reading'
      : `there has been no reading for ${describeDuration(ms)}`
    return { reason, text, disarmed: why }
  })
}

/** Whether a power cut is not noticed while there is no reading: the last word was not that the battery is in use. */
export function isBlind(state: PowerState): boolean {
  return state.mode !== 'critical' && !isBatteryInUse(state)
}

function isBatteryInUse(state: PowerState): boolean {
  switch (state.mode) {
    case 'on-battery':
      // Mains power was the last word otherwise.
      return state.mainsSince === undefined
    case 'on-mains':
      return state.use?.battery.isSo === true
    case 'unknown':
      // An outage that was under way goes on after `deadTime`.
      return state.openOutage && !state.nodesAreDown
    case 'critical':
      return true
    case 'forced':
    case 'latched':
      return false
    default:
      return state satisfies never
  }
}
