import { describe, expect, test } from 'vitest'
import { supplyOf } from '../../../src/core/power/feeds.ts'
import { type PowerState, startPower } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import { type PowerPolicy, triggersOf } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { stateOf, powerOf } from './states.ts'
import { after, each, policy, seenIn, told } from './stories.ts'

/** A UPS on battery from second 1 on, with these figures in each second. */
function onBattery(
  seconds: number,
  figuresAt: (second: number) => Partial<UpsReading>,
  changed: Partial<PowerPolicy> = {},
): { readonly state: PowerState; readonly second: number } {
  let state = after(['0: OL'], changed, false, figuresAt(0))
  for (let second = 1; second <= seconds; second++) {
    state = nextPowerState(state, seenIn(`${second}: OB`, figuresAt(second)), { ...policy, ...changed })
    if (state.mode === 'critical') return { state, second }
  }
  return { state, second: seconds }
}

const bare = { minimumCharge: undefined, minimumRuntime: undefined, maxOnBattery: undefined }

describe('a runtime that is coarse', () => {
  test.each([60, 150, 180])('in steps of %d s is used whenever it counts down', (step) => {
    const runtime = (second: number) => Math.ceil((840 - second) / step) * step * 1_000
    const { state, second } = onBattery(840, (at) => ({ charge: Math.round(100 - at / 8.4), runtime: runtime(at) }), {
      ...bare,
      minimumCharge: 0,
      minimumRuntime: 240_000,
    })
    expect(told(state)).toBe('critical: low-runtime')
    expect(second).toBeLessThan(800)
  })

  test('that stands still is not used, and is again once it moves', () => {
    const runtime = (second: number) => (second < 500 ? 3_600_000 : 600_000 - (second - 500) * 1_000)
    const { state, second } = onBattery(1_100, (at) => ({ charge: 90, runtime: runtime(at) }), {
      ...bare,
      minimumRuntime: 240_000,
    })
    expect(told(state)).toBe('critical: low-runtime')
    expect(second).toBeLessThan(870)
  })
})

describe('figures that fall to nothing count, whatever the status says', () => {
  const draining = (second: number) => ({ charge: Math.max(0, 100 - Math.max(0, second - 5) / 12) })

  test.each(['', 'WAIT', 'FOO', 'ALARM', 'OFF', 'LB', 'OL', 'OL DISCHRG'])('"%s" after mains power', (status) => {
    let state = after(['0: OL', ...each(1, 5, 'OL')], bare, false, { charge: 100 })
    for (let second = 6; second <= 1_200 && state.mode !== 'critical'; second++)
      state = nextPowerState(state, seenIn(`${second}: ${status || '='}`, draining(second)), {
        ...policy,
        ...bare,
        onBatteryBelow: 50,
      })
    expect(told(state)).toMatch(/^critical: low-(charge|battery)$/)
    expect(Math.round(('reading' in state && state.reading?.charge) || 0)).toBeGreaterThan(15)
  })

  test.each(['', 'WAIT', 'FOO', 'ALARM', 'OFF'])('"%s" from the start', (status) => {
    let state = startPower(0)
    for (let second = 0; second <= 1_200 && state.mode !== 'critical'; second++)
      state = nextPowerState(state, seenIn(`${second}: ${status || '='}`, draining(second)), {
        ...policy,
        ...bare,
        onBatteryBelow: 50,
      })
    expect(told(state)).toBe('critical: low-charge')
  })

  test('and figures that stand still tell nothing', () => {
    const still = each(0, 1_200, '=')
    expect(told(after(still, { ...bare, onBatteryBelow: 50 }, false, { charge: 30 }))).toBe('unknown')
    expect(told(after(['0: OL', ...still.slice(1)], { ...bare, onBatteryBelow: 50 }, false, { charge: 30 }))).toBe(
      'on-mains',
    )
  })
})

test('a charge that falls in large steps is not called fast', () => {
  const { state } = onBattery(280, (second) => ({ charge: 100 - 10 * Math.floor(second / 100) }), {
    ...bare,
    maxDischargeRate: 15,
  })
  expect(told(state)).toBe('on-battery')
})

describe('where nothing is configured, the UPS’s own mark is the floor of the charge', () => {
  test.each<{ name: string; figures: Partial<UpsReading>; changed?: Partial<PowerPolicy>; floor: number }>([
    { name: 'one that tells no mark', figures: {}, floor: 20 },
    { name: 'one whose mark makes no sense', figures: { chargeLow: 100 }, floor: 20 },
    { name: 'one whose LB is ignored', figures: { chargeLow: 40 }, changed: { ignoreLowBattery: true }, floor: 10 },
    { name: 'one with a mark of its own', figures: { chargeLow: 5 }, floor: 5 },
  ])('$name is not run flat: below $floor %', ({ figures, changed = {}, floor }) => {
    // Slower than what counts as fast, and over before time alone decides.
    const { state, second } = onBattery(800, (at) => ({ charge: 100 - at / 8, ...figures }), { ...bare, ...changed })
    expect(told(state)).toBe('critical: low-charge')
    expect(second).toBeGreaterThan((100 - floor) * 8)
    expect(second).toBeLessThanOrEqual((100 - floor) * 8 + 5)
  })

  test('a UPS that reports no charge lacks nothing that anybody has asked for', () => {
    const low = (changed: Partial<PowerPolicy>) =>
      triggersOf({ status: ['OL'], runtime: 900_000 }, { ...policy, ...changed }).find(
        ({ reason }) => reason === 'low-charge',
      )
    const disarmed = 'the UPS does not report battery.charge'
    expect(low(bare)).toEqual({ reason: 'low-charge', text: 'a charge below 20 %', disarmed })
    expect(low({ minimumCharge: 40 })).toMatchObject({ disarmed, lacks: 'battery.charge' })
  })

  test('0 asks for none', () => {
    const { state } = onBattery(800, (at) => ({ charge: 100 - at / 8 }), { ...bare, minimumCharge: 0 })
    expect(told(state)).toBe('on-battery')
  })

  const falls = (second: number) => ({ charge: 100 - second / 10, chargeLow: 20 })

  test('for a UPS that never says LB', () => {
    const { state, second } = onBattery(1_000, falls, bare)
    expect(told(state)).toBe('critical: low-charge')
    expect(second).toBeLessThanOrEqual(806)
  })

  test('and is said as a trigger', () => {
    const texts = triggersOf({ status: ['OL'], charge: 100, chargeLow: 20 }, { ...policy, ...bare })
    expect(texts.find(({ reason }) => reason === 'low-charge')).toEqual({
      reason: 'low-charge',
      text: 'a charge below 20 %',
    })
  })

  test.each<{ name: string; figures: Partial<UpsReading>; changed?: Partial<PowerPolicy> }>([
    { name: 'unless it makes no sense', figures: { charge: 95, chargeLow: 100 } },
    { name: 'unless LB is ignored', figures: { charge: 15, chargeLow: 20 }, changed: { ignoreLowBattery: true } },
  ])('$name', ({ figures, changed = {} }) => {
    expect(told(after(['0: OL', ...each(1, 60, 'OB')], { ...bare, ...changed }, false, figures))).toBe('on-battery')
  })
})

test('a UPS that is only OFF from the start supplies nothing beside one that fails', () => {
  const off = after(['1: OFF'])
  expect(supplyOf({ powerValue: { a: 1, b: 1 }, minSupplies: 1 }, powerOf({ a: off, b: 'low-battery' }))).toBe(
    'failing',
  )
})

test('one that has been silent since before proves nothing', () => {
  const long = { ...stateOf('on-mains', {}, 0, 10_000), isSilent: true } as PowerState
  const just = { ...stateOf('on-mains', {}, 0, 4_990_000), isSilent: true } as PowerState
  const failing = stateOf('low-battery', {}, 5_000_000)
  const feed = { powerValue: { a: 1, b: 1 }, minSupplies: 1 }
  expect(supplyOf(feed, powerOf({ a: long, b: failing }))).toBe('mains')
  expect(supplyOf(feed, powerOf({ a: just, b: failing }))).toBe('failing')
})

test('statuses alone confirm no figure that was read once', () => {
  let state = after(['0: OL', ...each(1, 10, 'OB')], {}, false, { charge: 90, runtime: 1_990_000 })
  state = nextPowerState(state, seenIn('11: OB', { charge: 90, runtime: 100_000 }), policy)
  for (let step = 1; step <= 20; step++)
    state = nextPowerState(state, { kind: 'status', at: 11_000 + step * 250, status: ['OB'] }, policy)
  expect(told(state)).toBe('on-battery')
  state = nextPowerState(state, seenIn('17: OB', { charge: 90, runtime: 1_980_000 }), policy)
  expect(told(state)).toBe('on-battery')
})

test('short silences between moments of battery do not clear what adds up', () => {
  const story = Array.from({ length: 20 }, (_, round) => {
    const at = 1 + round * 23
    return [`${at}: OB LB`, `${at + 1}: OB LB`, `${at + 2}: OL`, `${at + 10}: -`, `${at + 20}: -`]
  }).flat()
  expect(told(after(['0: OL', ...story], { onMainsAfter: 15_000 }))).toBe('critical: low-battery')
})
