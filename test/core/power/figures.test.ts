import { describe, expect, test } from 'vitest'
import { asReported, plausible } from '../../../src/core/power/figures.ts'
import { triggersOf } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { stateOf, powerOf } from './states.ts'
import { timeLeft } from '../../../src/core/power/feeds.ts'
import { after, each, policy, seenIn, told } from './stories.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'

const minute = 60_000

describe('a figure', () => {
  test.each<{ name: string; status?: string; figures: Partial<UpsReading>; doubts: readonly string[] }>([
    { name: 'a healthy battery', figures: { charge: 100, runtime: 30 * minute, load: 20 }, doubts: [] },
    { name: 'a runtime of 0 with a full battery', figures: { charge: 100, runtime: 0 }, doubts: ['runtime'] },
    { name: 'a runtime of 0 with half a battery', figures: { charge: 60, runtime: 0 }, doubts: ['runtime'] },
    {
      name: 'a runtime of 0 on battery, without LB',
      status: 'OB DISCHRG',
      figures: { charge: 98, runtime: 0 },
      doubts: ['runtime'],
    },
    { name: 'a runtime of 0 with an empty battery', status: 'OB LB', figures: { charge: 3, runtime: 0 }, doubts: [] },
    { name: 'minutes for seconds', figures: { charge: 100, runtime: 45_000, load: 25 }, doubts: ['runtime'] },
    {
      name: 'minutes for seconds on battery',
      status: 'OB',
      figures: { charge: 96, runtime: 41_000, load: 25 },
      doubts: ['runtime'],
    },
    {
      name: 'two hours in minutes, with little load',
      figures: { charge: 100, runtime: 120_000, load: 8 },
      doubts: ['runtime'],
    },
    { name: 'a small battery at full load', figures: { charge: 100, runtime: 150_000, load: 95 }, doubts: [] },
    { name: 'a worn battery at half load', figures: { charge: 100, runtime: 90_000, load: 50 }, doubts: [] },
    { name: '65535 s', figures: { charge: 100, runtime: 65_535_000 }, doubts: ['runtime'] },
    { name: '65535 min', figures: { charge: 100, runtime: 65_535 * minute }, doubts: ['runtime'] },
    { name: '32767 s', figures: { charge: 50, runtime: 32_767_000 }, doubts: ['runtime'] },
    { name: '-1 s', figures: { charge: 100, runtime: -1_000 }, doubts: ['runtime'] },
    { name: 'no number', figures: { charge: NaN, runtime: NaN }, doubts: ['charge', 'runtime'] },
    { name: '4294967295 s', figures: { runtime: 4_294_967_295_000 }, doubts: ['runtime'] },
    { name: 'a charge of 255 %', figures: { charge: 255, runtime: 30 * minute }, doubts: ['charge'] },
    { name: 'a charge of -1 %', figures: { charge: -1 }, doubts: ['charge'] },
    { name: 'a charge of 0 with half an hour left', figures: { charge: 0, runtime: 30 * minute }, doubts: ['charge'] },
    { name: 'a charge of 0 on mains that nobody charges', figures: { charge: 0 }, doubts: ['charge'] },
    { name: 'a charge of 0 that is being charged', status: 'OL CHRG', figures: { charge: 0 }, doubts: [] },
    { name: 'a charge of 2 with LB', status: 'OL CHRG LB', figures: { charge: 2, runtime: 20_000 }, doubts: [] },
    { name: 'a charge of 0 on battery', status: 'OB', figures: { charge: 0 }, doubts: [] },
    { name: 'none at all', figures: {}, doubts: [] },
    { name: 'LB that 0 s made, on mains', status: 'OL LB', figures: { charge: 100, runtime: 0 }, doubts: ['runtime'] },
    {
      name: 'LB that minutes for seconds made, on mains',
      status: 'OL CHRG LB',
      figures: { charge: 85, runtime: 20_000 },
      doubts: ['runtime'],
    },
    { name: 'LB that 0 s made, on battery', status: 'OB LB', figures: { charge: 50, runtime: 0 }, doubts: ['runtime'] },
    { name: 'LB and 1 s on battery', status: 'OB LB', figures: { charge: 100, runtime: 1_000 }, doubts: [] },
    { name: 'LB and 0 s at less than half', status: 'OB LB', figures: { charge: 49.9, runtime: 0 }, doubts: [] },
    {
      name: 'LB and 0 s at less than half, on mains',
      status: 'OL LB',
      figures: { charge: 49.9, runtime: 0 },
      doubts: [],
    },
    { name: 'LB and 0 s, and a bad battery', status: 'OL LB RB', figures: { charge: 100, runtime: 0 }, doubts: [] },
    { name: 'LB and a bad battery, in use', status: 'OB LB RB', figures: { charge: 100, runtime: 0 }, doubts: [] },
    { name: 'LB and 0 s without a charge', status: 'OL LB', figures: { runtime: 0 }, doubts: [] },
    {
      name: 'LB and 20 s while it discharges',
      status: 'OL DISCHRG LB',
      figures: { charge: 90, runtime: 20_000 },
      doubts: [],
    },
    { name: 'LB and 20 s in a calibration', status: 'OL CAL LB', figures: { charge: 90, runtime: 20_000 }, doubts: [] },
    { name: 'LB and a minute, on mains', status: 'OL LB', figures: { charge: 100, runtime: 60_000 }, doubts: [] },
  ])('$name: doubted are $doubts', ({ status = 'OL', figures, doubts }) => {
    const raw = { status: status.split(' '), ...figures }
    const judged = plausible(raw, undefined, {})
    expect(Object.keys(judged.doubts ?? {})).toEqual(doubts)
    for (const figure of ['charge', 'runtime'] as const)
      expect(judged[figure]).toBe(doubts.includes(figure) ? undefined : figures[figure])
    expect(asReported(judged)).toEqual(raw)
  })

  test('that was doubted stays so while it does not change, low as the battery may get', () => {
    const before = plausible({ status: ['OL'], charge: 100, runtime: 0 }, undefined, {})
    const later = { status: ['OB', 'LB'], charge: 12, runtime: 0 }
    expect(plausible(later, undefined, { reading: before }).runtime).toBeUndefined()
    expect(plausible({ ...later, runtime: 90_000 }, undefined, { reading: before }).runtime).toBe(90_000)
  })

  test('that is not trusted is not used, and needs no word about it', () => {
    const judged = plausible({ status: ['OL'], charge: 80, runtime: 600_000 }, { charge: true, runtime: false }, {})
    expect(judged).toMatchObject({ charge: 80, doubts: { runtime: { reported: 600_000, isConfigured: true } } })
    expect(judged.runtime).toBeUndefined()
  })

  test('of a runtime that does not count down on battery is no budget', () => {
    const story = each(1, 600, 'OB')
    const state = after(['0: OL', ...story], { minimumRuntime: undefined, minimumCharge: undefined }, false, {
      charge: 95,
      runtime: 3_600_000,
    })
    expect(state).toMatchObject({ mode: 'on-battery', reading: { doubts: { runtime: { reported: 3_600_000 } } } })
  })
})

describe('at its limit', () => {
  const days = 86_400_000
  test.each<{
    name: string
    status?: string
    figures: Partial<UpsReading>
    figure: 'charge' | 'runtime'
    believed: number
    doubted: number
  }>([
    { name: 'a runtime of five days', figures: {}, figure: 'runtime', believed: 5 * days, doubted: 5 * days + 1 },
    { name: 'all ones, less one', figures: {}, figure: 'runtime', believed: 65_533_000, doubted: 65_534_000 },
    { name: 'a full battery', figures: { charge: 90 }, figure: 'runtime', believed: 54_000, doubted: 53_999 },
    { name: 'one that is not full', figures: { charge: 80 }, figure: 'runtime', believed: 24_000, doubted: 23_999 },
    {
      name: 'a full battery with twice the load',
      figures: { charge: 100, load: 100 },
      figure: 'runtime',
      believed: 30_000,
      doubted: 29_999,
    },
    {
      name: 'a full battery with next to no load',
      figures: { charge: 100, load: 1 },
      figure: 'runtime',
      believed: 300_000,
      doubted: 299_999,
    },
    { name: 'a battery that rests', figures: {}, figure: 'runtime', believed: 60_000, doubted: 59_999 },
    {
      name: 'next to no charge with a long runtime',
      status: 'OB',
      figures: { runtime: 10 * minute },
      figure: 'charge',
      believed: 5.1,
      doubted: 5,
    },
    { name: 'next to no charge on mains power', figures: {}, figure: 'charge', believed: 5.1, doubted: 5 },
  ])('$name: $believed is believed, and $doubted is not', ({ status = 'OL', figures, figure, believed, doubted }) => {
    const judged = (value: number) =>
      plausible({ status: status.split(' '), ...figures, [figure]: value }, undefined, {}).doubts?.[figure]
    expect(judged(believed)).toBeUndefined()
    expect(judged(doubted)?.reported).toBe(doubted)
  })

  test('a charge of next to nothing may have a runtime of less than ten minutes', () => {
    const charge = (runtime: number) => plausible({ status: ['OB'], charge: 3, runtime }, undefined, {}).charge
    expect([charge(10 * minute - 1), charge(10 * minute)]).toEqual([3, undefined])
    expect([charge(5 * days), charge(5 * days + 1)]).toEqual([undefined, 3])
    expect(charge(65_535_000)).toBe(3)
  })

  test.each<{ name: string; status: string; figures: Partial<UpsReading>; doubts: readonly string[] }>([
    { name: 'little runtime on battery, without a charge', status: 'OB', figures: { runtime: 1_000 }, doubts: [] },
    {
      name: 'little runtime on battery, with a charge that is none',
      status: 'OB',
      figures: { charge: 255, runtime: 100_000 },
      doubts: ['charge'],
    },
    { name: 'a negative runtime on battery', status: 'OB', figures: { runtime: -1 }, doubts: ['runtime'] },
    { name: 'a negative charge on battery', status: 'OB', figures: { charge: -1 }, doubts: ['charge'] },
    { name: 'a charge of 110.1 %', status: 'OB', figures: { charge: 110.1 }, doubts: ['charge'] },
    { name: 'LB with a long runtime', status: 'OB LB', figures: { charge: 2, runtime: 20 * minute }, doubts: [] },
    { name: 'a status that tells nothing', status: 'RB', figures: { charge: 0, runtime: 1_000 }, doubts: [] },
    { name: 'a battery that discharges', status: 'OL DISCHRG', figures: { runtime: 1_000 }, doubts: [] },
    { name: 'a battery that is charged', status: 'OL CHRG', figures: { runtime: 1_000 }, doubts: [] },
    { name: 'a battery that is in use', status: 'OL OB', figures: { runtime: 1_000 }, doubts: [] },
    { name: 'an empty one that discharges', status: 'OL DISCHRG', figures: { charge: 0 }, doubts: [] },
    { name: 'an empty one that is in use', status: 'OL OB', figures: { charge: 0 }, doubts: [] },
  ])('of $status, $name: doubted are $doubts', ({ status, figures, doubts }) => {
    const raw = { status: status.split(' '), ...figures }
    const judged = plausible(raw, undefined, {})
    expect(Object.keys(judged.doubts ?? {})).toEqual(doubts)
    expect(judged === raw).toBe(doubts.length === 0)
  })

  test('what is not trusted is left out of the reading, and counts as soon as it is trusted', () => {
    const raw = { status: ['OB'], charge: 80 }
    const judged = plausible(raw, { charge: false, runtime: true }, {})
    expect(judged).toStrictEqual({
      status: ['OB'],
      doubts: { charge: { reported: 80, why: 'the configuration does not trust it', isConfigured: true } },
    })
    expect(plausible(raw, undefined, { reading: judged })).toBe(raw)
    expect(plausible({ status: ['OB'], runtime: -1 }, undefined, {})).toStrictEqual({
      status: ['OB'],
      doubts: { runtime: { reported: -1, why: expect.any(String) as string } },
    })
  })

  test('a runtime that stood still is believed once it moves, down or up', () => {
    const before = plausible({ status: ['OB'], charge: 80, runtime: 600_000 }, undefined, {
      earlier: { runtime: 600_000 },
      onBatteryFor: 5 * minute,
    })
    expect(before.doubts?.runtime).toEqual({ reported: 600_000, why: 'it does not count down on battery' })
    const next = (runtime: number) =>
      plausible({ status: ['OB'], charge: 80, runtime }, undefined, { reading: before }).runtime
    expect([next(599_000), next(600_000), next(601_000)]).toEqual([599_000, undefined, 601_000])
  })

  test('one that was too little stays so while it falls further', () => {
    const before = plausible({ status: ['OL'], charge: 100, runtime: 9_000 }, undefined, {})
    const next = (runtime: number) =>
      plausible({ status: ['OB', 'LB'], charge: 20, runtime }, undefined, { reading: before }).runtime
    expect([next(8_000), next(9_000), next(9_001)]).toEqual([undefined, undefined, 9_001])
  })

  test('a charge that was doubted stays so while it does not rise', () => {
    const before = plausible({ status: ['OL'], charge: 0 }, undefined, {})
    const next = (charge: number) => plausible({ status: ['OB', 'LB'], charge }, undefined, { reading: before }).charge
    expect([next(0), next(1)]).toEqual([undefined, 1])
  })
})

describe('a UPS whose runtime is always 0', () => {
  const life = (seconds: number, chargeAt: (second: number) => number) =>
    ['0: OL', ...each(1, seconds, 'OB')].reduce(
      (state, text, second) => nextPowerState(state, seenIn(text, { charge: chargeAt(second), runtime: 0 }), policy),
      after([]),
    )

  test('shuts nothing down while its charge is well', () => {
    expect(told(life(120, (second) => 100 - second / 20))).toBe('on-battery')
  })

  test('shuts down for its charge', () => {
    expect(told(life(720, (second) => 100 - second / 10))).toBe('critical: low-charge')
  })

  test('leaves a plan the time that is assumed, and not none', () => {
    const state = life(10, () => 99)
    const feed = { powerValue: { a: 1 }, minSupplies: 1 }
    expect(timeLeft(feed, powerOf({ a: state }), 10_000, 180_000)).toMatchObject({ ms: 180_000, told: false })
    expect(timeLeft(feed, powerOf({ a: stateOf('on-battery', { runtime: 0 }, 0, 10_000) }), 10_000, 180_000).ms).toBe(0)
  })

  test('says that its trigger goes by the charge', () => {
    const [trigger] = triggersOf(
      'reading' in life(0, () => 100) ? (life(0, () => 100) as { reading: UpsReading }).reading : undefined,
      policy,
    ).filter(({ reason }) => reason === 'low-runtime')
    expect(trigger).toEqual({
      reason: 'low-runtime',
      text: 'less than 4 min of runtime, by how fast the charge falls',
    })
  })
})
