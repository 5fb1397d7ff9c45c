import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCalendar } from '../../../src/adapters/calendar/calendar.ts'
import { type CalendarLab, calendarOf, eventOf, startCalendarLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let at: CalendarLab
beforeEach(async () => {
  at = await startCalendarLab()
})
afterEach(() => at[Symbol.asyncDispose]())

const day = 'DTSTART;VALUE=DATE:20261224'
const why = async (text: string, options: { followWithin?: number } = {}) => {
  await at.write(text)
  const error = await refusal(at.read(options))
  expect(error.code).toBe('malformed')
  return error.message.replace(at.file, 'holidays.ics')
}

describe('a calendar that can’t be read', () => {
  test.each([
    ['', 'holidays.ics: it is empty'],
    ['<!DOCTYPE html>\n<title>Sign in</title>', 'holidays.ics:1: a calendar must begin with BEGIN:VCALENDAR'],
    ['\n\nBEGIN:VEVENT\nEND:VEVENT', 'holidays.ics:3: a calendar must begin with BEGIN:VCALENDAR'],
    [calendarOf('BEGIN:VEVENT', day), 'holidays.ics:6: END:VCALENDAR has no matching BEGIN'],
    ['BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT', 'holidays.ics:3: BEGIN:VEVENT has no matching END'],
    [calendarOf('END:VEVENT'), 'holidays.ics:4: END:VEVENT has no matching BEGIN'],
    [`${calendarOf()}garbage`, 'holidays.ics:5: a calendar must begin with BEGIN:VCALENDAR'],
    [calendarOf(eventOf(day, 'SUMMARY')), 'holidays.ics:8: invalid line (no token ";" or ":") "SUMMARY"'],
    [
      calendarOf(eventOf('SUMMARY:One\r\n  two', 'no such line')),
      'holidays.ics:9: invalid line (no token ";" or ":") "no such line"',
    ],
    [calendarOf(eventOf('SUMMARY:Whenever')), 'holidays.ics:4: an event has no DTSTART'],
    [
      calendarOf(eventOf(day), eventOf('DTSTART:20261224T1')),
      expect.stringMatching(/^holidays\.ics:9: invalid date-time value/),
    ],
    [calendarOf(eventOf('DTSTART:next Tuesday')), expect.stringMatching(/^holidays\.ics:4: /)],
    [
      calendarOf(eventOf('DTSTART:20261224T100000Z', 'DTEND:20261224T090000Z')),
      'holidays.ics:4: an event ends before it starts',
    ],
    [
      calendarOf(eventOf(day, 'RRULE:FREQ=FORTNIGHTLY')),
      expect.stringMatching(/^holidays\.ics:8: invalid frequency "FORTNIGHTLY"/),
    ],
    [
      calendarOf(eventOf(day, 'RRULE:FREQ=MONTHLY;BYYEARDAY=5')),
      expect.stringMatching(/^holidays\.ics:4: For MONTHLY recurrences/),
    ],
    [calendarOf(eventOf(day, 'DURATION:two days')), expect.stringMatching(/^holidays\.ics:\d: /)],
  ])('is told with the line: %j', async (text, expected) => {
    expect(await why(text)).toEqual(expected)
  })

  test.each([{ rule: 'FREQ=SECONDLY' }, { rule: 'FREQ=HOURLY;BYMINUTE=0,1,2,3,4,5,6,7,8,9' }])(
    'because nobody can follow it does not hold anything up: $rule',
    async ({ rule }) => {
      const text = calendarOf(eventOf('DTSTART:20100101T000000Z', 'DURATION:PT1S', `RRULE:${rule}`))
      expect(await why(text, { followWithin: 60_000 })).toBe('holidays.ics:4: an event recurs too often')
    },
  )

  test('because the 30th of February never comes does not hold anything up', async () => {
    const rule = 'RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30'
    const text = calendarOf(eventOf('DTSTART:20100101T000000Z', 'DURATION:PT1S', rule))
    expect(await why(text, { followWithin: 200 })).toBe('holidays.ics: its events take longer than 0.2 s to expand')
  })

  test('because a day of it never comes is followed for what does', async () => {
    await at.write(calendarOf(eventOf(day, 'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30')))
    expect(await at.read()).toHaveLength(1)
  })

  test('because its zones can’t be followed does not hold anything up', async () => {
    const zone = [
      'BEGIN:VTIMEZONE',
      'TZID:Mad',
      'BEGIN:STANDARD',
      'DTSTART:19700101T000000',
      'RRULE:FREQ=SECONDLY',
      'TZOFFSETFROM:+0000',
      'TZOFFSETTO:+0100',
      'END:STANDARD',
      'END:VTIMEZONE',
    ]
    const text = calendarOf(...zone, eventOf('DTSTART;TZID=Mad:20261201T000000', 'DURATION:PT1H'))
    expect(await why(text, { followWithin: 200 })).toBe('holidays.ics: its events take longer than 0.2 s to expand')
  })

  test('is not followed anew until it has changed', async () => {
    await at.write(calendarOf(eventOf('DTSTART:20100101T000000Z', 'DURATION:PT1S', 'RRULE:FREQ=SECONDLY')))
    const calendar = createCalendar({ source: at.file, timeZone: 'Europe/Berlin' })
    const look = () => calendar.blackouts(new Date('2026-11-22T03:00:00Z'), soon())
    const first = await refusal(look())
    expect(await refusal(look())).toBe(first)
    await at.write(calendarOf())
    expect(await look()).toEqual([])
  })

  test('because it is far too large is not read', async () => {
    expect(await why('x'.repeat(4 * 1_048_576 + 1))).toBe('holidays.ics: it is larger than 4 MiB')
  })

  test('because it is not there says so', async () => {
    const error = await refusal(at.read())
    expect(error.code).toBe('misconfigured')
    expect(error.message).toMatch(/^the calendar \/\S+\/holidays\.ics can't be read: it does not exist/)
    await mkdir(at.file)
    expect((await refusal(at.read())).message).toMatch(/holidays\.ics is not a file$/)
    expect((await refusal(at.read({ source: dirname(at.file) }))).code).toBe('misconfigured')
  })

  test('because it was cancelled is given up', async () => {
    await at.write(calendarOf())
    const calendar = createCalendar({ source: at.file, timeZone: 'Europe/Berlin' })
    const error = await refusal(calendar.blackouts(new Date(0), AbortSignal.abort()))
    expect(error).toMatchObject({ code: 'unreachable' })
  })

  test('because there is no such time zone is not begun', () => {
    expect(() => createCalendar({ source: at.file, timeZone: 'Europe/Atlantis' })).toThrow(
      'unknown time zone Europe/Atlantis',
    )
  })
})
