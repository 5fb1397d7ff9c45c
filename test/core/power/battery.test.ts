import { describe, expect, test } from 'vitest'
import { batteryLeft, depletionOf, type Sample, withSample } from '../../../src/core/power/battery.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { createRandom } from '../random.ts'

type Figures = Pick<UpsReading, 'charge' | 'runtime'>
const reading = (figures: Figures): UpsReading => ({ status: ['OB'], ...figures })

/** Readings every so many seconds, of a battery that came into use at 0. `at` in s. */
function sampled(seconds: number, figuresAt: (second: number) => Figures, every = 1, since = 0): readonly Sample[] {
  let samples: readonly Sample[] = []
  for (let second = 0; second <= seconds; second += every)
    samples = withSample(samples, since + second * 1_000, reading(figuresAt(second)))
  return samples
}

const left = (figures: Figures, samples: readonly Sample[], at = samples.at(-1)!.at, heard = samples.at(-1)!.at) =>
  batteryLeft(reading(figures), samples, { since: 0, heard, at })

describe('how fast a charge falls', () => {
  test.each<[string, number]>([
    ['not at all', 0],
    ['slowly', 0.5],
    ['as most do', 6],
    ['fast', 40],
  ])('is told within a percent where it falls evenly: %s, by %d a minute', (_, perMinute) => {
    const samples = sampled(100, (second) => ({ charge: 100 - (perMinute / 60) * second }))
    expect(depletionOf(samples, 0)).toBeCloseTo(perMinute, 5)
  })

  test('is not taken to be over by the first reading after a silence', () => {
    const perMinute = 20
    const chargeAt = (second: number) => ({ charge: 100 - (perMinute / 60) * second })
    const samples = withSample(sampled(60, chargeAt), 105_000, reading(chargeAt(105)))
    expect(depletionOf(samples, 0)).toBeCloseTo(perMinute, 5)
  })

  test('is told within a tenth where whole percents are told, and some of them wrongly', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = createRandom(seed)
      const perMinute = 5 + random.below(20)
      const samples = sampled(119, (second) => ({
        charge: Math.round(100 - (perMinute / 60) * second + (random.chance(0.3) ? random.below(3) - 1 : 0)),
      }))
      const told = depletionOf(samples, 0)!
      expect(Math.abs(told - perMinute), `seed ${seed}: ${told} for ${perMinute}`).toBeLessThan(perMinute / 10)
    }
  })

  test('is none where the charge rises', () => {
    expect(
      depletionOf(
        sampled(100, (second) => ({ charge: 50 + second / 10 })),
        0,
      ),
    ).toBe(0)
  })

  test.each<{ name: string; samples: readonly Sample[]; isTold: boolean }>([
    { name: 'nothing was read yet', samples: [], isTold: false },
    { name: 'too little time has passed', samples: sampled(57, (second) => ({ charge: 100 - second })), isTold: false },
    { name: 'enough time has passed', samples: sampled(58, (second) => ({ charge: 100 - second })), isTold: true },
    {
      name: 'there are too few readings',
      samples: sampled(72, (second) => ({ charge: 100 - second }), 4),
      isTold: false,
    },
    {
      name: 'there are twelve readings',
      samples: sampled(76, (second) => ({ charge: 100 - second / 2 }), 4),
      isTold: true,
    },
    {
      name: 'few of many tell a charge',
      samples: sampled(72, (second) => (second % 4 ? {} : { charge: 100 - second / 2 })),
      isTold: false,
    },
    { name: 'none tells a charge', samples: sampled(110, () => ({ runtime: 600_000 })), isTold: false },
    {
      name: 'all were read in the same moment',
      samples: Array.from({ length: 40 }, () => ({ at: 100_000, charge: 50 })),
      isTold: false,
    },
  ])('is told after a minute and twelve readings, and not before: $name', ({ samples, isTold }) => {
    expect(depletionOf(samples, 0) !== undefined).toBe(isTold)
  })

  test('counts from when the battery came into use, however long the clock has run', () => {
    expect(
      depletionOf(
        sampled(57, () => ({ charge: 50 }), 1, 5_000_000),
        5_000_000,
      ),
    ).toBeUndefined()
    expect(
      depletionOf(
        sampled(95, (second) => ({ charge: 90 - second / 10 }), 1, 5_000_000),
        5_000_000,
      ),
    ).toBeCloseTo(6)
  })

  test('is that of the last two minutes: a load that has gone is forgotten', () => {
    const samples = sampled(300, (second) => ({ charge: second < 150 ? 100 - second / 3 : 50 - (second - 150) / 30 }))
    expect(depletionOf(samples, 0)).toBeCloseTo(2, 1)
  })
})

describe('what the battery has left', () => {
  const steady = sampled(100, (second) => ({ charge: 100 - second / 10, runtime: (1_000 - second) * 1_000 }))

  test.each<{ name: string; figures?: Figures; samples?: readonly Sample[]; expected: number | undefined }>([
    { name: 'unknown where it tells nothing', samples: steady.slice(0, 5), expected: undefined },
    {
      name: 'unknown where it only tells a charge, for now',
      figures: { charge: 90 },
      samples: steady.slice(0, 20),
      expected: undefined,
    },
    { name: 'what the UPS says', figures: { runtime: 900_000 }, samples: steady.slice(0, 5), expected: 900_000 },
    {
      name: 'what the UPS says while that falls by a second each second',
      figures: { runtime: 900_000 },
      expected: 900_000,
    },
    { name: 'what the charge comes to where only that is told', figures: { charge: 90 }, expected: 900_000 },
    { name: 'the less of both', figures: { charge: 45, runtime: 900_000 }, expected: 450_000 },
    { name: 'the less of both, the other way round', figures: { charge: 90, runtime: 100_000 }, expected: 100_000 },
    { name: 'nothing with an empty battery', figures: { charge: 0, runtime: 900_000 }, expected: 0 },
    { name: 'nothing with no runtime', figures: { charge: 90, runtime: 0 }, expected: 0 },
    {
      name: 'unknown where a charge alone does not fall',
      figures: { charge: 90 },
      samples: sampled(100, () => ({ charge: 90 })),
      expected: undefined,
    },
  ])('is $name', ({ figures = {}, samples = steady, expected }) => {
    const told = left(figures, samples)
    expect(told === undefined ? undefined : Math.round(told / 100) * 100).toBe(expected)
  })

  test.each<[number, number]>([
    [0.5, 600_000],
    [1, 600_000],
    [2, 300_000],
    [3, 200_000],
  ])('is worth less where its runtime falls too fast: %d s each second', (falls, expected) => {
    const samples = sampled(100, (second) => ({ runtime: (2_000 - falls * second) * 1_000 }))
    expect(left({ runtime: 600_000 }, samples)).toBeCloseTo(expected, -1)
  })

  test('is no more than was said where the runtime rises, as it does when the load falls', () => {
    const samples = sampled(100, (second) => ({ runtime: (600 + second) * 1_000 }))
    expect(left({ runtime: 700_000 }, samples)).toBe(700_000)
  })

  test('is less by every second since the last word', () => {
    expect(left({ runtime: 600_000 }, steady, 150_000, 100_000)).toBe(550_000)
    expect(left({ charge: 90 }, steady, 150_000, 100_000)).toBeCloseTo(850_000, -1)
    expect(left({ runtime: 600_000 }, steady, 99_000, 100_000), 'a clock that is behind').toBe(600_000)
  })

  test('is known within a twentieth for a battery that empties evenly', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = createRandom(seed)
      const lasts = 300 + random.below(3_000)
      const until = 120 + random.below(lasts - 200)
      const charge = (second: number) => 100 - (100 * second) / lasts + (random.below(101) - 50) / 200
      const samples = sampled(until, (second) => ({ charge: charge(second) }))
      const told = left({ charge: 100 - (100 * until) / lasts }, samples)!
      const truth = (lasts - until) * 1_000
      expect(Math.abs(told - truth), `seed ${seed}: ${told} for ${truth}`).toBeLessThan(truth / 20 + 1)
    }
  })

  test('is never negative, never more than the UPS says, and never grows in silence', () => {
    for (let seed = 0; seed < 500; seed++) {
      const random = createRandom(seed)
      const figures = (): Figures => ({
        ...(random.chance(0.8) ? { charge: random.below(101) } : {}),
        ...(random.chance(0.8) ? { runtime: random.below(3_600_000) } : {}),
      })
      const samples = sampled(random.below(300), figures)
      const last = figures()
      const heard = samples.at(-1)!.at
      let before = Infinity
      for (const passed of [0, 1_000, 30_000, 9_000_000]) {
        const told = left(last, samples, heard + passed, heard)
        if (told === undefined) continue
        expect(told).toBeGreaterThanOrEqual(0)
        expect(told).toBeLessThanOrEqual(Math.min(before, last.runtime ?? Infinity))
        before = told
      }
    }
  })
})

test('what was read in the last two minutes is kept, once a second, and of each only what it told', () => {
  const figures = (second: number) => ({
    charge: Math.floor(second) % 101,
    ...(second % 2 ? { runtime: Math.floor(second) } : {}),
  })
  const samples = sampled(5_000, figures, 0.25)
  expect(samples).toHaveLength(120)
  const slow = sampled(5_000, (second) => ({ charge: second % 101, ...(second % 2 ? { runtime: second } : {}) }))
  expect(slow).toHaveLength(120)
  expect(slow.slice(-2)).toEqual([
    { at: 4_999_000, charge: 50, runtime: 4_999 },
    { at: 5_000_000, charge: 51 },
  ])
  expect(withSample([], 7, { status: ['OB'], load: 30 })).toEqual([])
})

describe('what is kept of a battery in use', () => {
  test('is a reading each 0.9 s, and what it told', () => {
    const first = withSample([], 50_000, reading({ charge: 80 }))
    expect(first).toStrictEqual([{ at: 50_000, charge: 80 }])
    expect(withSample([], 50_000, reading({ runtime: 80 }))).toStrictEqual([{ at: 50_000, runtime: 80 }])
    expect(withSample(first, 50_899, reading({ charge: 79 }))).toBe(first)
    expect(withSample(first, 50_900, reading({ charge: 79 }))).toHaveLength(2)
  })
})

describe('a fall', () => {
  const perMinute = (samples: readonly Sample[]) => depletionOf(samples, 0)

  test('of a single step of a coarse figure is none yet', () => {
    expect(perMinute(sampled(70, (second) => ({ charge: second < 50 ? 100 : 99 })))).toBeUndefined()
    expect(perMinute(sampled(70, (second) => ({ charge: second < 40 ? 100 : second < 60 ? 99 : 98 })))).toBeDefined()
  })

  test('of less than a percent a minute still bounds the time that is left', () => {
    const samples = sampled(119, (second) => ({ charge: 10 - (second * 0.6) / 60 }))
    expect(left({ charge: 6 }, samples)).toBeCloseTo(600_000, -2)
  })

  test('that has slowed down to less than a third counts as it is now, and else as it was', () => {
    const slowedTo = (now: number) =>
      perMinute(
        sampled(119, (second) => ({ charge: second < 109 ? 100 - second / 2 : 45.5 - ((second - 109) * now) / 60 })),
      )
    expect(slowedTo(6)).toBeLessThan(9)
    expect(slowedTo(18)).toBeGreaterThan(20)
  })

  test('that is slow is over when it has stood still for forty seconds', () => {
    const until = (second: number) => sampled(119, (one) => ({ charge: 100 - Math.min(one, second) / 60 }))
    expect(perMinute(until(79))).toBe(0)
    expect(perMinute(until(100))).toBeGreaterThan(0.5)
  })
})
