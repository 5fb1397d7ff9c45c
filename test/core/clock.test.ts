import { describe, expect, test } from 'vitest'
import { type Floor, judgeClock, nextClock, startClock } from '../../src/core/clock.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const at = (iso: string) => Date.parse(iso)
const noon = at('2026-11-26T12:00:00Z')
const floors: readonly Floor[] = [
  { what: 'this release of Caretaker', at: at('2026-11-01T00:00:00Z'), isCertain: true },
  { what: 'the newest entry of the journal', at: at('2026-11-25T12:00:00Z') },
]

/** A clock that says so at the start, and what it is worth after so long, having been set by so much. */
function judged({ says, after = 0, set = 0, told = {} }: Situation) {
  const start = { wall: at(says), monotonic: 1_000 }
  let clock = startClock(start, floors)
  for (const [who, time] of Object.entries(told)) clock = nextClock(clock, start, { who, at: at(time) })
  return judgeClock(clock, { wall: start.wall + after + set, monotonic: start.monotonic + after })
}

interface Situation {
  readonly says: string
  readonly after?: number
  readonly set?: number
  readonly told?: Readonly<Record<string, string>>
}

describe('a clock', () => {
  test.each<Situation & { name: string; kind: string; why?: string; differs?: string }>([
    { name: 'that nobody has spoken of', says: '2026-11-26T12:00:00Z', kind: 'unconfirmed' },
    {
      name: 'of a board without one',
      says: '1976-11-26T12:00:00Z',
      kind: 'wrong',
      why: 'the clock of this machine says 1976-11-26 12:00 UTC, but this release of Caretaker is of 2026-11-01 00:00 UTC',
    },
    {
      name: 'of a board that goes on where it was cut off',
      says: '2026-11-24T12:00:00Z',
      kind: 'wrong',
      why: 'the clock of this machine says 2026-11-24 12:00 UTC, but the newest entry of the journal is of 2026-11-25 12:00 UTC',
    },
    {
      name: 'with which the Factory agrees',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2026-11-26T12:04:00Z' },
      kind: 'confirmed',
    },
    {
      name: 'that is ahead of the Factory by years',
      says: '2036-11-26T12:00:00Z',
      told: { 'the Image Factory': '2026-11-26T12:00:00Z' },
      kind: 'wrong',
      why: 'the clock of this machine says 2036-11-26 12:00 UTC, but by the Image Factory it is 2026-11-26 12:00 UTC',
    },
    {
      name: 'that is behind Kubernetes by a quarter of an hour',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Kubernetes API': '2026-11-26T12:15:00Z' },
      kind: 'wrong',
    },
    {
      name: 'with which one server of two agrees',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2026-11-26T12:00:00Z', 'the Kubernetes API': '2026-11-29T12:00:00Z' },
      kind: 'confirmed',
      differs:
        'by the Kubernetes API it is 2026-11-29 12:00 UTC, but the clock of this machine says 2026-11-26 12:00 UTC, and so does the Image Factory',
    },
    {
      name: 'with which the Kubernetes API agrees, and a Factory that is ten years ahead does not',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2036-11-26T12:00:00Z', 'the Kubernetes API': '2026-11-26T12:03:00Z' },
      kind: 'confirmed',
      differs:
        'by the Image Factory it is 2036-11-26 12:00 UTC, but the clock of this machine says 2026-11-26 12:00 UTC, and so does the Kubernetes API',
    },
    {
      name: 'that is behind two servers that agree',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2026-11-29T12:00:00Z', 'the Kubernetes API': '2026-11-29T12:01:00Z' },
      kind: 'wrong',
      why: 'the clock of this machine says 2026-11-26 12:00 UTC, but by the Image Factory it is 2026-11-29 12:00 UTC and by the Kubernetes API it is 2026-11-29 12:01 UTC',
    },
    {
      name: 'where all three say something else',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2026-11-29T12:00:00Z', 'the Kubernetes API': '2026-12-29T12:00:00Z' },
      kind: 'wrong',
    },
    {
      name: 'for which there are as many as against it',
      says: '2026-11-26T12:00:00Z',
      told: { a: '2026-11-26T12:00:00Z', b: '2026-11-29T12:00:00Z', c: '2026-11-29T12:00:00Z' },
      kind: 'wrong',
    },
    {
      name: 'of a board that lags, with which another server agrees and the Factory does not',
      says: '2026-10-01T12:00:00Z',
      told: { 'the Image Factory': '2026-11-26T12:00:00Z', 'the Kubernetes API': '2026-10-01T12:00:00Z' },
      kind: 'wrong',
    },
    {
      name: 'that is right, after a daemon has written by one that was years ahead',
      says: '2026-11-20T12:00:00Z',
      told: { 'the Image Factory': '2026-11-20T12:00:00Z' },
      kind: 'confirmed',
    },
    {
      name: 'of a board without one, with which another such board agrees',
      says: '1976-11-26T12:00:00Z',
      told: { 'the Image Factory': '1976-11-26T12:00:00Z' },
      kind: 'wrong',
      why: 'the clock of this machine says 1976-11-26 12:00 UTC, but this release of Caretaker is of 2026-11-01 00:00 UTC',
    },
    {
      name: 'that is right, of which a board without one tells another time',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '1970-01-01T00:00:12Z' },
      kind: 'unconfirmed',
    },
    {
      name: 'that is right, by one server of two',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '1970-01-01T00:00:12Z', 'the Kubernetes API': '2026-11-26T12:00:00Z' },
      kind: 'confirmed',
    },
    {
      name: 'that is right, with a Factory that is ahead by ten years',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2036-11-26T12:00:00Z' },
      kind: 'wrong',
    },
    {
      name: 'that was set forward by ten years',
      says: '2026-11-26T12:00:00Z',
      after: hour,
      set: 3_650 * day,
      kind: 'wrong',
      why: 'the clock of this machine says 2036-11-23 13:00 UTC, but it was set forward by 3650 d: until then it said 2026-11-26 13:00 UTC',
    },
    { name: 'that was set back by hours', says: '2026-11-26T12:00:00Z', after: hour, set: -5 * hour, kind: 'wrong' },
    { name: 'that a time server trims', says: '2026-11-26T12:00:00Z', after: hour, set: 4_000, kind: 'unconfirmed' },
    {
      name: 'that was set after the Factory had agreed',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2026-11-26T12:00:00Z' },
      after: 3 * day,
      set: day,
      kind: 'wrong',
    },
    {
      name: 'that has run for a month since the Factory agreed',
      says: '2026-11-26T12:00:00Z',
      told: { 'the Image Factory': '2026-11-26T12:00:00Z' },
      after: 30 * day,
      kind: 'confirmed',
    },
    { name: 'of no time', says: '+275760-09-13T00:00:00.000Z', after: day, kind: 'unconfirmed' },
  ])('$name is $kind', ({ kind, why, differs, ...situation }) => {
    const verdict = judged(situation)
    expect(verdict.kind).toBe(kind)
    expect(verdict).toMatchObject(why === undefined ? {} : { why })
    expect(verdict.kind === 'confirmed' ? verdict.differs?.why : undefined).toBe(differs)
  })

  test('that is corrected is good again, at once where it goes back to what it was, else when a server agrees', () => {
    const start = { wall: noon, monotonic: 0 }
    const clock = startClock(start, floors)
    const wrong = { wall: noon + hour + 50 * 365 * day, monotonic: hour }
    expect(judgeClock(clock, wrong).kind).toBe('wrong')
    const back = { wall: noon + 2 * hour, monotonic: 2 * hour }
    expect(judgeClock(clock, back).kind).toBe('unconfirmed')
    const elsewhere = { wall: noon + 5 * hour, monotonic: 2 * hour }
    const told = nextClock(clock, elsewhere, { who: 'the Image Factory', at: noon + 5 * hour })
    expect(judgeClock(told, elsewhere).kind).toBe('confirmed')
  })

  test('does not jump where summer time begins: it counts from the epoch', () => {
    const before = { wall: at('2026-03-29T00:59:00Z'), monotonic: 0 }
    const clock = startClock(before, [])
    expect(judgeClock(clock, { wall: at('2026-03-29T01:01:00Z'), monotonic: 2 * minute }).kind).toBe('unconfirmed')
  })
})
