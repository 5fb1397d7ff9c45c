import { describe, expect, test } from 'vitest'
import type { Sample } from '../../../src/core/power/battery.ts'
import { isLow, isPurposeOver, type Look, lookAt, newUse, nextUse, readingAfter } from '../../../src/core/power/look.ts'
import type { BatteryUse, PowerState } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { stateOf, useSince } from './states.ts'
import { policy as base } from './stories.ts'

const policy: PowerPolicy = { ...base, onMainsAfter: 15_000, onBatteryBelow: 50 }
const at = 10_000_000
const saying = (status: string, figures: Partial<UpsReading> = {}): UpsReading => ({
  status: status.split(' '),
  ...figures,
})
const silent: PowerState = {
  mode: 'critical',
  reason: 'outage-resumed',
  since: at,
  lastHeard: at,
  ...newUse(at),
}

describe('a runtime that does not count down on battery', () => {
  /** What is doubted of a UPS that says what it said `ago`, after so long on battery; in ms. */
  const doubted = (onBatteryFor: number, ...ago: readonly number[]) => {
    const samples = ago.map((one): Sample => ({ at: at - one, runtime: 600_000 }))
    const { reading } = lookAt(
      { ...stateOf('on-battery', { runtime: 600_000 }), ...useSince(at - onBatteryFor, at - 1_000, samples) },
      { kind: 'reading', at, reading: saying('OB', { runtime: 600_000 }) },
      policy,
    ).heard
    return reading.doubts?.runtime?.why
  }

  test('is doubted once it has stood still for two minutes, five minutes after mains power failed', () => {
    expect(doubted(300_000, 110_000, 1_000)).toBe('it does not count down on battery')
    expect(doubted(299_999, 110_000, 1_000)).toBeUndefined()
  })

  test('is not doubted for two readings in a row, as after a silence', () => {
    expect(doubted(600_000, 109_999, 1_000)).toBeUndefined()
    expect(doubted(600_000, 1_000)).toBeUndefined()
  })
})

describe('what a UPS says', () => {
  const falling = (of: 'charge' | 'runtime', last: number): readonly Sample[] =>
    [2, 1, 0].map((step) => ({ at: at - 1_000 - step * 120_000, [of]: last + step * (of === 'charge' ? 10 : 120_000) }))
  const evidenceOf = (reading: UpsReading, trend: readonly Sample[], changed: Partial<PowerPolicy> = {}) => {
    const since = at - 600_000
    const state: PowerState = { mode: 'on-mains', since, lastHeard: since, figuresAt: since, reading, trend }
    return lookAt(state, { kind: 'reading', at, reading }, { ...policy, ...changed }).evidence
  }

  test.each<{ name: string; reading: UpsReading; changed?: Partial<PowerPolicy>; evidence: string }>([
    { name: 'below the mark', reading: saying('OL', { charge: 49 }), evidence: 'battery' },
    { name: 'at the mark', reading: saying('OL', { charge: 50 }), evidence: 'mains' },
    { name: 'with a low battery', reading: saying('OL LB', { charge: 49 }), evidence: 'battery' },
    { name: 'with a low battery that it contradicts', reading: saying('OL LB', { charge: 60 }), evidence: 'mains' },
    {
      name: 'where that never counts as battery',
      reading: saying('OL LB', { charge: 20 }),
      changed: { onBatteryBelow: undefined },
      evidence: 'mains',
    },
    { name: 'with a short runtime', reading: saying('OL', { charge: 60, runtime: 300_000 }), evidence: 'mains' },
    { name: 'while upsd has no data', reading: saying('WAIT', { charge: 20 }), evidence: 'battery' },
    { name: 'and less, while upsd has no data', reading: saying('WAIT', { charge: 50 }), evidence: 'no-data' },
  ])('while its charge falls $name is $evidence', ({ reading, changed, evidence }) => {
    expect(evidenceOf(reading, falling('charge', reading.charge!), changed)).toBe(evidence)
  })

  test('while its runtime counts down is battery below twice the runtime that a shutdown starts at', () => {
    const at480 = (runtime: number, changed: Partial<PowerPolicy> = {}) =>
      evidenceOf(saying('OL DISCHRG', { runtime }), falling('runtime', runtime), changed)
    expect([at480(479_999), at480(480_000)]).toEqual(['battery', 'mains'])
    expect(at480(100_000, { minimumRuntime: undefined })).toBe('mains')
  })

  test('in a status alone leaves the figures as they were reported', () => {
    const before = stateOf('on-battery', {
      charge: 80,
      doubts: { runtime: { reported: 0, why: 'the charge is 80 %' } },
    })
    const seen = { kind: 'status', at, status: ['OB', 'LB'] } as const
    expect(readingAfter(before, seen)).toStrictEqual({ status: ['OB', 'LB'], charge: 80, runtime: 0 })
    expect(readingAfter(stateOf('unknown'), seen)).toStrictEqual({ status: ['OB', 'LB'] })
    expect(readingAfter(silent, seen)).toStrictEqual({ status: ['OB', 'LB'] })
    expect(lookAt(silent, seen, policy).evidence).toBe('battery')
  })
})

describe('the use of a battery', () => {
  const looking = (status: string, figures: Partial<UpsReading> = {}, figuresAt = at): Look => ({
    at,
    evidence: 'battery',
    heard: { lastHeard: at, figuresAt, reading: saying(status, figures) },
  })
  const spell = (isSo: boolean, lasted = 2_000) => ({ since: at - 5_000, lasted, at: at - 1_000, isSo })
  const used: BatteryUse = { ...useSince(at - 10_000, at - 1_000), samples: [{ at: at - 9_000, charge: 90 }] }

  test('begins with nothing', () => {
    expect(newUse(at)).toStrictEqual({ battery: { since: at, lasted: 0, at, isSo: true }, samples: [] })
    expect(nextUse(undefined, looking('OL'), policy, false)).toBeUndefined()
    expect(nextUse(undefined, looking('OB', { charge: 90 }), policy, true)).toMatchObject({
      samples: [{ at, charge: 90 }],
    })
  })

  test('takes samples on battery, and keeps them in a moment of mains power', () => {
    expect(nextUse(used, looking('OB', { charge: 89 }), policy, true)?.samples).toEqual([
      ...used.samples,
      { at, charge: 89 },
    ])
    expect(nextUse(used, looking('OL', { charge: 89 }), policy, false)?.samples).toEqual(used.samples)
  })

  test('counts LB on battery, and neither in a moment of mains power, nor in a calibration, nor where it is ignored', () => {
    const lowAfter = (status: string, isOnBattery: boolean, changed: Partial<PowerPolicy> = {}) =>
      nextUse({ ...used, low: spell(true) }, looking(status), { ...policy, ...changed }, isOnBattery)?.low?.isSo
    expect(lowAfter('OB LB', true)).toBe(true)
    expect(lowAfter('OB', true)).toBe(false)
    expect(lowAfter('OL LB', false)).toBe(false)
    expect(lowAfter('OB CAL LB', true)).toBe(false)
    expect(lowAfter('OB LB', true, { ignoreLowBattery: true })).toBe(false)
  })

  test('counts a low figure until it was read last, and one that is not low from now', () => {
    const shortAfter = (charge: number, short = spell(true)) =>
      nextUse({ ...used, short }, looking('OB', { charge }, at - 400), policy, true)?.short
    expect(shortAfter(29)).toMatchObject({ lasted: 2_600, at: at - 400, isSo: true })
    expect(shortAfter(30)).toMatchObject({ lasted: 2_000, endedAt: at, isSo: false })
    expect(shortAfter(30, { ...spell(false), endedAt: at - 14_999 } as never)).toBeDefined()
    expect(shortAfter(30, { ...spell(false), endedAt: at - 15_000 } as never)).toBeUndefined()
  })

  test('on purpose is over when the purpose is, and not before', () => {
    const testing = { ...stateOf('on-battery', {}, at - 60_000), reading: saying('OB TEST') } as PowerState
    expect(isPurposeOver(testing, saying('OB'))).toBe(true)
    expect(isPurposeOver(testing, saying('OB TEST'))).toBe(false)
    expect(isPurposeOver(stateOf('on-battery'), saying('OB'))).toBe(false)
    for (const state of [silent, stateOf('on-mains'), stateOf('unknown')])
      expect(isPurposeOver(state, saying('OB'))).toBe(false)
  })
})

describe('a battery can’t carry what is connected to it', () => {
  test.each<{ name: string; reading: UpsReading; changed?: Partial<PowerPolicy>; low: boolean }>([
    { name: 'with LB', reading: saying('OL LB'), low: true },
    { name: 'with LB that is ignored', reading: saying('OL LB'), changed: { ignoreLowBattery: true }, low: false },
    { name: 'with less than the policy asks for', reading: saying('OL', { charge: 29 }), low: true },
    { name: 'with less runtime than that', reading: saying('OL', { charge: 90, runtime: 239_999 }), low: true },
    { name: 'below its own mark', reading: saying('OL', { charge: 59, chargeLow: 60 }), low: true },
    { name: 'at its marks', reading: saying('OL', { charge: 60, chargeLow: 60, runtime: 240_000 }), low: false },
    { name: 'that tells nothing', reading: saying('OL'), low: false },
  ])('$name: $low', ({ reading, changed, low }) => {
    expect(isLow(reading, { ...policy, ...changed })).toBe(low)
  })
})
