import { expect, test } from 'vitest'
import { createAllowance } from '../../src/core/allowance.ts'

test('one address has so many requests at once and so many a second, and costs no other any', () => {
  let now = 0
  const allowance = createAllowance({ burst: 3, perSecond: 2 }, () => now)
  const taken = (client: string, times: number) =>
    Array.from({ length: times }, () => allowance.take(client)).filter(Boolean).length
  expect(taken('192.168.0.21', 10)).toBe(3)
  expect(taken('192.168.0.22', 10)).toBe(3)
  now = 1_000
  expect(taken('192.168.0.21', 10)).toBe(2)
  now = 60_000
  expect(taken('192.168.0.21', 10)).toBe(3)
})
