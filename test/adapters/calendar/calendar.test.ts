import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CalendarLab, calendarOf, elevenAhead, eventOf, startCalendarLab } from './lab.ts'

let at: CalendarLab
beforeEach(async () => {
  at = await startCalendarLab()
})
afterEach(() => at[Symbol.asyncDispose]())

const october = { at: new Date('2026-10-17T00:00:00Z'), timeZone: 'Europe/Warsaw' }
const timesOf = (found: string[]) => found.map((line) => line.split(': ')[0])
const elsewhere = (name: string) => elevenAhead.replace('TZID:Here', `TZID:${name}`)

describe('a homelab in Warsaw whose clock is set back', () => {
  test.each([
    {
      name: 'a day off of 25 hours',
      lines: ['DTSTART;VALUE=DATE:20261025', 'DTEND;VALUE=DATE:20261026'],
      expected: ['2026-10-24T22:00Z to 2026-10-25T23:00Z'],
    },
    {
      name: 'a weekend away',
      lines: ['DTSTART;VALUE=DATE:20261024', 'DTEND;VALUE=DATE:20261027'],
      expected: ['2026-10-23T22:00Z to 2026-10-26T23:00Z'],
    },
    {
      name: 'every Sunday off',
      lines: ['DTSTART;VALUE=DATE:20261018', 'RRULE:FREQ=WEEKLY;COUNT=3'],
      expected: [
        '2026-10-17T22:00Z to 2026-10-18T22:00Z',
        '2026-10-24T22:00Z to 2026-10-25T23:00Z',
        '2026-10-31T23:00Z to 2026-11-01T23:00Z',
      ],
    },
    {
      name: 'a night in which the clock shows an hour twice',
      lines: ['DTSTART;TZID=Europe/Warsaw:20261024T220000', 'DTEND;TZID=Europe/Warsaw:20261025T060000'],
      expected: ['2026-10-24T20:00Z to 2026-10-25T05:00Z'],
    },
    {
      name: 'a guest who has another clock',
      lines: ['DTSTART;TZID=Europe/Warsaw:20261026T080000', 'DTEND;TZID=Europe/London:20261026T080000'],
      expected: ['2026-10-26T07:00Z to 2026-10-26T08:00Z'],
    },
  ])('is left alone for $name', async ({ lines, expected }) => {
    await at.write(calendarOf(eventOf(...lines)))
    expect(timesOf(await at.read(october))).toEqual(expected)
  })
})

describe('a weekly evening on which nothing is touched', () => {
  const weekly = ['DTSTART;TZID=Europe/Warsaw:20261020T200000', 'DURATION:PT2H', 'RRULE:FREQ=WEEKLY;COUNT=5']

  test('keeps its hour over the change of the clock, with one left out, one moved and one called off', async () => {
    await at.write(
      calendarOf(
        eventOf(...weekly, 'EXDATE;TZID=Europe/Warsaw:20261027T200000'),
        eventOf('RECURRENCE-ID;TZID=Europe/Warsaw:20261103T200000', 'DTSTART:20261104T090000Z', 'DURATION:PT1H'),
        eventOf('RECURRENCE-ID:20261110T190000Z', 'DTSTART:20261110T190000Z', 'STATUS:CANCELLED'),
      ),
    )
    expect(timesOf(await at.read(october))).toEqual([
      '2026-10-20T18:00Z to 2026-10-20T20:00Z',
      '2026-11-04T09:00Z to 2026-11-04T10:00Z',
      '2026-11-17T19:00Z to 2026-11-17T21:00Z',
    ])
  })

  test('that was moved here from beyond the horizon is seen, and one that was moved there is not', async () => {
    await at.write(
      calendarOf(
        eventOf('DTSTART:20261201T080000Z', 'DURATION:PT1H', 'RRULE:FREQ=MONTHLY'),
        eventOf('RECURRENCE-ID:20270301T080000Z', 'DTSTART:20261205T080000Z', 'DURATION:PT1H'),
        eventOf('RECURRENCE-ID:20270101T080000Z', 'DTSTART:20270601T080000Z', 'DURATION:PT1H'),
      ),
    )
    expect(timesOf(await at.read())).toEqual([
      '2026-12-01T08:00Z to 2026-12-01T09:00Z',
      '2026-12-05T08:00Z to 2026-12-05T09:00Z',
    ])
  })

  test('counts where only this one of a stranger’s series is in the calendar', async () => {
    await at.write(calendarOf(eventOf('RECURRENCE-ID:20261124T190000Z', 'DTSTART:20261125T080000Z', 'DURATION:PT1H')))
    expect(timesOf(await at.read())).toEqual(['2026-11-25T08:00Z to 2026-11-25T09:00Z'])
  })

  test.each([
    {
      name: 'is marked as busy in a series that is free',
      ofSeries: ['TRANSP:TRANSPARENT'],
      ofOne: [],
      expected: ['2026-12-01T08:00Z to 2026-12-01T09:00Z'],
    },
    {
      name: 'is marked as free in a series that is busy',
      ofSeries: [],
      ofOne: ['TRANSP:TRANSPARENT'],
      expected: ['2026-11-24T08:00Z to 2026-11-24T09:00Z'],
    },
  ])('counts by its own word when it $name', async ({ ofSeries, ofOne, expected }) => {
    await at.write(
      calendarOf(
        eventOf('DTSTART:20261124T080000Z', 'DURATION:PT1H', 'RRULE:FREQ=WEEKLY;COUNT=2', ...ofSeries),
        eventOf('RECURRENCE-ID:20261201T080000Z', 'DTSTART:20261201T080000Z', 'DURATION:PT1H', ...ofOne),
      ),
    )
    expect(timesOf(await at.read())).toEqual(expected)
  })
})

describe('a zone that a calendar defines in its own way', () => {
  const warsaw = eventOf('DTSTART;TZID=Europe/Warsaw:20261201T080000', 'DURATION:PT1H')
  const own = '2026-11-30T21:00Z to 2026-11-30T22:00Z'
  const wellKnown = '2026-12-01T07:00Z to 2026-12-01T08:00Z'

  test('is that calendar’s own, and no other’s', async () => {
    await at.write(calendarOf(elsewhere('Europe/Warsaw'), warsaw))
    expect(timesOf(await at.read())).toEqual([own])
    await at.write(calendarOf(warsaw))
    expect(timesOf(await at.read())).toEqual([wellKnown])
    await at.write(`${calendarOf(elsewhere('Europe/Warsaw'), warsaw)}${calendarOf(warsaw)}`)
    expect(timesOf(await at.read())).toEqual([own, wellKnown])
  })

  test('does not move what is written in UTC', async () => {
    await at.write(calendarOf(elsewhere('UTC'), eventOf('DTSTART:20261201T080000Z', 'DURATION:PT1H')))
    expect(timesOf(await at.read())).toEqual(['2026-12-01T08:00Z to 2026-12-01T09:00Z'])
  })
})

test('a reminder of an event does not change when it takes place', async () => {
  const alarm = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT15M', 'DURATION:PT5M', 'REPEAT:2', 'END:VALARM']
  await at.write(calendarOf(eventOf('DTSTART:20261201T080000Z', 'DURATION:PT1H', ...alarm)))
  expect(timesOf(await at.read())).toEqual(['2026-12-01T08:00Z to 2026-12-01T09:00Z'])
})
