import { describe, expect, test } from 'vitest'
import type { PowerState } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { after, policy, seenIn, told } from './stories.ts'

const usual: PowerPolicy = {
  ...policy,
  onMainsAfter: 15_000,
  onBatteryBelow: 50,
  minimumCharge: undefined,
  minimumRuntime: undefined,
}

/** A UPS with this status and these figures in each second. */
function life(
  seconds: number,
  statusAt: (second: number) => string,
  figuresAt: (second: number) => Partial<UpsReading>,
  changed: Partial<PowerPolicy> = {},
): PowerState[] {
  let state = after(['0: OL'], {}, false, figuresAt(0))
  return Array.from({ length: seconds }, (_, index) => {
    const second = index + 1
    state = nextPowerState(state, seenIn(`${second}: ${statusAt(second)}`, figuresAt(second)), { ...usual, ...changed })
    return state
  })
}

const falling = (perMinute: number) => (second: number) => ({
  charge: Math.max(0, Math.round(100 - (perMinute * second) / 60)),
})
const isFalling = (state: PowerState) => 'fall' in state && state.fall !== undefined
/** The first second of which it is so. */
const first = (states: readonly PowerState[], isSo: (state: PowerState) => boolean) => {
  const index = states.findIndex(isSo)
  return index < 0 ? undefined : index + 1
}

describe('a UPS that reports mains power while its charge falls', () => {
  test.each<{ name: string; perMinute: number; noticed: number; battery: number }>([
    { name: 'as fast as can be', perMinute: 60, noticed: 40, battery: 60 },
    { name: 'fast', perMinute: 10, noticed: 60, battery: 320 },
    { name: 'as most do', perMinute: 3, noticed: 120, battery: 1_030 },
    { name: 'slowly', perMinute: 0.8, noticed: 300, battery: 3_900 },
  ])('$name: is noticed, and is on battery below the mark', ({ perMinute, noticed, battery }) => {
    const states = life(4_200, () => 'OL DISCHRG', falling(perMinute))
    expect(first(states, isFalling)).toBeLessThanOrEqual(noticed)
    expect(first(states, ({ mode }) => mode !== 'on-mains')).toBeLessThanOrEqual(battery)
  })

  test('is on battery with LB that its figures confirm, and goes down with it', () => {
    const statusAt = (second: number) => (second > 100 ? 'OL DISCHRG LB' : 'OL DISCHRG')
    const states = life(140, statusAt, falling(40), { onBatteryBelow: 20 })
    expect(first(states, ({ mode }) => mode !== 'on-mains')).toBe(104)
    expect(told(states.at(-1)!)).toBe('critical: low-battery')
    const full = life(140, statusAt, falling(5), { onBatteryBelow: 20 })
    expect(full.every(({ mode }) => mode === 'on-mains')).toBe(true)
  })

  test('is on battery too where a result of a self-test never ends', () => {
    const states = life(
      1_500,
      () => 'OL DISCHRG',
      (second) => ({ ...falling(6)(second), testing: true }),
    )
    expect(first(states, ({ mode }) => mode !== 'on-mains')).toBeLessThanOrEqual(520)
  })

  test('is on mains again once the fall is over', () => {
    const chargeAt = (second: number) => ({ charge: second < 60 ? 48 - Math.floor(second / 20) : 45 })
    const states = life(1_300, () => 'OL', chargeAt)
    expect(states[600]?.mode).toBe('on-battery')
    expect(states.at(-1)?.mode).toBe('on-mains')
  })

  test('is believed for longer where it says that it charges', () => {
    const states = life(120, () => 'OL CHRG', falling(10))
    const noticed = first(states, isFalling)!
    expect(noticed).toBeGreaterThan(60)
    expect(noticed).toBeLessThanOrEqual(90)
  })

  test('is only reported where that never counts as battery', () => {
    const states = life(2_400, () => 'OL DISCHRG', falling(3), { onBatteryBelow: undefined })
    expect(states.every(({ mode }) => mode === 'on-mains')).toBe(true)
    expect(isFalling(states.at(-1)!)).toBe(true)
  })

  test('is on mains again once it charges', () => {
    const chargeAt = (second: number) => ({
      charge: Math.round(second < 400 ? 100 - second / 6 : 33 + (second - 400) / 10),
    })
    const states = life(460, (second) => (second < 400 ? 'OL DISCHRG' : 'OL CHRG'), chargeAt)
    expect(states[398]?.mode).toBe('on-battery')
    expect(states.at(-1)?.mode).toBe('on-mains')
  })
})

describe('a UPS that reports mains power while its runtime counts down', () => {
  const counts = (second: number) => ({ runtime: Math.max(0, 1_500 - second) * 1_000 })
  const wanted = { minimumRuntime: 240_000 }

  test.each<{ name: string; figuresAt: (second: number) => Partial<UpsReading> }>([
    { name: 'and reports no charge', figuresAt: counts },
    { name: 'and whose charge stands still', figuresAt: (second) => ({ charge: 100, ...counts(second) }) },
  ])('$name is noticed, and goes down while there is time', ({ figuresAt }) => {
    const states = life(1_400, () => 'OL DISCHRG', figuresAt, wanted)
    expect(first(states, isFalling)).toBeLessThanOrEqual(215)
    expect(first(states, ({ mode }) => mode === 'critical')).toBeLessThanOrEqual(1_270)
  })

  test.each<{ name: string; status: string; figuresAt: (second: number) => Partial<UpsReading> }>([
    { name: 'without DISCHRG it follows the load', status: 'OL', figuresAt: counts },
    { name: 'in a self-test it is meant to', status: 'OL DISCHRG TEST', figuresAt: counts },
    {
      name: 'one that moves up and down is none',
      status: 'OL DISCHRG',
      figuresAt: (second) => ({ charge: 100, runtime: 1_000_000 - 200_000 * Math.floor((second % 120) / 60) }),
    },
  ])('$name', ({ status, figuresAt }) => {
    const states = life(1_200, () => status, figuresAt, wanted)
    expect(first(states, isFalling)).toBeUndefined()
    expect(states.every(({ mode }) => mode === 'on-mains')).toBe(true)
  })
})

describe('is no contradiction', () => {
  test.each<{
    name: string
    statusAt?: (second: number) => string
    figuresAt: (second: number) => Partial<UpsReading>
  }>([
    { name: 'a full battery that reports DISCHRG', statusAt: () => 'OL DISCHRG', figuresAt: () => ({ charge: 100 }) },
    { name: 'a charge that flickers', figuresAt: (second) => ({ charge: 100 - (second % 2) }) },
    { name: 'a battery that rests for days', figuresAt: (second) => ({ charge: second > 800 ? 99 : 100 }) },
    {
      name: 'one late figure after an outage',
      figuresAt: (second) => ({ charge: second < 30 ? 60 : 48 }),
      statusAt: () => 'OL CHRG',
    },
    {
      name: 'a self-test that says so',
      statusAt: (second) => (second < 100 ? 'OL TEST' : 'OL CHRG'),
      figuresAt: (second) => ({
        charge: Math.round(second < 100 ? 100 - second / 3 : Math.min(100, 67 + (second - 99) / 2)),
      }),
    },
    {
      name: 'a calibration',
      statusAt: () => 'OL CAL DISCHRG',
      figuresAt: (second) => ({ charge: Math.max(5, 100 - second) }),
    },
    {
      name: 'a UPS that charges',
      statusAt: () => 'OL CHRG',
      figuresAt: (second) => ({ charge: Math.min(100, 20 + Math.round(second / 10)) }),
    },
  ])('$name', ({ statusAt = () => 'OL', figuresAt }) => {
    const states = life(900, statusAt, figuresAt)
    expect(first(states, isFalling)).toBeUndefined()
    expect(states.every(({ mode }) => mode === 'on-mains')).toBe(true)
  })

  test('what was said before an outage', () => {
    const states = life(
      200,
      (second) => (second < 100 ? 'OB DISCHRG' : 'OL CHRG'),
      (second) => ({ charge: second < 100 ? 100 - second / 2 : 50 }),
    )
    expect(first(states.slice(100), isFalling)).toBeUndefined()
    expect(states.at(-1)?.mode).toBe('on-mains')
  })

  test('what is kept of a long life is bounded', () => {
    const states = life(
      20_000,
      () => 'OL',
      (second) => ({ charge: 100 - (second % 3) }),
    )
    const last = states.at(-1)!
    expect('trend' in last && last.trend?.length).toBeLessThanOrEqual(240)
  })
})

describe('the first drop of a battery is no rate', () => {
  const onBattery = (chargeAt: (second: number) => Partial<UpsReading>) =>
    life(300, () => 'OB DISCHRG', chargeAt, { maxDischargeRate: 15 })

  test.each<{ name: string; chargeAt: (second: number) => number }>([
    { name: 'of 30 % in 30 s', chargeAt: (second) => (second < 30 ? 100 - second : 70 - (second - 30) / 60) },
    { name: 'of 30 % at once', chargeAt: (second) => 70 - second / 60 },
    { name: 'of 25 % in 50 s', chargeAt: (second) => (second < 50 ? 100 - second / 2 : 75 - (second - 50) / 60) },
    { name: 'of 15 % in 70 s', chargeAt: (second) => (second < 70 ? 100 - second / 4.67 : 85 - (second - 70) / 60) },
  ])('$name', ({ chargeAt }) => {
    expect(told(onBattery((second) => ({ charge: Math.round(chargeAt(second)) })).at(-1)!)).toBe('on-battery')
  })

  test.each([20, 25, 40])('a real %d %% a minute is caught within a minute of its own', (perMinute) => {
    const states = onBattery((second) => ({ charge: Math.max(0, Math.round(100 - (perMinute * second) / 60)) }))
    expect(first(states, ({ mode }) => mode === 'critical')).toBeLessThanOrEqual(62)
    const later = onBattery((second) => ({
      charge: Math.max(0, Math.round(second < 120 ? 100 - second / 60 : 98 - (perMinute * (second - 120)) / 60)),
    }))
    expect(first(later, ({ mode }) => mode === 'critical')! - 120).toBeLessThanOrEqual(90)
  })
})
