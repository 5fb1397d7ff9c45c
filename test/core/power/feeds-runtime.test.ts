import { describe, expect, test } from 'vitest'
import { type Feed, type Power, timeLeft } from '../../../src/core/power/feeds.ts'
import { powerOf, stateOf, useSince } from './states.ts'
import { createRandom, type Random } from '../random.ts'

const any: Feed = { powerValue: { a: 1, b: 1 }, minSupplies: 1 }
const all: Feed = { powerValue: { a: 1, b: 1 }, minSupplies: 2 }
/** Two of three power supplies, one of which is worth both others. */
const weighed: Feed = { powerValue: { a: 2, b: 1, c: 1 }, minSupplies: 2 }
const modes = ['on-mains', 'blip', 'on-battery', 'unknown', 'latched', 'low-battery'] as const

describe('for how long a machine is carried', () => {
  const assumed = 180_000
  const at = 20_000
  const runs = (runtime?: number) => stateOf('on-battery', runtime === undefined ? {} : { runtime }, 10_000, 20_000)
  const fails = (runtime?: number) => stateOf('low-battery', runtime === undefined ? {} : { runtime }, 10_000, 20_000)

  test.each<{ name: string; feed?: Feed; power: Power; ms: number; told: boolean }>([
    { name: 'it is on no UPS', power: powerOf({ a: fails(1) }), ms: Infinity, told: true },
    { name: 'mains is there', feed: all, power: powerOf({ a: 'on-mains', b: 'on-mains' }), ms: Infinity, told: true },
    {
      name: 'either carries it',
      feed: any,
      power: powerOf({ a: runs(60_000), b: fails(90_000) }),
      ms: 90_000,
      told: true,
    },
    { name: 'it needs both', feed: all, power: powerOf({ a: runs(60_000), b: fails(90_000) }), ms: 60_000, told: true },
    {
      name: 'one of either is on mains',
      feed: any,
      power: powerOf({ a: 'on-mains', b: fails(1) }),
      ms: Infinity,
      told: true,
    },
    { name: 'one of both is on mains', feed: all, power: powerOf({ a: 'on-mains', b: fails(1) }), ms: 1, told: true },
    {
      name: 'a moment of battery is a battery',
      feed: all,
      power: powerOf({ a: 'on-mains', b: 'blip' }),
      ms: assumed,
      told: false,
    },
    {
      name: 'the heavy one lasts',
      feed: weighed,
      power: powerOf({ a: runs(50_000), b: runs(10_000), c: fails(90_000) }),
      ms: 50_000,
      told: true,
    },
    {
      name: 'the light ones last',
      feed: weighed,
      power: powerOf({ a: runs(5_000), b: runs(10_000), c: fails(90_000) }),
      ms: 10_000,
      told: true,
    },
    {
      name: 'a battery does not tell',
      feed: any,
      power: powerOf({ a: runs(), b: fails(1) }),
      ms: assumed,
      told: false,
    },
    {
      name: 'one that fails has not told for ten seconds',
      feed: all,
      power: powerOf({ a: fails(), b: 'on-mains' }),
      ms: 170_000,
      told: false,
    },
    {
      name: 'nothing is known of it',
      feed: all,
      power: powerOf({ a: 'unknown', b: 'on-mains' }),
      ms: assumed,
      told: false,
    },
    {
      name: 'it is latched',
      feed: all,
      power: powerOf({ a: stateOf('latched', { runtime: 1 }), b: 'on-mains' }),
      ms: Infinity,
      told: true,
    },
    { name: 'nobody knows the UPS', feed: all, power: powerOf({ b: 'on-mains' }), ms: assumed, told: false },
  ])('where $name', ({ feed, power, ms, told }) => {
    expect(timeLeft(feed, power, at, assumed)).toMatchObject({ ms, told })
  })

  test('is less by the time since the last word, and never negative', () => {
    const power = powerOf({ a: runs(60_000), b: fails() })
    const each = [20_000, 50_000, 80_000, 999_000].map((now) => [
      timeLeft({ powerValue: { a: 1 }, minSupplies: 1 }, power, now, assumed).ms,
      timeLeft({ powerValue: { b: 1 }, minSupplies: 1 }, power, now, assumed).ms,
    ])
    expect(each).toMatchObject([
      [60_000, 170_000],
      [30_000, 140_000],
      [0, 110_000],
      [0, 0],
    ])
  })

  test('is what the charge comes to where that falls faster than the UPS believes', () => {
    const samples = Array.from({ length: 100 }, (_, second) => ({ at: second * 1_000, charge: 100 - second / 2 }))
    const reading = { status: ['OB'], charge: 50, runtime: 900_000 }
    const heard = { since: 0, lastHeard: 99_000, figuresAt: 99_000, reading } as const
    const use = useSince(0, 99_000, samples)
    const battery = powerOf({ a: { mode: 'on-battery', ...heard, ...use } })
    const critical = powerOf({ a: { mode: 'critical', reason: 'low-charge', ...heard, ...use } })
    const blip = powerOf({ a: { mode: 'on-mains', use, ...heard } })
    for (const power of [battery, critical, blip])
      expect(timeLeft({ powerValue: { a: 1 }, minSupplies: 1 }, power, 99_000, assumed).ms).toBeCloseTo(100_000, -2)
    const young = powerOf({
      a: { mode: 'critical', reason: 'low-charge', ...heard, ...useSince(50_000, 99_000, samples) },
    })
    expect(timeLeft({ powerValue: { a: 1 }, minSupplies: 1 }, young, 99_000, assumed).ms).toBe(900_000)
  })

  test('never grows in silence, nor with more of the weights needed', () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const random = createRandom(seed)
      const { feed, labels } = randomFeed(random)
      const power = powerOf(
        Object.fromEntries(
          labels.map((ups) => {
            const figures = random.chance(0.7) ? { runtime: random.below(900_000) } : {}
            return [ups, stateOf(random.pick(modes), figures, random.below(10_000), 10_000)]
          }),
        ),
      )
      const later = [10_000, 11_000, 60_000, 9_000_000].map((now) => timeLeft(feed, power, now, assumed).ms)
      expect(later, `seed ${seed}`).toEqual(later.toSorted((a, b) => b - a))
      expect(later.every((ms) => ms >= 0)).toBe(true)
      const total = labels.reduce((sum, ups) => sum + feed.powerValue[ups]!, 0)
      const more = Array.from(
        { length: total },
        (_, index) => timeLeft({ ...feed, minSupplies: index + 1 }, power, at, assumed).ms,
      )
      expect(more, `seed ${seed}`).toEqual(more.toSorted((a, b) => b - a))
    }
  })
})

function randomFeed(random: Random): { readonly feed: Feed; readonly labels: readonly string[] } {
  const labels = ['a', 'b', 'c', 'd'].slice(0, 1 + random.below(4))
  const weights = Object.fromEntries(labels.map((ups) => [ups, 1 + random.below(3)]))
  const total = Object.values(weights).reduce((sum, one) => sum + one, 0)
  return { feed: { powerValue: weights, minSupplies: 1 + random.below(total) }, labels }
}
