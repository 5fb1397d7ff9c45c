import { describe, expect, test } from 'vitest'
import { days, type Window, windowAt } from '../../../src/core/upgrade/window.ts'

const warsaw = 'Europe/Warsaw'
const weekend: Window = { days: ['sat', 'sun'], from: '02:00', to: '06:00' }
const overnight: Window = { days: ['sat'], from: '22:00', to: '04:00' }

/** `open until …` or `opens …`, in UTC. */
function stateAt(windows: readonly Window[], now: string, zone = warsaw): string {
  const state = windowAt(windows, zone, new Date(now))
  const instant = state.open ? state.closesAt : state.opensAt
  return `${state.open ? 'open until' : 'opens'} ${instant?.toISOString().slice(0, 16) ?? 'for ever'}`
}

test('without any windows it is always open', () => {
  expect(stateAt([], '2026-03-04T12:00:00Z')).toBe('open until for ever')
})

// 7 March 2026 is a Saturday; Warsaw is an hour ahead of UTC.
describe('a weekend window', () => {
  test.each([
    { name: 'Wednesday', now: '2026-03-04T12:00:00Z', state: 'opens 2026-03-07T01:00' },
    { name: 'a moment before', now: '2026-03-07T00:59:59Z', state: 'opens 2026-03-07T01:00' },
    { name: 'its first moment', now: '2026-03-07T01:00:00Z', state: 'open until 2026-03-07T05:00' },
    { name: 'its last second', now: '2026-03-07T04:59:59Z', state: 'open until 2026-03-07T05:00' },
    { name: 'its end', now: '2026-03-07T05:00:00Z', state: 'opens 2026-03-08T01:00' },
    { name: 'after Sunday', now: '2026-03-08T05:00:00Z', state: 'opens 2026-03-14T01:00' },
  ])('on $name it $state', ({ now, state }) => {
    expect(stateAt([weekend], now)).toBe(state)
  })

  // Written out: what is counted by is the order of the days.
  const week = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
  test.each(week)('on %s is open on that day alone', (day) => {
    // 1 March 2026 is a Sunday, as the first of the days.
    const open = week.filter((_, offset) => {
      const now = new Date(Date.UTC(2026, 2, 1 + offset, 3))
      return windowAt([{ days: [day], from: '02:00', to: '06:00' }], warsaw, now).open
    })
    expect(open).toEqual([day])
  })

  test('goes by the wall clock of its zone, not by UTC', () => {
    expect(stateAt([weekend], '2026-03-06T18:00:00Z', 'Asia/Tokyo')).toBe('open until 2026-03-06T21:00')
    expect(stateAt([weekend], '2026-03-07T10:00:00Z', 'America/Los_Angeles')).toBe('open until 2026-03-07T14:00')
  })
})

describe('a window from Saturday 22:00 to 04:00', () => {
  test.each([
    { name: 'Saturday 03:00', now: '2026-03-07T02:00:00Z', state: 'opens 2026-03-07T21:00' },
    { name: 'Saturday 22:00', now: '2026-03-07T21:00:00Z', state: 'open until 2026-03-08T03:00' },
    { name: 'Sunday 03:00', now: '2026-03-08T02:00:00Z', state: 'open until 2026-03-08T03:00' },
    { name: 'Sunday 04:00', now: '2026-03-08T03:00:00Z', state: 'opens 2026-03-14T21:00' },
    { name: 'Sunday 23:00', now: '2026-03-08T22:00:00Z', state: 'opens 2026-03-14T21:00' },
  ])('on $name it $state', ({ now, state }) => {
    expect(stateAt([overnight], now)).toBe(state)
  })
})

describe('several windows', () => {
  const evening: Window = { days: ['sat'], from: '20:00', to: '22:00' }
  test.each<{ name: string; windows: Window[]; now: string; state: string }>([
    {
      name: 'that touch are one',
      windows: [evening, overnight],
      now: '2026-03-07T19:30:00Z',
      state: 'open until 2026-03-08T03:00',
    },
    {
      name: 'that touch are one in any order',
      windows: [overnight, evening],
      now: '2026-03-07T19:30:00Z',
      state: 'open until 2026-03-08T03:00',
    },
    {
      name: 'that overlap are one',
      windows: [evening, { days: ['sat'], from: '21:00', to: '23:00' }],
      now: '2026-03-07T19:30:00Z',
      state: 'open until 2026-03-07T22:00',
    },
    {
      name: 'inside one another end with the longer one',
      windows: [{ days: ['sat'], from: '20:30', to: '21:00' }, evening],
      now: '2026-03-07T19:45:00Z',
      state: 'open until 2026-03-07T21:00',
    },
    {
      name: 'with a gap are two',
      windows: [evening, { days: ['sat'], from: '22:01', to: '23:00' }],
      now: '2026-03-07T19:30:00Z',
      state: 'open until 2026-03-07T21:00',
    },
    {
      name: 'open with the earliest',
      windows: [weekend, overnight],
      now: '2026-03-02T12:00:00Z',
      state: 'opens 2026-03-07T01:00',
    },
  ])('$name', ({ windows, now, state }) => {
    expect(stateAt(windows, now)).toBe(state)
  })

  test('of whole days are open without an end in sight', () => {
    const state = windowAt([{ days: [...days], from: '00:00', to: '00:00' }], warsaw, new Date('2026-03-04T12:00:00Z'))
    expect(state.open && state.closesAt!.getTime() - Date.parse('2026-03-04T12:00:00Z')).toBeGreaterThan(7 * 86_400_000)
  })
})

// On 29 March 2026 Warsaw's clocks go from 02:00 to 03:00, at 01:00 UTC.
describe('the night in which the clock skips an hour', () => {
  const sunday = (from: string, to: string): Window[] => [{ days: ['sun'], from, to }]
  test.each<{ name: string; windows: Window[]; now: string; state: string }>([
    {
      name: '01:00–06:00 is an hour shorter',
      windows: sunday('01:00', '06:00'),
      now: '2026-03-29T00:00:00Z',
      state: 'open until 2026-03-29T04:00',
    },
    {
      name: '02:30–06:00 begins at 03:30',
      windows: sunday('02:30', '06:00'),
      now: '2026-03-29T01:15:00Z',
      state: 'opens 2026-03-29T01:30',
    },
    {
      name: '02:30–06:00 is open at 03:30',
      windows: sunday('02:30', '06:00'),
      now: '2026-03-29T01:30:00Z',
      state: 'open until 2026-03-29T04:00',
    },
    {
      name: '01:00–02:30 ends at 03:30',
      windows: sunday('01:00', '02:30'),
      now: '2026-03-29T01:29:00Z',
      state: 'open until 2026-03-29T01:30',
    },
    {
      name: '02:00–03:00 does not happen',
      windows: sunday('02:00', '03:00'),
      now: '2026-03-29T00:30:00Z',
      state: 'opens 2026-04-05T00:00',
    },
    {
      name: '02:15–03:00 does not happen',
      windows: sunday('02:15', '03:00'),
      now: '2026-03-29T01:05:00Z',
      state: 'opens 2026-04-05T00:15',
    },
    {
      name: 'sat 22:00–04:00 is an hour shorter',
      windows: [overnight],
      now: '2026-03-28T21:00:00Z',
      state: 'open until 2026-03-29T02:00',
    },
    {
      name: 'a week before, what does not happen is passed over',
      windows: sunday('02:00', '03:00'),
      now: '2026-03-22T04:00:00Z',
      state: 'opens 2026-04-05T00:00',
    },
  ])('$name', ({ windows, now, state }) => {
    expect(stateAt(windows, now)).toBe(state)
  })

  test('west of Greenwich a skipped beginning is later too', () => {
    // On 8 March 2026 New York's clocks go from 02:00 to 03:00, at 07:00 UTC.
    const windows = sunday('02:30', '06:00')
    expect(stateAt(windows, '2026-03-08T06:45:00Z', 'America/New_York')).toBe('opens 2026-03-08T07:30')
    expect(stateAt(windows, '2026-03-08T07:30:00Z', 'America/New_York')).toBe('open until 2026-03-08T10:00')
  })
})

// On 25 October 2026 Warsaw's clocks go from 03:00 back to 02:00, at 01:00 UTC.
describe('the night in which the clock repeats an hour', () => {
  const sunday = (from: string, to: string): Window[] => [{ days: ['sun'], from, to }]
  test.each<{ name: string; windows: Window[]; now: string; state: string }>([
    {
      name: '01:00–06:00 is an hour longer',
      windows: sunday('01:00', '06:00'),
      now: '2026-10-24T23:00:00Z',
      state: 'open until 2026-10-25T05:00',
    },
    {
      name: '02:30–06:00 begins at the second 02:30',
      windows: sunday('02:30', '06:00'),
      now: '2026-10-25T00:45:00Z',
      state: 'opens 2026-10-25T01:30',
    },
    {
      name: '01:00–02:30 ends at the second 02:30',
      windows: sunday('01:00', '02:30'),
      now: '2026-10-25T00:45:00Z',
      state: 'open until 2026-10-25T01:30',
    },
    {
      name: '02:15–02:45 comes once',
      windows: sunday('02:15', '02:45'),
      now: '2026-10-25T01:45:00Z',
      state: 'opens 2026-11-01T01:15',
    },
    {
      name: 'sat 22:00–04:00 is an hour longer',
      windows: [overnight],
      now: '2026-10-24T20:00:00Z',
      state: 'open until 2026-10-25T03:00',
    },
  ])('$name', ({ windows, now, state }) => {
    expect(stateAt(windows, now)).toBe(state)
  })

  test('west of Greenwich it is the second one too', () => {
    // On 1 November 2026 New York's clocks go from 02:00 back to 01:00, at 06:00 UTC.
    const windows = sunday('01:30', '04:00')
    expect(stateAt(windows, '2026-11-01T05:45:00Z', 'America/New_York')).toBe('opens 2026-11-01T06:30')
  })
})

test('a window that is said to open does open then, all the year round and in several zones', () => {
  const windows: Window[] = [
    { days: ['sun'], from: '02:10', to: '03:05' },
    { days: ['wed'], from: '23:30', to: '00:20' },
  ]
  for (const zone of ['UTC', warsaw, 'America/New_York', 'Australia/Lord_Howe']) {
    let now = Date.UTC(2026, 0, 1)
    while (now < Date.UTC(2027, 0, 1)) {
      const state = windowAt(windows, zone, new Date(now))
      const next = (state.open ? state.closesAt! : state.opensAt).getTime()
      expect(next, `${zone} ${new Date(now).toISOString()}`).toBeGreaterThan(now)
      expect(windowAt(windows, zone, new Date(next)).open, `${zone} ${new Date(next).toISOString()}`).toBe(!state.open)
      now = next
    }
  }
})
