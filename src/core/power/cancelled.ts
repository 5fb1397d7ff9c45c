import { listed } from '../count.ts'
import { callOff, type PowerState } from './state.ts'
import { isCalledOff, type PowerPolicy, triggersOf, type TriggerState } from './triggers.ts'

/**
 * The triggers of a UPS in this state, as people are shown them: what a person has cancelled starts nothing until mains power
 * is back.
 */
export function triggersIn(state: PowerState, policy: PowerPolicy): readonly TriggerState[] {
  const calledOff = state.mode === 'on-battery' ? state.calledOff : undefined
  return triggersOf('reading' in state ? state.reading : undefined, policy).map((trigger) =>
    trigger.disarmed === undefined && isCalledOff(trigger.reason, calledOff)
      ? { reason: trigger.reason, text: trigger.text, disarmed: 'cancelled until mains power is back' }
      : trigger,
  )
}

/** A UPS by its label, and what starts a shutdown because of it. */
export interface LabelledTriggers {
  readonly label: string
  readonly triggers: readonly TriggerState[]
}

/** The UPSes whose shutdown a person has cancelled; with `ahead` those too that it would be cancelled for now. */
export function cancelledIn(
  upses: Iterable<readonly [label: string, state: PowerState]>,
  policyOf: (label: string) => PowerPolicy,
  ahead = false,
): readonly LabelledTriggers[] {
  return [...upses].flatMap(([label, before]) => {
    const state = (ahead ? callOff(before) : undefined) ?? before
    if (state.mode !== 'on-battery' || state.calledOff === undefined) return []
    return [{ label, triggers: triggersIn(state, policyOf(label)) }]
  })
}

/**
 * What can start a shutdown after one was cancelled, as a clause: `until mains power is back, only a low battery (LB) or
 * 30 s of silence on battery can still start one`. Where UPSes differ each is named.
 */
export function describeRestarts(upses: readonly LabelledTriggers[]): string {
  // Nothing is known of a UPS that was silent when its shutdown was cancelled.
  if (upses.length === 0) return 'nothing starts one again before the UPS answers'
  const labels = Map.groupBy(upses, ({ triggers }) => describeArmed(triggers))
  const clauses = [...labels].map(
    ([text, those]) => `${labels.size === 1 ? '' : `at ${listed(those.map(({ label }) => label))} `}${text}`,
  )
  return `until mains power is back, ${clauses.join(', and ')}`
}

function describeArmed(triggers: readonly TriggerState[]): string {
  const armed = triggers.filter(({ disarmed }) => disarmed === undefined).map(({ text }) => text)
  if (armed.length === 0) return 'only `caretaker power shutdown` can start one'
  return `only ${listed(armed, 'or')} can still start one`
}
