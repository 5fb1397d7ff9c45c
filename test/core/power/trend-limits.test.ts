import { describe, expect, test } from 'vitest'
import type { Sample } from '../../../src/core/power/battery.ts'
import { type Fall, fallOf, nextTrend } from '../../../src/core/power/trend.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** What a UPS that has run for a day said, with the time counted from there. */
const day = 24 * hour
const said = (samples: readonly Sample[]) => samples.map((sample) => ({ ...sample, at: day + sample.at }))
const fall = (samples: readonly Sample[], status = 'OL', more: Partial<UpsReading> = {}): Fall | undefined => {
  const found = fallOf(said(samples), { status: status.split(' '), ...more })
  return found && { ...found, since: found.since - day }
}

describe('what is kept of a UPS on mains power', () => {
  const full = { status: ['OL'], charge: 100 }

  test('is a figure that stands still each half minute, and one that changes at once', () => {
    const trend = [{ at: day, charge: 100 }]
    expect(nextTrend(trend, day + 30 * second - 1, full)).toBe(trend)
    expect(nextTrend(trend, day + 30 * second, full)).toStrictEqual([...trend, { at: day + 30 * second, charge: 100 }])
    expect(nextTrend(trend, day + 1, { status: ['OL'], charge: 99 })).toStrictEqual([
      ...trend,
      { at: day + 1, charge: 99 },
    ])
  })

  test('is kept for two hours', () => {
    const trend = [
      { at: day, charge: 90 },
      { at: day + 1, charge: 91 },
    ]
    expect(nextTrend(trend, day + 2 * hour, full)?.map(({ charge }) => charge)).toEqual([90, 91, 100])
    expect(nextTrend(trend, day + 2 * hour + 1, full)?.map(({ charge }) => charge)).toEqual([91, 100])
  })

  test('is what the UPS reports, and nothing of a reading without figures', () => {
    const trend = [{ at: day, charge: 100 }]
    expect(nextTrend(trend, day + hour, { status: ['OL'] })).toBe(trend)
    expect(nextTrend(undefined, day, { status: ['OL'], charge: 80 })).toStrictEqual([{ at: day, charge: 80 }])
    expect(nextTrend(undefined, day, { status: ['OL'], runtime: 8 })).toStrictEqual([{ at: day, runtime: 8 }])
  })

  test('is nothing while the battery is in use, or is calibrated', () => {
    const trend = [{ at: day, charge: 100 }]
    expect(nextTrend(trend, day + hour, { status: ['OB'], charge: 80 })).toBeUndefined()
    expect(nextTrend(trend, day + hour, { status: ['OL', 'CAL'], charge: 80 })).toBeUndefined()
  })
})

describe('a charge falls on mains power', () => {
  const to97 = (lasts: number) => [
    { at: 0, charge: 100 },
    { at: 10 * second, charge: 99 },
    { at: lasts, charge: 97 },
  ]

  test('by 3 % in half a minute, and not by less or in less', () => {
    expect(fall(to97(30 * second))).toEqual({ of: 'charge', since: 0, by: 3 })
    expect(fall(to97(30 * second - 1))).toBeUndefined()
    expect(
      fall([
        { at: 0, charge: 100 },
        { at: minute, charge: 99 },
        { at: hour, charge: 98 },
      ]),
    ).toBeUndefined()
  })

  test('in two steps at least', () => {
    expect(
      fall([
        { at: 0, charge: 100 },
        { at: minute, charge: 60 },
      ]),
    ).toBeUndefined()
  })

  test.each([
    { name: 'twice as much where the UPS charges', status: 'OL CHRG', by: 6, lasts: minute },
    { name: 'six times as much in a self-test', status: 'OL TEST', by: 18, lasts: 3 * minute },
  ])('$name', ({ status, by, lasts }) => {
    const to = (charge: number, at: number) => [
      { at: 0, charge: 100 },
      { at: 10 * second, charge: 99 },
      { at, charge },
    ]
    expect(fall(to(100 - by, lasts), status)).toEqual({ of: 'charge', since: 0, by })
    expect(fall(to(100 - by, lasts - 1), status)).toBeUndefined()
    expect(fall(to(100 - by + 1, lasts), status)).toBeUndefined()
  })

  test('from its highest, seen last', () => {
    const samples = [
      { at: 0, charge: 90 },
      { at: minute, charge: 100 },
      { at: 2 * minute, charge: 100 },
      { at: 3 * minute, charge: 99 },
      { at: 4 * minute, charge: 95 },
    ]
    expect(fall(samples)).toEqual({ of: 'charge', since: 2 * minute, by: 5 })
  })

  test('although it flickers by one, and not where it is on its way up again', () => {
    const to = (charge: number) => [
      { at: 0, charge: 100 },
      { at: minute, charge: 95 },
      { at: 2 * minute, charge: 90 },
      { at: 3 * minute, charge },
    ]
    expect(fall(to(91))).toEqual({ of: 'charge', since: 0, by: 9 })
    expect(fall(to(92))).toBeUndefined()
  })

  test('until it has stood still for ten minutes', () => {
    const samples = [...to97(minute), { at: 11 * minute, charge: 97 }]
    expect(fall(samples)).toEqual({ of: 'charge', since: 0, by: 3 })
    expect(fall([...samples, { at: 11 * minute + 1, charge: 97 }])).toBeUndefined()
  })

  test('although some readings had no charge', () => {
    expect(fall([{ at: -1, runtime: 9 }, ...to97(minute), { at: hour, runtime: 1 }])).toEqual({
      of: 'charge',
      since: 0,
      by: 3,
    })
  })

  test('of which a UPS that has told nothing knows nothing', () => {
    expect(fallOf(undefined, { status: ['OL', 'DISCHRG'] })).toBeUndefined()
    expect(fall([])).toBeUndefined()
  })
})

describe('a runtime counts down on mains power', () => {
  /** In seconds: when it was read, and what was left. */
  const left = (...points: readonly (readonly [at: number, runtime: number])[]) =>
    points.map(([at, runtime]) => ({ at: at * second, runtime: runtime * second }))

  test('by six tenths of the time that passes, over three minutes', () => {
    const counted = { of: 'runtime', since: 0, by: 108 * second }
    expect(fall(left([0, 900], [90, 850], [180, 792]), 'OL DISCHRG')).toEqual(counted)
    expect(fall(left([0, 900], [90, 850], [180, 793]), 'OL DISCHRG')).toBeUndefined()
    expect(fall(left([0, 900], [90, 850], [179, 700]), 'OL DISCHRG')).toBeUndefined()
  })

  test('from the time when it rose last, and not from where it stood still', () => {
    expect(fall(left([0, 900], [60, 1_200], [300, 900]), 'OL DISCHRG')).toEqual({
      of: 'runtime',
      since: 60 * second,
      by: 300 * second,
    })
    expect(fall(left([0, 900], [60, 900], [240, 700]), 'OL DISCHRG')?.since).toBe(0)
  })

  test('although some readings had no runtime', () => {
    const samples = [{ at: -2, charge: 80 }, ...left([0, 900], [240, 660]), { at: 241 * second, charge: 80 }]
    expect(fall(samples, 'OL DISCHRG')).toEqual({ of: 'runtime', since: 0, by: 240 * second })
  })

  test('where the UPS says that it discharges, and not that it charges as well, nor in a self-test', () => {
    const samples = left([0, 900], [240, 660])
    for (const status of ['OL', 'OL DISCHRG CHRG', 'OL DISCHRG TEST']) expect(fall(samples, status)).toBeUndefined()
    expect(fall(samples, 'OL DISCHRG', { testing: true })).toBeUndefined()
  })
})
