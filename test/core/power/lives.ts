import { callOff, type PowerState, startPower } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { Observation } from '../../../src/core/power/ups.ts'
import { createRandom, type Random } from '../random.ts'

const words = [
  'OL',
  'OB',
  'LB',
  'FSD',
  'CAL',
  'CHRG',
  'DISCHRG',
  'TEST',
  'OFF',
  'BYPASS',
  'ALARM',
  'WAIT',
  'RB',
] as const
/** They decide nothing beside OL and OB. */
export const noise = ['OFF', 'BYPASS', 'ALARM', 'RB']
const usual = ['OL', 'OL CHRG', 'OB DISCHRG', 'OB LB', 'FSD OB LB', 'FSD OL', 'OB CAL', 'WAIT', ''] as const

export interface Transition {
  readonly before: PowerState
  readonly seen: Observation
  readonly after: PowerState
  readonly policy: PowerPolicy
  /** Whether an outage was open at the start. */
  readonly openOutage: boolean
  /** And whether its nodes had all been told by then. */
  readonly nodesAreDown: boolean
}

/** Everything that happens to a UPS in a random life of forty observations. */
export function randomLife(seed: number): Transition[] {
  const random = createRandom(seed)
  const policy: PowerPolicy = {
    onBatteryAfter: random.below(3) * 5_000,
    onMainsAfter: random.below(3) * 10_000,
    lowBatteryAfter: random.below(3) * 3_000,
    maxOnBattery: random.chance(0.7) ? 60_000 + random.below(900_000) : undefined,
    deadTime: 1_000 + random.below(60_000),
    ...(random.chance(0.5) ? { minimumCharge: 30 } : {}),
    ...(random.chance(0.5) ? { minimumRuntime: 120_000 } : {}),
    ...(random.chance(0.5) ? { maxDischargeRate: 15 } : {}),
    ...(random.chance(0.3) ? { ignoreLowBattery: true } : {}),
  }
  // Now and then a power cut that is nothing else: only then it is known how fast the battery empties.
  const empties = random.chance(0.1) ? 1 + random.below(40) : undefined
  const openOutage = random.chance(0.3)
  let at = random.below(100_000)
  const nodesAreDown = openOutage && random.chance(0.5)
  const begun = at
  let state = startPower(at, { openOutage, nodesAreDown })
  return Array.from({ length: 40 }, () => {
    at += empties === undefined ? random.pick([0, 1_000, 1_000, 1_000, 5_000, 40_000, 400_000]) : 4_000
    const before = random.chance(0.05) ? (callOff(state) ?? state) : state
    const seen = empties === undefined ? randomSight(random, at) : emptying(at - begun, empties, at)
    state = nextPowerState(before, seen, policy)
    return { before, seen, after: state, policy, openOutage, nodesAreDown }
  })
}

function randomSight(random: Random, at: number): Observation {
  if (random.chance(0.25)) return { kind: 'silence', at, why: 'no answer' }
  const status = random.chance(0.7)
    ? random.pick(usual).split(' ').filter(Boolean)
    : words.filter(() => random.chance(0.25))
  const figures = random.chance(0.5) ? { charge: random.below(101), runtime: random.below(600_000) } : {}
  const testing = random.chance(0.1) ? { testing: true as const } : {}
  return { kind: 'reading', at, reading: { status, ...figures, ...testing } }
}

function emptying(passed: number, perMinute: number, at: number): Observation {
  const charge = Math.max(0, 100 - (perMinute * passed) / 60_000)
  return { kind: 'reading', at, reading: { status: ['OB', 'DISCHRG'], charge } }
}
