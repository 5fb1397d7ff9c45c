import { startPower } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { Observation, UpsReading } from '../../../src/core/power/ups.ts'
import { policy, seenIn, told } from './stories.ts'

/** What a UPS says from a second on, until it says something else; `OB -` is a status alone, without figures. */
export interface Says {
  readonly from: number
  readonly status: string
  readonly charge?: number
  readonly runtime?: number
  readonly load?: number
}

export const mains: Says = { from: 0, status: 'OL', charge: 100, runtime: 3_480_000 }
export const dip: Says = { from: 10, status: 'OB', charge: 100, runtime: 60_000 }
/** On battery, with time enough. */
export const used: Says = { from: 10, status: 'OB', charge: 80, runtime: 1_800_000 }

function seen(second: number, status: string, figures: Partial<UpsReading>): Observation {
  if (!status.endsWith(' -')) return seenIn(`${second}: ${status}`, figures)
  return { kind: 'status', at: second * 1_000, status: status.slice(0, -2).split(' ') }
}

/** The first second at which it is critical, with the reason, from one reading a second. */
export function critical(all: readonly Says[], changed: Partial<PowerPolicy> = {}, until = 60): string | undefined {
  let state = startPower(0)
  for (let second = all[0]!.from; second <= until; second++) {
    const { from: _, status, ...figures } = all.findLast(({ from }) => from <= second)!
    state = nextPowerState(state, seen(second, status, figures), {
      ...policy,
      onMainsAfter: 15_000,
      ...changed,
    })
    if (state.mode === 'critical') return `${second}: ${told(state)}`
  }
  return undefined
}
