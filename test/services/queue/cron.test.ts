import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { nextCronTime } from '../../../src/services/queue/cron.ts'

/** BullMQ's own library for schedules. */
const { CronExpressionParser } = createRequire(createRequire(import.meta.url).resolve('bullmq'))('cron-parser') as {
  CronExpressionParser: { parse(pattern: string, options: { currentDate: Date }): { next(): { getTime(): number } } }
}

const start = new Date(2026, 0, 1, 12, 0, 30).getTime()
const next = (pattern: string, after = start) => new Date(nextCronTime(pattern, after))

describe('a schedule', () => {
  test.each([
    { pattern: '0 10 * * 1', first: new Date(2026, 0, 5, 10, 0) },
    { pattern: '*/15 * * * *', first: new Date(2026, 0, 1, 12, 15) },
    { pattern: '0 12 * * *', first: new Date(2026, 0, 2, 12, 0) },
    { pattern: '30 4 1,15 * 5', first: new Date(2026, 0, 2, 4, 30) },
    { pattern: '0 0 29 2 *', first: new Date(2028, 1, 29) },
    { pattern: '0 3 * * 7', first: new Date(2026, 0, 4, 3, 0) },
  ])('of $pattern comes next at $first', ({ pattern, first }) => {
    expect(next(pattern)).toEqual(first)
  })

  test('is never due at the moment at which it has just been', () => {
    const monday = next('0 10 * * 1').getTime()
    expect(nextCronTime('0 10 * * 1', monday) - monday).toBeGreaterThan(6 * 86_400_000)
  })

  test('is the same as the queue’s own library has it, for whatever can be written', () => {
    const random = randomNumbers(7)
    for (let round = 0; round < 400; round++) {
      const pattern = randomPattern(random)
      const after = start + Math.floor(random() * 300 * 86_400_000)
      const theirs = CronExpressionParser.parse(pattern, { currentDate: new Date(after) })
        .next()
        .getTime()
      expect({ pattern, after, at: nextCronTime(pattern, after) }).toEqual({ pattern, after, at: theirs })
    }
  })

  test.each([
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '5-1 * * * *',
    '*/0 * * * *',
    '* * * * MON',
    '0 0 30 2 *',
  ])('that is none is refused: %j', (pattern) => {
    expect(() => nextCronTime(pattern, start)).toThrow(RangeError)
  })
})

/** Mulberry32: the same numbers in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function randomPattern(random: () => number): string {
  const upTo = (most: number) => Math.floor(random() * (most + 1))
  const field = (least: number, most: number) => {
    const one = () => least + upTo(most - least)
    const [a, b] = [one(), one()].toSorted((x, y) => x - y)
    return [
      '*',
      '*',
      `${a}`,
      `${a}-${b}`,
      [...new Set([a, b])].join(','),
      `*/${1 + upTo(6)}`,
      `${a}-${b}/${1 + upTo(3)}`,
    ][upTo(6)]!
  }
  return [field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)].join(' ')
}
