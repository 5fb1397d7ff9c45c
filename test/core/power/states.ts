import type { Power } from '../../../src/core/power/feeds.ts'
import type { BatteryUse, PowerState } from '../../../src/core/power/state.ts'
import type { CriticalReason } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'

export type Mode = Exclude<PowerState['mode'], 'critical'> | 'blip' | CriticalReason

/** A UPS in this mode since `since`, by default ten seconds of the clock. `blip` is mains with a moment of battery in it. */
export function stateOf(mode: Mode, figures: Partial<UpsReading> = {}, since = 10_000, lastHeard = since): PowerState {
  const heard = { since, lastHeard, figuresAt: lastHeard }
  const use = useSince(since, lastHeard)
  const reading = (status: string): UpsReading => ({ status: status.split(' '), ...figures })
  if (mode === 'unknown') return { mode, since, openOutage: false, nodesAreDown: false, why: 'no answer' }
  if (mode === 'on-mains') return { mode, ...heard, reading: reading('OL') }
  if (mode === 'blip') return { mode: 'on-mains', ...heard, reading: reading('OB'), use }
  if (mode === 'on-battery') return { mode, ...heard, reading: reading('OB'), ...use }
  if (mode === 'latched' || mode === 'forced') return { mode, ...heard, reading: reading('FSD OL') }
  return { mode: 'critical', reason: mode, ...heard, reading: reading('OB LB'), ...use }
}

/** A battery that has been in use from then until it was heard last, in ms. */
export function useSince(since: number, lastHeard = since, samples: BatteryUse['samples'] = []): BatteryUse {
  return { battery: { since, lasted: lastHeard - since, at: lastHeard, isSo: true }, samples }
}

/** Several UPSes by label, each in its mode or in a state of its own. */
export function powerOf(upses: Readonly<Record<string, Mode | PowerState>>): Power {
  const states = Object.entries(upses).map(([label, one]): [string, PowerState] => [
    label,
    typeof one === 'string' ? stateOf(one) : one,
  ])
  return { upses: new Map(states), ordered: undefined }
}
