import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CalendarLab, calendarOf, elevenAhead, eventOf, now, startCalendarLab } from './lab.ts'

let at: CalendarLab
beforeEach(async () => {
  at = await startCalendarLab()
})
afterEach(() => at[Symbol.asyncDispose]())

const read = async (...lines: string[]) => {
  await at.write(calendarOf(...lines))
  return at.read()
}
const readEvent = (...lines: string[]) => read(eventOf(...lines))

describe('an event of a calendar', () => {
  test.each([
    {
      name: 'with both ends',
      lines: ['DTSTART:20261201T080000Z', 'DTEND:20261201T093000Z'],
      when: '2026-12-01T08:00Z to 2026-12-01T09:30Z',
    },
    {
      name: 'that lasts',
      lines: ['DTSTART:20261201T080000Z', 'DURATION:PT90M'],
      when: '2026-12-01T08:00Z to 2026-12-01T09:30Z',
    },
    { name: 'of a day', lines: ['DTSTART;VALUE=DATE:20261224'], when: '2026-12-23T23:00Z to 2026-12-24T23:00Z' },
    {
      name: 'of a day, not said to be one',
      lines: ['DTSTART:20261224'],
      when: '2026-12-23T23:00Z to 2026-12-24T23:00Z',
    },
    {
      name: 'of days',
      lines: ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227'],
      when: '2026-12-23T23:00Z to 2026-12-26T23:00Z',
    },
    {
      name: 'of a day that ends on itself',
      lines: ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261224'],
      when: '2026-12-23T23:00Z to 2026-12-24T23:00Z',
    },
    {
      name: 'without a zone',
      lines: ['DTSTART:20261201T080000', 'DURATION:PT1H'],
      when: '2026-12-01T07:00Z to 2026-12-01T08:00Z',
    },
    {
      name: 'of a zone that the calendar defines',
      lines: ['DTSTART;TZID=Here:20261201T080000', 'DTEND;TZID=Here:20261201T090000'],
      when: '2026-11-30T21:00Z to 2026-11-30T22:00Z',
    },
    {
      name: 'of a zone that everybody knows',
      lines: ['DTSTART;TZID=America/New_York:20261201T080000', 'DURATION:PT1H'],
      when: '2026-12-01T13:00Z to 2026-12-01T14:00Z',
    },
    {
      name: 'of a zone that nobody knows',
      lines: ['DTSTART;TZID=Office:20261201T080000', 'DURATION:PT1H'],
      when: '2026-12-01T07:00Z to 2026-12-01T08:00Z',
    },
  ])('$name takes place when it says', async ({ lines, when }) => {
    expect(await read(elevenAhead, eventOf(...lines, 'SUMMARY:Guests'))).toEqual([`${when}: Guests`])
  })

  test('of a day is as long as the clock makes it', async () => {
    await at.write(calendarOf(eventOf('DTSTART;VALUE=DATE:20270328')))
    expect(await at.read({ days: 200 })).toEqual(['2027-03-27T23:00Z to 2027-03-28T22:00Z: an event without a title'])
    expect(await at.read({ days: 200, timeZone: 'UTC' })).toEqual([
      '2027-03-28T00:00Z to 2027-03-29T00:00Z: an event without a title',
    ])
  })

  test('at a time that the clock skips or shows twice is told as RFC 5545 tells it', async () => {
    await at.write(
      calendarOf(
        eventOf('DTSTART:20270328T023000', 'DURATION:PT1H', 'SUMMARY:skipped'),
        eventOf('DTSTART:20271031T023000', 'DURATION:PT1H', 'SUMMARY:twice'),
      ),
    )
    expect(await at.read({ days: 400 })).toEqual([
      '2027-03-28T01:30Z to 2027-03-28T02:30Z: skipped',
      '2027-10-31T00:30Z to 2027-10-31T01:30Z: twice',
    ])
  })

  test('is of interest while it is under way and until it is too far ahead', async () => {
    const events = [
      ['DTSTART:20261122T010000Z', 'DTEND:20261122T030000Z', 'SUMMARY:just over'],
      ['DTSTART:20261122T010000Z', 'DTEND:20261122T030001Z', 'SUMMARY:under way'],
      ['DTSTART:20270121T025900Z', 'DURATION:PT1H', 'SUMMARY:in 60 days'],
      ['DTSTART:20270121T030000Z', 'DURATION:PT1H', 'SUMMARY:later'],
      ['DTSTART:20261201T000000Z', 'SUMMARY:takes no time'],
      ['DTSTART:20261201T000000Z', 'DTEND:20261201T000000Z', 'SUMMARY:takes none either'],
    ]
    const found = await read(...events.map((lines) => eventOf(...lines)))
    expect(found.map((line) => line.split(': ')[1])).toEqual(['under way', 'in 60 days'])
  })

  test('that was called off or is marked as free does not count', async () => {
    const when = ['DTSTART;VALUE=DATE:20261224']
    expect(await read(eventOf(...when, 'STATUS:CANCELLED'), eventOf(...when, 'TRANSP:TRANSPARENT'))).toEqual([])
    expect(await read(eventOf(...when, 'STATUS:TENTATIVE', 'TRANSP:OPAQUE'))).toHaveLength(1)
  })

  test('tells its name on one line', async () => {
    const long = `SUMMARY:New\\, and\\nlonger \u0007\r\n  than a line may be ${'x'.repeat(200)}`
    const [line] = await readEvent('DTSTART;VALUE=DATE:20261224', long)
    expect(line).toMatch(/: New, and longer than a line may be x{80,}…$/)
  })

  test('may be among to-dos and in one of several calendars', async () => {
    const todo = ['BEGIN:VTODO', 'UID:t', 'DTSTART;VALUE=DATE:20261201', 'END:VTODO']
    const one = calendarOf(...todo, eventOf('DTSTART;VALUE=DATE:20261224', 'SUMMARY:one'))
    await at.write(`\uFEFF${one}${calendarOf(eventOf('DTSTART;VALUE=DATE:20261226', 'SUMMARY:two'))}`)
    expect((await at.read()).map((line) => line.split(': ')[1])).toEqual(['one', 'two'])
  })
})

describe('a series of events', () => {
  const series = ['DTSTART;TZID=Europe/Berlin:20261020T220000', 'DTEND;TZID=Europe/Berlin:20261020T230000']
  const days = (found: string[]) => found.map((line) => line.slice(0, 17))

  test('follows its rule, by the wall clock of its zone', async () => {
    await at.write(calendarOf(eventOf(...series, 'RRULE:FREQ=WEEKLY;UNTIL=20261110T210000Z')))
    expect(days(await at.read({ at: new Date('2026-10-01T00:00:00Z') }))).toEqual([
      '2026-10-20T20:00Z',
      // Winter time.
      '2026-10-27T21:00Z',
      '2026-11-03T21:00Z',
      '2026-11-10T21:00Z',
    ])
  })

  test('follows the changes of the clock that the calendar itself tells of', async () => {
    // Summer time as in Berlin, under a name that nobody knows.
    const half = (kind: string, month: number, from: string, to: string) => [
      `BEGIN:${kind}`,
      `DTSTART:1970${month === 3 ? '0329T020000' : '1025T030000'}`,
      `RRULE:FREQ=YEARLY;BYMONTH=${month};BYDAY=-1SU`,
      `TZOFFSETFROM:${from}`,
      `TZOFFSETTO:${to}`,
      `END:${kind}`,
    ]
    const zone = [...half('DAYLIGHT', 3, '+0100', '+0200'), ...half('STANDARD', 10, '+0200', '+0100')]
    const lines = series.map((line) => line.replace('Europe/Berlin', 'Mitteleuropa'))
    await at.write(
      calendarOf(
        'BEGIN:VTIMEZONE',
        'TZID:Mitteleuropa',
        ...zone,
        'END:VTIMEZONE',
        eventOf(...lines, 'RRULE:FREQ=WEEKLY;COUNT=2'),
      ),
    )
    expect(days(await at.read({ at: new Date('2026-10-01T00:00:00Z'), timeZone: 'Asia/Tokyo' }))).toEqual([
      '2026-10-20T20:00Z',
      '2026-10-27T21:00Z',
    ])
  })

  test('goes on for ever, as far as it is looked ahead', async () => {
    expect(days(await readEvent(...series, 'RRULE:FREQ=MONTHLY;BYDAY=1TU'))).toEqual([
      '2026-12-01T21:00Z',
      '2027-01-05T21:00Z',
    ])
  })

  test('of birthdays since long ago is followed to this year', async () => {
    expect(days(await readEvent('DTSTART;VALUE=DATE:19120101', 'RRULE:FREQ=YEARLY'))).toEqual(['2026-12-31T23:00Z'])
  })

  test('ends with the count of its rule', async () => {
    expect(await readEvent(...series, 'RRULE:FREQ=WEEKLY;COUNT=5')).toEqual([])
    expect(days(await readEvent(...series, 'RRULE:FREQ=WEEKLY;COUNT=6'))).toEqual(['2026-11-24T21:00Z'])
  })

  test.each([
    ['20261125', ['2026-11-24T21:00Z', '2026-11-25T21:00Z']],
    ['20261124T220000', ['2026-11-24T21:00Z']],
    ['20261124T210000Z', ['2026-11-24T21:00Z']],
    ['20261124T205959Z', []],
  ])('ends with the last day of its rule: %s', async (until, expected) => {
    const rule = `RRULE:FREQ=DAILY;UNTIL=${until}`
    expect(days(await readEvent(...series, rule)).filter((day) => day > '2026-11-24')).toEqual(expected)
    // The same by the clock at home.
    const floating = ['DTSTART:20261020T220000', 'DURATION:PT1H', rule]
    expect(days(await readEvent(...floating)).filter((day) => day > '2026-11-24')).toEqual(expected)
  })

  test('of days ends with its last day', async () => {
    const found = await readEvent('DTSTART;VALUE=DATE:20261123', 'RRULE:FREQ=DAILY;UNTIL=20261125')
    expect(days(found)).toEqual(['2026-11-22T23:00Z', '2026-11-23T23:00Z', '2026-11-24T23:00Z'])
  })

  test.each([
    ['EXDATE;TZID=Europe/Berlin:20261124T220000,20261208T220000'],
    ['EXDATE:20261124T210000Z\r\nEXDATE:20261201T000000Z\r\nEXDATE:20261208T210000Z'],
    ['EXDATE;VALUE=DATE:20261124,20261208'],
    // Earlier ones that fit nothing.
    ['EXDATE:20261121T000000Z,20261122T000000Z,20261123T000000Z,20261124T210000Z,20261208T210000Z'],
  ])('leaves out what is left out: %j', async (exceptions) => {
    expect(days(await readEvent(...series, 'RRULE:FREQ=WEEKLY;UNTIL=20261215T230000Z', exceptions))).toEqual([
      '2026-12-01T21:00Z',
      '2026-12-15T21:00Z',
    ])
  })

  test('takes in what is added, with its own length', async () => {
    const found = await readEvent(
      ...series,
      'RDATE;TZID=Europe/Berlin:20261201T120000',
      'RDATE;VALUE=PERIOD:20261202T110000Z/PT5H,20261203T110000Z/20261203T120000Z',
    )
    expect(found.map((line) => line.split(': ')[0])).toEqual([
      '2026-12-01T11:00Z to 2026-12-01T12:00Z',
      '2026-12-02T11:00Z to 2026-12-02T16:00Z',
      '2026-12-03T11:00Z to 2026-12-03T12:00Z',
    ])
  })

  test('has occurrences moved, called off and renamed one by one', async () => {
    const found = await read(
      eventOf(...series, 'RRULE:FREQ=WEEKLY;COUNT=9', 'SUMMARY:backup'),
      eventOf(
        'RECURRENCE-ID;TZID=Europe/Berlin:20261124T220000',
        'DTSTART:20261125T080000Z',
        'DURATION:PT2H',
        'SUMMARY:moved',
      ),
      eventOf('RECURRENCE-ID:20261201T210000Z', 'DTSTART:20261201T210000Z', 'DURATION:PT1H', 'STATUS:CANCELLED'),
      // From long ago into these weeks.
      eventOf('RECURRENCE-ID:20261020T200000Z', 'DTSTART:20261210T080000Z', 'DURATION:PT1H', 'SUMMARY:late'),
    )
    expect(found).toEqual([
      '2026-11-25T08:00Z to 2026-11-25T10:00Z: moved',
      '2026-12-08T21:00Z to 2026-12-08T22:00Z: backup',
      '2026-12-10T08:00Z to 2026-12-10T09:00Z: late',
      '2026-12-15T21:00Z to 2026-12-15T22:00Z: backup',
    ])
  })

  test('has all occurrences from one on changed', async () => {
    const found = await read(
      eventOf(...series, 'RRULE:FREQ=WEEKLY;UNTIL=20261208T230000Z', 'SUMMARY:backup'),
      eventOf(
        'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261201T220000',
        'DTSTART;TZID=Europe/Berlin:20261202T100000',
        'DURATION:PT3H',
        'SUMMARY:longer backup',
      ),
    )
    expect(found).toEqual([
      '2026-11-24T21:00Z to 2026-11-24T22:00Z: backup',
      '2026-12-02T09:00Z to 2026-12-02T12:00Z: longer backup',
      '2026-12-09T09:00Z to 2026-12-09T12:00Z: longer backup',
    ])
  })

  test('is not changed by what changes another one', async () => {
    const other = eventOf('RECURRENCE-ID:20261124T210000Z', 'DTSTART:20261125T080000Z', 'STATUS:CANCELLED')
    const found = await read(
      eventOf(...series, 'RRULE:FREQ=WEEKLY;UNTIL=20261125T000000Z'),
      other.replace('UID:1', 'UID:2'),
    )
    expect(days(found)).toEqual(['2026-11-24T21:00Z'])
  })

  test('under way for days is told of', async () => {
    const found = await readEvent('DTSTART;VALUE=DATE:20251120', 'DURATION:P5D', 'RRULE:FREQ=YEARLY')
    expect(found).toEqual(['2026-11-19T23:00Z to 2026-11-24T23:00Z: an event without a title'])
    expect(now.toISOString() < '2026-11-24').toBe(true)
  })
})
