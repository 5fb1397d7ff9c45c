import { expect, test } from 'vitest'
import { createTurns } from '../../../src/adapters/machines/turns.ts'

function turnsWith(first: number) {
  const clock = { now: 0, stagger: first }
  return {
    clock,
    turnIn: createTurns(
      () => clock.stagger,
      () => clock.now,
    ),
  }
}

test('each machine has its turn some time after the one before it, however late it asks', () => {
  const { clock, turnIn } = turnsWith(10_000)
  expect(['nas', 'cp-1', 'cp-2'].map(turnIn)).toEqual([0, 10_000, 20_000])
  clock.now = 4_000
  expect(turnIn('w-1')).toBe(26_000)
  clock.now = 45_000
  expect(turnIn('w-2')).toBe(0)
})

test('a machine that asks again keeps its turn, and has another one once that is over', () => {
  const { clock, turnIn } = turnsWith(10_000)
  expect([turnIn('cp-1'), turnIn('cp-2')]).toEqual([0, 10_000])
  clock.now = 3_000
  expect([turnIn('cp-2'), turnIn('cp-1')]).toEqual([7_000, 0])
  clock.now = 60_000
  expect([turnIn('cp-2'), turnIn('cp-1')]).toEqual([0, 10_000])
})

test('without a stagger nobody waits, and one that is set meanwhile counts from the next turn on', () => {
  const { clock, turnIn } = turnsWith(0)
  expect(['a', 'b', 'c'].map(turnIn)).toEqual([0, 0, 0])
  clock.stagger = 5_000
  expect(['d', 'e'].map(turnIn)).toEqual([5_000, 10_000])
})
