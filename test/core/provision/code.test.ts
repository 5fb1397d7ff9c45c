import { expect, test } from 'vitest'
import { newCode, readCode, shownFor, waitingText } from '../../../src/core/provision/code.ts'

test('a code has no vowels, and every letter is as likely as the others', () => {
  let next = 0
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => next++ % 256)
  const letters = Array.from({ length: 2_000 }, () => newCode(bytes).replace('-', '')).join('')
  const counts = new Map<string, number>()
  for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  expect([...counts.keys()].toSorted().join('')).toBe('BCDFGHJKLMNPQRSTVWXZ')
  expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThan(40)
})

test('bytes that would make some letters likelier are left out', () => {
  const parts = [Uint8Array.from({ length: 16 }, () => 255), Uint8Array.from({ length: 16 }, () => 0)]
  expect(newCode(() => parts.shift()!)).toBe('BBBB-BBBB')
})

test.for([
  { typed: 'bcdf-ghjk', code: 'BCDF-GHJK' },
  { typed: ' BCDFGHJK ', code: 'BCDF-GHJK' },
  { typed: 'bcdf ghjk', code: 'BCDF-GHJK' },
  { typed: 'BCDF-GHJ', code: undefined },
  { typed: 'ABCD-EFGH', code: undefined },
  { typed: 'worker-2', code: undefined },
  { typed: '', code: undefined },
])('$typed is read as $code', ({ typed, code }) => {
  expect(readCode(typed)).toBe(code)
})

const firstAt = '2026-11-27T08:00:00.000Z'

test.for([
  { after: -1, text: 'pending: BCDF-GHJK' },
  { after: 0, text: 'pending: BCDF-GHJK' },
  { after: shownFor - 1, text: 'pending: BCDF-GHJK' },
  { after: shownFor, text: 'pending: BCDF-GHJK #2' },
  { after: 3 * shownFor - 1, text: 'pending: BCDF-GHJK #3' },
  { after: 1e6 * shownFor, text: 'pending: BCDF-GHJK #9999' },
])('after $after ms the console says $text', ({ after, text }) => {
  const said = waitingText({ code: 'BCDF-GHJK', firstAt }, Date.parse(firstAt) + after)
  expect(said).toBe(text)
  expect(said.length).toBeLessThanOrEqual(32)
})
