import { describe, expect, test } from 'vitest'
import { type Feed, isReturning, mainsOf, supplyOf, timeLeft } from '../../../src/core/power/feeds.ts'
import type { PowerState } from '../../../src/core/power/state.ts'
import { powerOf, stateOf } from './states.ts'

const alone: Feed = { powerValue: { a: 1 }, minSupplies: 1 }
const any: Feed = { powerValue: { a: 1, b: 1 }, minSupplies: 1 }

describe('a UPS that fell silent', () => {
  /** On mains power by its last word, which was then; in ms. */
  const silentSince = (lastHeard: number): PowerState => ({
    mode: 'on-mains',
    since: 0,
    lastHeard,
    reading: { status: ['OL'] },
    figuresAt: lastHeard,
    isSilent: true,
  })

  test('within a minute before another one of the feed failed has failed with it, and before that it proves nothing', () => {
    const supply = (lastHeard: number) =>
      supplyOf(any, powerOf({ a: stateOf('low-battery', {}, 100_000), b: silentSince(lastHeard) }))
    expect([supply(40_000), supply(39_999)]).toEqual(['failing', 'mains'])
  })

  test('lends no time where it has failed, unless the machine needs it, and lends it where it proves nothing', () => {
    const left = (feed: Feed, lastHeard: number) => {
      const fails = stateOf('low-battery', { runtime: 45_000 }, 100_000)
      return timeLeft(feed, powerOf({ a: fails, b: silentSince(lastHeard) }), 100_000, 180_000).ms
    }
    expect([left(any, 40_000), left(any, 39_999)]).toEqual([45_000, Infinity])
    expect(left({ ...any, minSupplies: 2 }, 40_000)).toBe(45_000)
  })

  test('is compared with the first that failed', () => {
    const upses = {
      a: stateOf('low-battery', {}, 100_000),
      b: stateOf('low-battery', {}, 900_000),
      c: silentSince(50_000),
    }
    expect(supplyOf({ powerValue: { a: 1, b: 1, c: 1 }, minSupplies: 1 }, powerOf(upses))).toBe('failing')
  })
})

describe('the time that a machine has', () => {
  const assumed = 180_000
  const leftOf = (state: PowerState, at = 40_000) => timeLeft(alone, powerOf({ a: state }), at, assumed)

  test('is what is assumed where the UPS has not told whether it has mains power, whatever its figures say', () => {
    const unknown = { ...stateOf('unknown'), mode: 'unknown', reading: { status: ['RB'], runtime: 3_600_000 } }
    expect(leftOf(unknown as PowerState)).toMatchObject({ ms: assumed, told: false })
  })

  test('is what is assumed less the time since, of a UPS that has told nothing', () => {
    const silent: PowerState = {
      mode: 'critical',
      reason: 'outage-resumed',
      since: 10_000,
      lastHeard: 10_000,
      battery: { since: 10_000, lasted: 0, at: 10_000, isSo: true },
      samples: [],
    }
    expect(leftOf(silent)).toMatchObject({ ms: assumed - 30_000, told: false })
    expect(leftOf(silent, 10_000 + assumed + 1).ms).toBe(0)
  })

  test('is what the battery has beside FSD that nothing explains', () => {
    expect(leftOf(stateOf('forced', { runtime: 600_000 }))).toEqual({ ms: 570_000, told: true })
  })

  test('is not limited by UPSes that could not carry it together', () => {
    const feed: Feed = { powerValue: { a: 1 }, minSupplies: 2 }
    expect(timeLeft(feed, powerOf({ a: stateOf('on-battery', { runtime: 60_000 }) }), 40_000, assumed).ms).toBe(
      Infinity,
    )
  })
})

describe('mains power', () => {
  test('of a machine without a UPS has always been there, and holds nothing back', () => {
    expect(mainsOf(undefined, powerOf({ a: 'low-battery' }))).toStrictEqual({ ms: Infinity, hold: undefined })
  })

  test('that has just come back is none where a person has ordered the shutdown', () => {
    const back = { ...stateOf('low-battery'), mainsSince: 9_000 } as PowerState & { readonly mode: 'critical' }
    const power = powerOf({ a: back })
    const forced = powerOf({ a: { ...back, reading: { status: ['FSD', 'OL'] } } })
    expect(isReturning(alone, power)).toBe(true)
    expect(isReturning(alone, { ...power, ordered: '2026-03-01T02:00:00.000Z' })).toBe(false)
    expect(isReturning(alone, forced)).toBe(false)
    expect(isReturning(alone, powerOf({ a: 'low-battery' }))).toBe(false)
  })
})
