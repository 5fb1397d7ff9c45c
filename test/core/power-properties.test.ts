import { describe, expect, test } from 'vitest'
import { nextPowerState, type PowerState, startPower } from '../../src/core/power.ts'
import type { PowerPolicy } from '../../src/core/triggers.ts'
import type { Observation } from '../../src/core/ups.ts'
import { createRandom, type Random } from './random.ts'

const words = ['OL', 'OB', 'LB', 'FSD', 'CAL', 'CHRG', 'DISCHRG', 'OFF', 'BYPASS', 'ALARM', 'WAIT', 'RB'] as const
const usual = ['OL', 'OL CHRG', 'OB DISCHRG', 'OB LB', 'FSD OB LB', 'FSD OL', 'OB CAL', 'WAIT', ''] as const

interface Transition {
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
function randomLife(seed: number): Transition[] {
  const random = createRandom(seed)
  const policy: PowerPolicy = {
    onBatteryAfter: random.below(3) * 5_000,
    lowBatteryAfter: random.below(3) * 3_000,
    maxOnBattery: 60_000 + random.below(900_000),
    silence: 1_000 + random.below(60_000),
    ...(random.chance(0.5) ? { minimumCharge: 30 } : {}),
    ...(random.chance(0.5) ? { minimumRuntime: 120_000 } : {}),
  }
  const openOutage = random.chance(0.3)
  let at = random.below(100_000)
  const nodesAreDown = openOutage && random.chance(0.5)
  let state = startPower(at, openOutage, nodesAreDown)
  return Array.from({ length: 40 }, () => {
    at += random.pick([0, 1_000, 1_000, 1_000, 5_000, 40_000, 400_000])
    const before = state
    const seen = randomSight(random, at)
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
  return { kind: 'reading', at, reading: { status, ...figures } }
}

const says = ({ seen }: Transition, word: string) => seen.kind === 'reading' && seen.reading.status.includes(word)
const enters = ({ before, after }: Transition, mode: PowerState['mode']) => after.mode === mode && before.mode !== mode
const isSilent = (one: Transition) => !says(one, 'OL') && !says(one, 'OB')

describe('in five thousand random lives of a UPS', () => {
  const all = Array.from({ length: 5_000 }, (_, seed) => randomLife(seed)).flat()
  const breaches = (rule: (one: Transition) => boolean) => all.filter((one) => !rule(one)).slice(0, 2)

  test('every mode is entered, and every reason given', () => {
    const reached = new Set(all.map(({ after }) => (after.mode === 'critical' ? after.reason : after.mode)))
    expect([...reached].sort()).toEqual([
      'forced-shutdown',
      'latched',
      'low-battery',
      'low-charge',
      'low-runtime',
      'on-battery',
      'on-battery-too-long',
      'on-mains',
      'outage-resumed',
      'silent-on-battery',
      'unknown',
    ])
  })

  test('silence never leads from mains to critical', () => {
    expect(
      breaches(
        (one) => !(one.seen.kind === 'silence' && one.before.mode === 'on-mains' && one.after.mode === 'critical'),
      ),
    ).toEqual([])
  })

  test('silence never leads from mains to battery, unless OB was the last word', () => {
    expect(
      breaches(
        (one) =>
          !(one.seen.kind === 'silence' && one.before.mode === 'on-mains' && one.after.mode === 'on-battery') ||
          one.before.reading.status.includes('OB'),
      ),
    ).toEqual([])
  })

  test('silence calls nothing off', () => {
    expect(breaches((one) => !(isSilent(one) && (enters(one, 'on-mains') || enters(one, 'latched'))))).toEqual([])
  })

  test('what is not known becomes critical only with an open outage, or with FSD beside OB or LB', () => {
    expect(
      breaches(
        (one) =>
          !(one.before.mode === 'unknown' && one.after.mode === 'critical') ||
          one.openOutage ||
          (says(one, 'FSD') && (says(one, 'OB') || says(one, 'LB'))) ||
          // A policy that waits for nothing believes the first word.
          (one.policy.lowBatteryAfter === 0 && says(one, 'OB') && says(one, 'LB')) ||
          (one.policy.onBatteryAfter === 0 && says(one, 'OB')),
      ),
    ).toEqual([])
  })

  test('silence makes the unknown critical only while nodes of an open outage were still to be told', () => {
    const resumes = (one: Transition) =>
      one.before.mode === 'unknown' && one.after.mode === 'critical' && one.after.reason === 'outage-resumed'
    const silent = all.filter((one) => resumes(one) && isSilent(one) && !says(one, 'FSD'))
    expect(silent.length).toBeGreaterThan(100)
    expect(silent.filter((one) => !one.openOutage || one.nodesAreDown)).toEqual([])
    expect(all.filter((one) => resumes(one) && one.nodesAreDown && says(one, 'OB')).length).toBeGreaterThan(10)
  })

  test('critical ends only with OL', () => {
    expect(
      breaches((one) => !(one.before.mode === 'critical' && one.after.mode !== 'critical') || says(one, 'OL')),
    ).toEqual([])
  })

  test('critical keeps its reason and its beginning', () => {
    expect(
      breaches(
        ({ before, after }) =>
          !(before.mode === 'critical' && after.mode === 'critical') ||
          (before.reason === after.reason && before.since === after.since),
      ),
    ).toEqual([])
  })

  test('mains is entered only with OL, without OB and without FSD', () => {
    expect(
      breaches((one) => !enters(one, 'on-mains') || (says(one, 'OL') && !says(one, 'OB') && !says(one, 'FSD'))),
    ).toEqual([])
  })

  test('a latch is entered only with FSD and OL, and without OB', () => {
    expect(
      breaches((one) => !enters(one, 'latched') || (says(one, 'FSD') && says(one, 'OL') && !says(one, 'OB'))),
    ).toEqual([])
  })

  test('OL without OB and FSD is mains, whatever was before', () => {
    expect(
      breaches((one) => !says(one, 'OL') || says(one, 'OB') || says(one, 'FSD') || one.after.mode === 'on-mains'),
    ).toEqual([])
  })

  test('FSD with OB is critical, whatever was before', () => {
    expect(breaches((one) => !(says(one, 'FSD') && says(one, 'OB')) || one.after.mode === 'critical')).toEqual([])
  })

  test('a calibration is critical only by force, by silence or in the middle of an outage', () => {
    expect(
      breaches(
        (one) =>
          !(enters(one, 'critical') && says(one, 'CAL') && says(one, 'OB')) ||
          says(one, 'FSD') ||
          (one.after.mode === 'critical' && one.after.reason === 'outage-resumed'),
      ),
    ).toEqual([])
  })

  test('nothing begins in the future, and a repeated word changes no mode', () => {
    expect(breaches(({ after, seen }) => after.since <= seen.at)).toEqual([])
    expect(
      breaches((one) => isSilent(one) || nextPowerState(one.after, one.seen, one.policy).mode === one.after.mode),
    ).toEqual([])
  })
})

test('a UPS that was last heard on mains never becomes critical, however long it is silent', () => {
  for (let seed = 0; seed < 500; seed++) {
    const random = createRandom(seed)
    const policy: PowerPolicy = { onBatteryAfter: 0, lowBatteryAfter: 0, maxOnBattery: 1, silence: 1 }
    let at = 0
    let state = nextPowerState(
      startPower(0, random.chance(0.5)),
      { kind: 'reading', at, reading: { status: ['OL'] } },
      policy,
    )
    for (let step = 0; step < 50; step++) {
      at += random.below(1_000_000)
      const status = random.pick([[], ['WAIT'], ['OFF'], ['ALARM', 'CAL']])
      const seen: Observation = random.chance(0.5)
        ? { kind: 'silence', at, why: 'no answer' }
        : { kind: 'reading', at, reading: { status } }
      state = nextPowerState(state, seen, policy)
      expect(state.mode).toBe('on-mains')
    }
  }
})
