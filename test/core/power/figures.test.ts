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
    expect(told(life(400, (second) => 100 - second / 5))).toBe('critical: low-charge')
  })

  test('leaves a plan the time that is assumed, and not none', () => {
    const state = life(10, () => 99)
    const feed = { powerValue: { a: 1 }, minSupplies: 1 }
    expect(timeLeft(feed, powerOf({ a: state }), 10_000, 180_000)).toMatchObject({ ms: 180_000, told: false })
    expect(timeLeft(feed, powerOf({ a: stateOf('on-battery', { runtime: 0 }, 0, 10_000) }), 10_000, 180_000).ms).toBe(0)
  })

  test('says that its trigger is not armed, and why', () => {
    const [trigger] = triggersOf(
      'reading' in life(0, () => 100) ? (life(0, () => 100) as { reading: UpsReading }).reading : undefined,
      policy,
    ).filter(({ reason }) => reason === 'low-runtime')
    expect(trigger?.disarmed).toBe('battery.runtime is not used: the charge is 100 %, without a low battery (LB)')
    expect(trigger?.lacks).toBeUndefined()
  })
})
