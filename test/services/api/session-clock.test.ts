import { expect, test } from 'vitest'
import { endedSessionKind, sessionLasts } from '../../../src/core/access/session.ts'
import { createSessions } from '../../../src/services/api/sessions.ts'
import { knownFrom } from '../../../src/services/api/tokens.ts'
import { memoryJournal } from '../../fakes/journal.ts'

const hour = 3_600_000
const noon = Date.parse('2026-11-26T12:00:00Z')
const token = knownFrom({
  name: 'desk',
  scope: 'operate',
  hash: 'ab'.repeat(32),
  createdAt: new Date(noon).toISOString(),
})

/** A browser that signs in by a clock that is off by so much, and is asked for its cookie by one that is right. */
function signedInBy(off: number) {
  let clock = noon + off
  const ended = memoryJournal().records(endedSessionKind)
  const sessions = createSessions({ key: Buffer.alloc(32, 1), ended, now: () => clock })
  const cookie = sessions.write(sessions.begin(token))
  return (passed: number) => {
    clock = noon + passed
    return sessions.read(cookie, [token]) !== undefined
  }
}

test.each([
  { name: 'was right', off: 0, goodFor: [0, 11], notAfter: 12 },
  { name: 'was an hour ahead, and is set back', off: hour, goodFor: [0, 12], notAfter: 13 },
  { name: 'was an hour behind', off: -hour, goodFor: [0, 10], notAfter: 11 },
])('a session of a clock that $name goes on, and ends in its time', ({ off, goodFor, notAfter }) => {
  const isGood = signedInBy(off)
  for (const hours of goodFor) expect(isGood(hours * hour), `after ${hours} h`).toBe(true)
  expect(isGood(notAfter * hour)).toBe(false)
})

test('a session of a clock that was a year ahead is over once the clock is right, and not good for a year', () => {
  const isGood = signedInBy(365 * 24 * hour)
  for (const passed of [0, hour, sessionLasts, 30 * 24 * hour]) expect(isGood(passed)).toBe(false)
})
