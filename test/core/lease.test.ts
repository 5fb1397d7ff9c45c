import { describe, expect, test } from 'vitest'
import { canTakeOver, describeBetweenSteps, type Purpose, purposes, waitsForOthers } from '../../src/core/lease.ts'

test('there are four reasons to change the cluster', () => {
  expect(purposes).toEqual(['upgrade', 'rehearsal', 'recovery', 'shutdown'])
})

describe('the cluster is taken over', () => {
  const pairs = purposes.flatMap((wants) => purposes.map((holds) => ({ wants, holds })))
  const may: readonly string[] = ['shutdown over upgrade', 'shutdown over rehearsal', 'shutdown over recovery']

  test.each(pairs)('$wants over $holds, by a shutdown alone, and by no second one', ({ wants, holds }) => {
    expect(canTakeOver(wants, holds)).toBe(may.includes(`${wants} over ${holds}`))
  })
})

test.each<{ purpose: Purpose; waits: boolean }>([
  { purpose: 'upgrade', waits: true },
  { purpose: 'rehearsal', waits: true },
  { purpose: 'recovery', waits: false },
  { purpose: 'shutdown', waits: false },
])('another agent that holds the cluster is waited for by $purpose: $waits', ({ purpose, waits }) => {
  expect(waitsForOthers(purpose)).toBe(waits)
})

test.each<{ holder: Purpose | undefined; says: string | undefined }>([
  { holder: undefined, says: undefined },
  // Every look at whether a node is to be upgraded is one.
  { holder: 'upgrade', says: undefined },
  { holder: 'rehearsal', says: 'the rehearsal of a power cut' },
  { holder: 'recovery', says: 'the recovery from a power cut' },
  { holder: 'shutdown', says: 'the shutdown' },
])('between two steps $holder is told as $says', ({ holder, says }) => {
  expect(describeBetweenSteps(holder)).toBe(says)
})
