import { describe, expect, test } from 'vitest'
import { type PowerState, startPower, useOf } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import { isCalledOff, type PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { Observation } from '../../../src/core/power/ups.ts'
import { noise, randomLife, type Transition } from './lives.ts'
import { evidenceOf } from '../../../src/core/power/tokens.ts'
import { createRandom } from '../random.ts'

const says = ({ seen }: Transition, word: string) => seen.kind === 'reading' && seen.reading.status.includes(word)
const enters = ({ before, after }: Transition, mode: PowerState['mode']) => after.mode === mode && before.mode !== mode
const wasCalledOff = ({ before }: Transition, reason: string) =>
  before.mode === 'on-battery' && before.calledOff === reason
const evidence = ({ seen }: Transition) => (seen.kind === 'reading' ? evidenceOf(seen.reading.status) : 'no-data')
const isSilent = (one: Transition) => evidence(one) === 'no-data'
const isUsed = (state: PowerState) => useOf(state)?.battery.isSo === true
/** FSD stands for OB LB where nothing speaks for mains power. */
const isForcedOnBattery = (one: Transition) =>
  says(one, 'FSD') && (evidence(one) === 'battery' || says(one, 'LB') || isUsed(one.before))

describe('in five thousand random lives of a UPS', () => {
  const all = Array.from({ length: 5_000 }, (_, seed) => randomLife(seed)).flat()
  const breaches = (rule: (one: Transition) => boolean) => all.filter((one) => !rule(one)).slice(0, 2)

  test('every mode is entered, and every reason given', () => {
    const reached = new Set(all.map(({ after }) => (after.mode === 'critical' ? after.reason : after.mode)))
    expect([...reached].sort()).toEqual([
      'fast-depletion',
      'forced',
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
          isUsed(one.before),
      ),
    ).toEqual([])
  })

  test('silence ends no shutdown, and no time on battery but one that mains power had ended before', () => {
    expect(
      breaches((one) => !(isSilent(one) && one.before.mode === 'critical') || one.after.mode === 'critical'),
    ).toEqual([])
    expect(
      breaches(
        (one) =>
          !(isSilent(one) && one.before.mode === 'on-battery' && enters(one, 'on-mains')) ||
          one.before.mainsSince !== undefined,
      ),
    ).toEqual([])
  })

  test('what is not known becomes critical only with an open outage, or with FSD beside OB or LB', () => {
    expect(
      breaches(
        (one) =>
          !(one.before.mode === 'unknown' && one.after.mode === 'critical') ||
          one.openOutage ||
          isForcedOnBattery(one) ||
          // A policy that waits for nothing believes the first word.
          (one.policy.lowBatteryAfter === 0 && evidence(one) === 'battery' && says(one, 'LB')) ||
          (one.policy.onBatteryAfter === 0 && evidence(one) === 'battery'),
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

  test('critical ends only with mains power', () => {
    expect(
      breaches(
        (one) =>
          !(one.before.mode === 'critical' && one.after.mode !== 'critical') ||
          ['mains', 'likely-mains'].includes(evidence(one)),
      ),
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

  test('mains is entered only with mains power, or after it, and never with FSD', () => {
    const wasBack = ({ before }: Transition) => before.mode === 'on-battery' && before.mainsSince !== undefined
    expect(
      breaches(
        (one) =>
          !enters(one, 'on-mains') ||
          (!says(one, 'FSD') && ['mains', 'likely-mains'].includes(evidence(one))) ||
          (wasBack(one) && evidence(one) !== 'battery'),
      ),
    ).toEqual([])
  })

  test('a latch is entered only with FSD and mains power, and never from battery unless that was called off', () => {
    expect(
      breaches(
        (one) =>
          !enters(one, 'latched') ||
          (says(one, 'FSD') && (one.before.mode === 'on-mains' || ['mains', 'likely-mains'].includes(evidence(one)))),
      ),
    ).toEqual([])
    expect(
      breaches(
        (one) => !(enters(one, 'latched') && one.before.mode === 'on-battery') || wasCalledOff(one, 'forced-shutdown'),
      ),
    ).toEqual([])
  })

  test('OL without OB and FSD is mains once it has lasted, whatever was before', () => {
    const isYoung = ({ after, seen, policy }: Transition) =>
      (after.mode === 'on-battery' || after.mode === 'critical') &&
      after.mainsSince !== undefined &&
      seen.at - after.mainsSince < policy.onMainsAfter
    expect(
      breaches(
        (one) =>
          !says(one, 'OL') || says(one, 'OB') || says(one, 'FSD') || one.after.mode === 'on-mains' || isYoung(one),
      ),
    ).toEqual([])
  })

  test('FSD with OB is critical, whatever was before, unless that was called off', () => {
    const isForced = (one: Transition) => says(one, 'FSD') && says(one, 'OB') && !wasCalledOff(one, 'forced-shutdown')
    expect(breaches((one) => !isForced(one) || one.after.mode === 'critical')).toEqual([])
  })

  test('a calibration is critical only by force, by silence or in the middle of an outage', () => {
    expect(
      breaches(
        (one) =>
          !(enters(one, 'critical') && says(one, 'CAL') && says(one, 'OB')) ||
          says(one, 'FSD') ||
          // FSD that was not confirmed is, by the battery.
          one.before.mode === 'forced' ||
          (one.after.mode === 'critical' && one.after.reason === 'outage-resumed'),
      ),
    ).toEqual([])
  })

  test('a self-test is critical within three minutes only by force, by silence or in the middle of an outage', () => {
    const tests = all.filter(
      (one) =>
        one.seen.kind === 'reading' &&
        says(one, 'OB') &&
        (says(one, 'TEST') || one.seen.reading.testing) &&
        enters(one, 'critical') &&
        one.after.mode === 'critical' &&
        one.after.battery.lasted <= 180_000,
    )
    const reasons = tests.map(({ after }) => (after.mode === 'critical' ? after.reason : ''))
    expect([...new Set(reasons)].sort()).toEqual(['forced-shutdown', 'outage-resumed'])
  })

  test('what was called off starts again only for a graver reason, while the battery is used', () => {
    const isOff = (one: Transition) => one.before.mode === 'on-battery' && one.before.calledOff !== undefined
    expect(all.filter(isOff).length).toBeGreaterThan(1_000)
    expect(
      breaches(
        ({ before, after, ...one }) =>
          !(before.mode === 'on-battery' && before.calledOff && after.mode === 'critical') ||
          (one.seen.kind === 'reading' && one.seen.reading.status.includes('OL')) ||
          !isCalledOff(after.reason, before.calledOff),
      ),
    ).toEqual([])
    expect(
      breaches(
        ({ before, after }) =>
          !(before.mode === 'on-battery' && after.mode === 'on-battery') || before.calledOff === after.calledOff,
      ),
    ).toEqual([])
  })

  test('nothing is shut down for what the configuration leaves out', () => {
    expect(
      breaches(({ before, after, policy }) => {
        if (after.mode !== 'critical' || before.mode === 'critical') return true
        const allowed: Partial<Record<typeof after.reason, boolean>> = {
          'low-battery': !policy.ignoreLowBattery,
          'low-charge': policy.minimumCharge !== 0,
          'low-runtime': policy.minimumRuntime !== undefined,
          'fast-depletion': policy.maxDischargeRate !== undefined,
          'on-battery-too-long': policy.maxOnBattery !== undefined,
        }
        return allowed[after.reason] ?? true
      }),
    ).toEqual([])
  })

  test('words that decide nothing change nothing', () => {
    const told = (state: PowerState) => (state.mode === 'critical' ? state.reason : state.mode)
    expect(
      breaches(({ before, after, seen, policy }) => {
        // Without OL and OB some of them hint at mains power.
        if (seen.kind !== 'reading' || !['OL', 'OB'].some((word) => seen.reading.status.includes(word))) return true
        const status = seen.reading.status.filter((word) => !noise.includes(word))
        const bare = nextPowerState(before, { ...seen, reading: { ...seen.reading, status } }, policy)
        return told(bare) === told(after)
      }),
    ).toEqual([])
  })

  test('what the battery has said is in order, of this time on battery, and bounded', () => {
    expect(
      breaches(({ after, seen }) => {
        const use = useOf(after)
        const samples = use?.samples ?? []
        const since = use?.battery.since
        return (
          samples.length <= 135 &&
          samples.every(({ at }, index) => at >= (since ?? Infinity) && at >= (samples[index - 1]?.at ?? 0)) &&
          (samples.at(-1)?.at ?? 0) <= seen.at
        )
      }),
    ).toEqual([])
  })

  test('nothing begins in the future, and a repeated word changes no mode', () => {
    expect(breaches(({ after, seen }) => after.since <= seen.at)).toEqual([])
    // Save for the reading that makes thirty: from then on it is known how fast the battery empties.
    const again = (one: Transition) =>
      nextPowerState(one.after, one.seen, { ...one.policy, maxDischargeRate: undefined })
    expect(breaches((one) => isSilent(one) || again(one).mode === one.after.mode)).toEqual([])
  })
})

test('a UPS that was last heard on mains never becomes critical, however long it is silent', () => {
  for (let seed = 0; seed < 500; seed++) {
    const random = createRandom(seed)
    const policy: PowerPolicy = { onBatteryAfter: 0, onMainsAfter: 0, lowBatteryAfter: 0, maxOnBattery: 1, deadTime: 1 }
    let at = 0
    let state = nextPowerState(
      startPower(0, { openOutage: random.chance(0.5) }),
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
