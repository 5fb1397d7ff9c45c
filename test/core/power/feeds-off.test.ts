import { describe, expect, test } from 'vitest'
import { failureOf, isReturning, leastTimeLeft, mainsOf, supplyOf, timeLeft } from '../../../src/core/power/feeds.ts'
import type { PowerState } from '../../../src/core/power/state.ts'
import { powerOf, stateOf } from './states.ts'

const either = { powerValue: { a: 1, b: 1 }, minSupplies: 1 }
const both = { powerValue: { a: 1, b: 1 }, minSupplies: 2 }

/** This state, with these words in its last reading. */
function saying(state: PowerState, ...status: string[]): PowerState {
  return 'reading' in state && state.reading ? { ...state, reading: { ...state.reading, status } } : state
}
const off = saying(stateOf('on-mains', { charge: 100, runtime: 3_600_000 }), 'OL', 'OFF')
const dying = stateOf('low-battery', { charge: 9, runtime: 60_000 })

describe('a UPS that is OFF', () => {
  test('supplies nothing: neither mains nor battery', () => {
    expect(supplyOf(either, powerOf({ a: off, b: dying }))).toBe('failing')
    expect(supplyOf(either, powerOf({ a: off, b: 'on-mains' }))).toBe('mains')
    expect(supplyOf(either, powerOf({ a: off, b: 'on-battery' }))).toBe('battery')
    expect(supplyOf(both, powerOf({ a: off, b: 'on-mains' }))).toBe('unknown')
    expect(supplyOf(either, powerOf({ a: off, b: off }))).toBe('unknown')
  })

  test('lends no time to a machine that another one carries', () => {
    expect(timeLeft(either, powerOf({ a: off, b: dying }), 10_000, 120_000)).toEqual({ ms: 60_000, told: true })
    expect(timeLeft(either, powerOf({ a: dying, b: off }), 10_000, 120_000)).toEqual({ ms: 60_000, told: true })
  })

  test('counts for nothing where a machine needs it and runs: the other one’s time is what is left', () => {
    expect(timeLeft(both, powerOf({ a: off, b: dying }), 10_000, 120_000)).toEqual({ ms: 60_000, told: true })
    const alone = { powerValue: { a: 1 }, minSupplies: 1 }
    expect(timeLeft(alone, powerOf({ a: off }), 10_000, 120_000).ms).toBe(Infinity)
    const dyingAndOff = saying(dying, 'OB', 'LB', 'OFF')
    expect(timeLeft(alone, powerOf({ a: dyingAndOff }), 10_000, 120_000)).toEqual({ ms: 60_000, told: true })
    expect(timeLeft(either, powerOf({ a: dyingAndOff, b: dying }), 10_000, 120_000).ms).toBe(60_000)
  })

  test('is not mains that has come back', () => {
    expect(mainsOf(either, powerOf({ a: off, b: 'on-battery' }))).toBeUndefined()
    const back = stateOf('on-mains', {}, 10_000, 20_000)
    expect(mainsOf(either, powerOf({ a: off, b: back }))?.ms).toBe(10_000)
  })
})

describe('mains that has come back for a moment', () => {
  const back = { ...saying(dying, 'OL'), mainsSince: 11_000 } as PowerState

  test('holds up what can’t be undone, until it has lasted', () => {
    expect(supplyOf(either, powerOf({ a: back, b: dying }))).toBe('failing')
    expect(isReturning(either, powerOf({ a: back, b: dying }))).toBe(true)
    expect(isReturning(either, powerOf({ a: dying, b: dying }))).toBe(false)
    expect(isReturning(both, powerOf({ a: back, b: dying }))).toBe(false)
  })

  test('holds up nothing that a person or FSD has ordered, nor what is not failing', () => {
    expect(isReturning(either, { ...powerOf({ a: back, b: back }), ordered: '2026-03-01T02:00:00Z' })).toBe(false)
    const forced = { ...saying(dying, 'OL', 'FSD'), mainsSince: 11_000 } as PowerState
    expect(isReturning(either, powerOf({ a: forced, b: dying }))).toBe(false)
    expect(isReturning(either, powerOf({ a: 'on-mains', b: dying }))).toBe(false)
    expect(isReturning(undefined, powerOf({ a: back }))).toBe(false)
  })
})

describe('the least time that any of several machines has', () => {
  const [onBig, onDying] = [
    { feed: { powerValue: { big: 1 }, minSupplies: 1 } },
    { feed: { powerValue: { b: 1 }, minSupplies: 1 } },
  ]
  const power = powerOf({ big: stateOf('low-battery', { runtime: 900_000 }), b: dying })

  test('is that of the worst, in whatever order they come', () => {
    expect(leastTimeLeft([onBig, onDying], power, 10_000, 120_000)).toEqual({ ms: 60_000, told: true })
    expect(leastTimeLeft([onDying, onBig], power, 10_000, 120_000)).toEqual({ ms: 60_000, told: true })
    expect(leastTimeLeft([onBig], power, 10_000, 120_000)).toEqual({ ms: 900_000, told: true })
  })

  test('is without end where there are none, or none on a UPS', () => {
    expect(leastTimeLeft([], power, 10_000, 120_000)).toEqual({ ms: Infinity, told: true })
    expect(leastTimeLeft([{ feed: undefined }], power, 10_000, 120_000)).toEqual({ ms: Infinity, told: true })
  })

  test('is what is assumed of a UPS that nobody has heard yet', () => {
    expect(leastTimeLeft([onBig], powerOf({ big: 'unknown' }), 10_000, 120_000)).toMatchObject({
      ms: 120_000,
      told: false,
    })
    expect(leastTimeLeft([onBig], powerOf({}), 10_000, 120_000)).toMatchObject({ ms: 120_000, told: false })
  })
})

test('a UPS that nobody has heard yet proves no failure, and none has a reason', () => {
  expect(supplyOf(either, powerOf({ b: dying }))).toBe('unknown')
  expect(failureOf(either, powerOf({ b: dying }))).toBeUndefined()
  expect(failureOf(both, powerOf({ b: dying }))).toBe('low-battery')
  expect(failureOf(undefined, powerOf({ b: dying }))).toBeUndefined()
})
