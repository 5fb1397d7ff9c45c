import { describe, expect, test } from 'vitest'
import { chooseTimeZone, describeClock, describeMoment, describeTime, wallClock } from '../../src/core/time.ts'

describe('a time that people read is local and shows its zone', () => {
  test.each([
    { at: '2026-11-26T13:05:33Z', zone: 'Europe/Warsaw', text: '2026-11-26 14:05 CET' },
    { at: '2026-07-04T12:05:00Z', zone: 'Europe/Warsaw', text: '2026-07-04 14:05 CEST' },
    { at: '2026-12-31T23:30:00Z', zone: 'Europe/Warsaw', text: '2027-01-01 00:30 CET' },
    { at: '2026-11-26T13:05:33Z', zone: 'America/New_York', text: '2026-11-26 08:05 EST' },
    { at: '2026-11-26T13:05:33Z', zone: 'Australia/Sydney', text: '2026-11-27 00:05 AEDT' },
    { at: '2026-11-26T13:05:33Z', zone: 'Asia/Tokyo', text: '2026-11-26 22:05 UTC+9' },
    { at: '2026-11-26T13:05:33Z', zone: 'UTC', text: '2026-11-26 13:05 UTC' },
  ])('$at in $zone is $text', ({ at, zone, text }) => {
    expect(describeTime(at, zone)).toBe(text)
  })

  test('whichever way it is given', () => {
    const at = '2026-11-26T13:05:33Z'
    for (const instant of [at, Date.parse(at), new Date(at)])
      expect(describeMoment(instant, 'Europe/Warsaw')).toBe('2026-11-26 14:05:33 CET')
  })

  test('and midnight is 00:00:00', () => {
    expect(describeClock('2026-11-25T23:00:00Z', 'Europe/Warsaw')).toBe('00:00:00')
  })

  test.each(['1969-12-31T23:59:59.999Z', '2000-02-29T00:00:00Z', '2026-11-26T13:05:33Z', '2027-01-01T09:08:07Z'])(
    '%s in UTC, which is told without Intl, is what Intl tells',
    (at) => {
      expect(describeMoment(at, 'UTC')).toBe(describeMoment(at, 'Etc/UTC'))
      expect(wallClock(Date.parse(at), 'UTC')).toEqual(wallClock(Date.parse(at), 'Etc/UTC'))
    },
  )

  test('what is no time is none in UTC either', () => {
    for (const zone of ['UTC', 'Europe/Warsaw']) expect(() => describeTime(Number.NaN, zone)).toThrow(RangeError)
  })

  test('both hours of a night that has two o’clock twice are told apart', () => {
    expect(describeTime('2026-10-25T00:30:00Z', 'Europe/Warsaw')).toBe('2026-10-25 02:30 CEST')
    expect(describeTime('2026-10-25T01:30:00Z', 'Europe/Warsaw')).toBe('2026-10-25 02:30 CET')
  })
})

test.each([
  { tz: 'Asia/Tokyo', chosen: 'Asia/Tokyo' },
  { tz: 'UTC', chosen: 'UTC' },
  { tz: undefined, chosen: 'Europe/Warsaw' },
  { tz: '', chosen: 'Europe/Warsaw' },
  { tz: 'CET-1CEST,M3.5.0', chosen: 'Europe/Warsaw' },
])('with TZ=$tz times are shown in $chosen, where upgrade.timeZone is Europe/Warsaw', ({ tz, chosen }) => {
  expect(chooseTimeZone(tz, 'Europe/Warsaw')).toBe(chosen)
})
