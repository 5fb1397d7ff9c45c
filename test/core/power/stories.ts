import { type PowerState, startPower } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { Observation, UpsReading } from '../../../src/core/power/ups.ts'

export const policy: PowerPolicy = {
  onBatteryAfter: 5_000,
  // At once, so that a story is short; what does not last is in flapping.test.ts.
  onMainsAfter: 0,
  lowBatteryAfter: 3_000,
  maxOnBattery: 900_000,
  deadTime: 30_000,
  minimumCharge: 30,
  minimumRuntime: 240_000,
}

/** `5: OB LB`: at second 5 the UPS said so; `9: -`: at second 9 it said nothing; `9: =`: its status was empty. */
export function seenIn(text: string, figures: Partial<UpsReading> = {}): Observation {
  const [, second, status] = /^(\d+): (.+)$/.exec(text)!
  const at = Number(second) * 1_000
  if (status === '-') return { kind: 'silence', at, why: 'no route to the NAS' }
  return { kind: 'reading', at, reading: { status: status === '=' ? [] : status!.split(' '), ...figures } }
}

/** What is known after these words, each with the same figures. */
export function after(
  story: readonly string[],
  changed: Partial<PowerPolicy> = {},
  openOutage = false,
  figures = {},
  nodesAreDown = false,
): PowerState {
  const seen = story.map((text) => seenIn(text, figures))
  return seen.reduce(
    (state, one) => nextPowerState(state, one, { ...policy, ...changed }),
    startPower(0, { openOutage, nodesAreDown }),
  )
}

export const told = (state: PowerState) => (state.mode === 'critical' ? `critical: ${state.reason}` : state.mode)

/** How it goes on from there. */
export function goOn(
  state: PowerState,
  story: readonly string[],
  figures: Partial<UpsReading> = {},
  changed: Partial<PowerPolicy> = {},
): PowerState {
  return story
    .map((text) => seenIn(text, figures))
    .reduce((before, one) => nextPowerState(before, one, { ...policy, ...changed }), state)
}

/** A word a second, from one second to another. */
export function each(from: number, to: number, status: string, every = 1): string[] {
  return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, index) => `${from + index * every}: ${status}`)
}
