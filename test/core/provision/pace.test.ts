import { expect, test } from 'vitest'
import { goneAfter } from '../../../src/core/provision/claimants.ts'
import { asksBy, gapAfter, triesAfter } from '../../../src/core/provision/pace.ts'

const lastAt = '2026-11-27T08:00:00.000Z'
const last = Date.parse(lastAt)

test('the gaps between tries are those of a real node, and whoever is in the longest one is not gone', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map((tries) => gapAfter(tries) / 1_000)).toEqual([
    0, 1, 3, 7, 15, 31, 63, 127, 255,
  ])
  expect(gapAfter(40)).toBe(4_095_000)
  expect(asksBy({ way: 'plain', tries: 40, lastAt })! - last).toBeLessThan(goneAfter)
})

test.each([
  { name: 'in its time it goes on', tries: 7, after: 63_000 + 150_000, is: 8 },
  { name: 'its first try has no gap', tries: undefined, after: 0, is: 2 },
  { name: 'half a second early is still in its time', tries: 7, after: 62_500, is: 8 },
  { name: 'earlier than that it was restarted', tries: 7, after: 62_499, is: 1 },
  { name: 'a little early it goes on: it began to wait before we heard of it', tries: 7, after: 62_600, is: 8 },
  { name: 'much earlier than it was to it was restarted', tries: 11, after: 60_000, is: 1 },
])('$name', ({ tries, after, is }) => {
  expect(triesAfter({ ...(tries === undefined ? {} : { tries }), lastAt }, last + after)).toBe(is)
})

test('who waits in maintenance does not ask by itself, and who is in a device flow soon', () => {
  expect(asksBy({ way: 'maintenance', lastAt })).toBeUndefined()
  expect(asksBy({ way: 'device-flow', lastAt, tries: 12 })! - last).toBe(30_000)
})

test('who asks plainly is held, waits for its gap, and is given 5 s more', () => {
  expect(asksBy({ way: 'plain', lastAt, tries: 5 })! - last).toBe(150_000 + 15_000 + 5_000)
  expect(asksBy({ way: 'plain', lastAt })! - last).toBe(150_000 + 5_000)
})
