import { describe, expect, test } from 'vitest'
import {
  failureOf,
  type Feed,
  mainsOf,
  type Power,
  powerObstacle,
  type Supply,
  supplyOf,
} from '../../../src/core/power/feeds.ts'
import { type Mode, powerOf, stateOf } from './states.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { createRandom, type Random } from '../random.ts'

const any: Feed = { powerValue: { a: 1, b: 1 }, minSupplies: 1 }
const all: Feed = { powerValue: { a: 1, b: 1 }, minSupplies: 2 }
/** Two of three power supplies, one of which is worth both others. */
const weighed: Feed = { powerValue: { a: 2, b: 1, c: 1 }, minSupplies: 2 }
const modes = ['on-mains', 'blip', 'on-battery', 'unknown', 'latched', 'low-battery'] as const
const ordered = (power: Power): Power => ({ ...power, ordered: '2026-03-01T02:00:00.000Z' })

describe('what a machine runs on', () => {
  test.each<[Mode, Supply]>([
    ['on-mains', 'mains'],
    // A moment of battery is no battery yet: the machine is carried, and by no mains that is sure.
    ['blip', 'battery'],
    ['on-battery', 'battery'],
    ['unknown', 'unknown'],
    ['latched', 'unknown'],
    ['low-battery', 'failing'],
    ['silent-on-battery', 'failing'],
  ])('with one UPS that is %s: %s', (mode, supply) => {
    expect(supplyOf({ powerValue: { a: 1 }, minSupplies: 1 }, powerOf({ a: mode }))).toBe(supply)
  })

  test.each<{ a: Mode; b: Mode; either: Supply; both: Supply }>([
    { a: 'on-mains', b: 'on-mains', either: 'mains', both: 'mains' },
    { a: 'on-mains', b: 'on-battery', either: 'mains', both: 'battery' },
    { a: 'on-mains', b: 'blip', either: 'mains', both: 'battery' },
    { a: 'on-mains', b: 'unknown', either: 'mains', both: 'unknown' },
    { a: 'on-mains', b: 'latched', either: 'mains', both: 'unknown' },
    { a: 'on-mains', b: 'low-battery', either: 'mains', both: 'failing' },
    { a: 'on-battery', b: 'on-battery', either: 'battery', both: 'battery' },
    { a: 'on-battery', b: 'unknown', either: 'battery', both: 'unknown' },
    { a: 'on-battery', b: 'low-battery', either: 'battery', both: 'failing' },
    { a: 'unknown', b: 'unknown', either: 'unknown', both: 'unknown' },
    { a: 'unknown', b: 'low-battery', either: 'unknown', both: 'failing' },
    { a: 'latched', b: 'low-battery', either: 'unknown', both: 'failing' },
    { a: 'low-charge', b: 'low-battery', either: 'failing', both: 'failing' },
  ])('with two UPSes, $a and $b: $either if either carries it, $both if it needs both', ({ a, b, either, both }) => {
    for (const power of [powerOf({ a, b }), powerOf({ a: b, b: a })]) {
      expect([supplyOf(any, power), supplyOf(all, power)]).toEqual([either, both])
    }
  })

  test.each<{ a: Mode; b: Mode; c: Mode; supply: Supply }>([
    { a: 'on-mains', b: 'low-battery', c: 'low-battery', supply: 'mains' },
    { a: 'low-battery', b: 'on-mains', c: 'on-mains', supply: 'mains' },
    { a: 'low-battery', b: 'on-mains', c: 'on-battery', supply: 'battery' },
    { a: 'low-battery', b: 'on-mains', c: 'low-battery', supply: 'failing' },
    { a: 'on-battery', b: 'on-mains', c: 'low-battery', supply: 'battery' },
    { a: 'unknown', b: 'on-mains', c: 'low-battery', supply: 'unknown' },
    { a: 'low-battery', b: 'on-battery', c: 'unknown', supply: 'unknown' },
  ])('with weights, $a worth two and $b and $c worth one: $supply', ({ a, b, c, supply }) => {
    expect(supplyOf(weighed, powerOf({ a, b, c }))).toBe(supply)
  })

  test('is mains where it hangs on no UPS, and unknown on one that nobody knows', () => {
    expect(supplyOf(undefined, powerOf({ a: 'low-battery' }))).toBe('mains')
    expect(supplyOf({ powerValue: { z: 1 }, minSupplies: 1 }, powerOf({ a: 'low-battery' }))).toBe('unknown')
  })

  test('is failing for all where a person has ordered it', () => {
    for (const feed of [any, all, undefined]) {
      expect(supplyOf(feed, ordered(powerOf({ a: 'on-mains', b: 'on-mains' })))).toBe('failing')
    }
  })

  test('never gets worse when one UPS gets better, with any weights', () => {
    const supplies: readonly Supply[] = ['failing', 'unknown', 'battery', 'mains']
    const better = ['low-battery', 'unknown', 'on-battery', 'on-mains'] as const
    for (let seed = 0; seed < 2_000; seed++) {
      const random = createRandom(seed)
      const { feed, labels } = randomFeed(random)
      const chosen = Object.fromEntries(labels.map((ups) => [ups, random.pick(better)]))
      const changing = random.pick(labels)
      const each = better.map((mode) => supplies.indexOf(supplyOf(feed, powerOf({ ...chosen, [changing]: mode }))))
      expect(each, `seed ${seed}`).toEqual(each.toSorted((a, b) => a - b))
    }
  })

  test('is never mains and never failing for want of knowing', () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const random = createRandom(seed)
      const { feed, labels } = randomFeed(random)
      const states = Object.fromEntries(labels.map((ups) => [ups, random.pick(modes)]))
      const weight = (...which: readonly Mode[]) =>
        labels.reduce((sum, ups) => sum + (which.includes(states[ups]!) ? feed.powerValue[ups]! : 0), 0)
      const supply = supplyOf(feed, powerOf(states))
      const whole = weight(...modes)
      expect(supply === 'mains', `seed ${seed}`).toBe(weight('on-mains') >= feed.minSupplies)
      expect(supply === 'failing', `seed ${seed}`).toBe(whole - weight('low-battery') < feed.minSupplies)
    }
  })
})

describe('why a machine is about to lose its power', () => {
  test('is that of the first of its UPSes that fails, and of none while it is carried', () => {
    expect(failureOf(any, powerOf({ a: 'on-mains', b: 'low-battery' }))).toBeUndefined()
    expect(failureOf(all, powerOf({ a: 'on-mains', b: 'low-battery' }))).toBe('low-battery')
    expect(failureOf(any, powerOf({ a: 'low-charge', b: 'low-battery' }))).toBe('low-charge')
    expect(failureOf(all, powerOf({ a: 'unknown', b: 'on-battery' }))).toBeUndefined()
    expect(failureOf(undefined, powerOf({ a: 'low-battery' }))).toBeUndefined()
  })

  test('is the order where there is one', () => {
    for (const feed of [all, undefined]) expect(failureOf(feed, ordered(powerOf({ a: 'low-battery' })))).toBe('ordered')
  })
})

describe('since when a machine has mains', () => {
  const since = (seconds: number, charge?: number) =>
    stateOf('on-mains', charge === undefined ? {} : { charge }, seconds * 1_000, 100_000)

  test.each<{ name: string; feed?: Feed; power: Power; ms: number | undefined; hold?: string }>([
    { name: 'on no UPS always', power: powerOf({ a: 'low-battery' }), ms: Infinity },
    {
      name: 'on either since the first',
      feed: any,
      power: powerOf({ a: since(10, 90), b: since(40, 30) }),
      ms: 90_000,
    },
    {
      name: 'on both since the last',
      feed: all,
      power: powerOf({ a: since(10, 90), b: since(40, 30) }),
      ms: 60_000,
      hold: '30 %',
    },
    {
      name: 'on either, one of which is on battery',
      feed: any,
      power: powerOf({ a: 'on-battery', b: since(40, 30) }),
      ms: 60_000,
      hold: '30 %',
    },
    {
      name: 'not on both, one of which is',
      feed: all,
      power: powerOf({ a: 'on-battery', b: since(40) }),
      ms: undefined,
    },
    {
      name: 'not in a moment of battery',
      feed: all,
      power: powerOf({ a: 'blip', b: since(40) }),
      ms: undefined,
    },
    {
      name: 'with no charge that is told',
      feed: all,
      power: powerOf({ a: since(10), b: since(40) }),
      ms: 60_000,
    },
    {
      name: 'with the charge that one tells',
      feed: all,
      power: powerOf({ a: since(10, 0), b: since(40) }),
      ms: 60_000,
      hold: '0 %',
    },
    {
      name: 'by weight',
      feed: weighed,
      power: powerOf({ a: since(70), b: since(10), c: since(40) }),
      ms: 60_000,
    },
  ])('$name', ({ feed, power, ms, hold }) => {
    const low = (_: string, { reading: { charge = 100 } }: { readonly reading: UpsReading }) =>
      charge < 50 ? `${charge} %` : undefined
    expect(mainsOf(feed, power, low)).toEqual(ms === undefined ? undefined : { ms, hold })
  })

  test('is never, where a person has ordered it down', () => {
    expect(mainsOf(any, ordered(powerOf({ a: since(10), b: since(10) })))).toBeUndefined()
  })
})

describe('what speaks against beginning anything', () => {
  const obstacle = (power: Power) => powerObstacle(power, 20_000, { deadTime: 30_000 })
  test('is one UPS of several, by its name', () => {
    expect(obstacle(powerOf({ a: 'on-mains', b: 'on-mains' }))).toBeUndefined()
    expect(obstacle(powerOf({ a: 'on-mains', b: 'on-battery' }))).toBe('b: the UPS is on battery')
    expect(obstacle(powerOf({ a: 'on-battery' }))).toBe('the UPS is on battery')
    expect(obstacle(powerOf({}))).toBeUndefined()
  })

  test('is a person’s order before all else', () => {
    const text = 'the cluster was shut down on request; wake it with `caretaker power wake`'
    expect(obstacle(ordered(powerOf({ a: 'on-mains' })))).toBe(text)
  })
})

function randomFeed(random: Random): { readonly feed: Feed; readonly labels: readonly string[] } {
  const labels = ['a', 'b', 'c', 'd'].slice(0, 1 + random.below(4))
  const weights = Object.fromEntries(labels.map((ups) => [ups, 1 + random.below(3)]))
  const total = Object.values(weights).reduce((sum, one) => sum + one, 0)
  return { feed: { powerValue: weights, minSupplies: 1 + random.below(total) }, labels }
}
