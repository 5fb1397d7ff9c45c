import { expect, test } from 'vitest'
import { createGathering } from '../../src/operations/gathering.ts'

/** Counts what is done, and when it was. */
function count(pace: { readonly within: number; readonly apart: number }) {
  const times: number[] = []
  const gathering = createGathering(
    pace,
    () => void times.push(performance.now()),
    () => performance.now(),
  )
  return { times, ...gathering, [Symbol.dispose]: () => gathering[Symbol.dispose]() }
}

test('what happens together is done once, and what happens later again, but not before its time', async () => {
  using it = count({ within: 5, apart: 120 })
  for (let happened = 0; happened < 50; happened++) it.soon()
  await expect.poll(() => it.times).toHaveLength(1)
  for (let happened = 0; happened < 50; happened++) it.soon()
  await expect.poll(() => it.times).toHaveLength(2)
  // Timers of Node may be early by a fraction of a millisecond.
  expect(it.times[1]! - it.times[0]!).toBeGreaterThan(118)
})

test('nothing is done for who has gone', async () => {
  const it = count({ within: 5, apart: 0 })
  it.soon()
  it[Symbol.dispose]()
  using later = count({ within: 20, apart: 0 })
  later.soon()
  await expect.poll(() => later.times).toHaveLength(1)
  expect(it.times).toEqual([])
})
