import { expect, test } from 'vitest'
import { newCode, readCode } from '../../../src/core/provision/code.ts'

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
