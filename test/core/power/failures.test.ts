import { describe, expect, test } from 'vitest'
import { describeFlapping, type MainsFailures, nextFailures } from '../../../src/core/power/flapping.ts'
import type { Evidence } from '../../../src/core/power/tokens.ts'

const minute = 60_000

/** What a UPS shows each minute, a letter each: mains, battery, unclear, no data. */
function after(minutes: string): MainsFailures | undefined {
  const shown: Readonly<Record<string, Evidence>> = { m: 'mains', b: 'battery', u: 'unclear', n: 'no-data' }
  return Array.from(minutes).reduce<MainsFailures | undefined>(
    (failures, one, index) => nextFailures(failures, index * minute, shown[one]!),
    undefined,
  )
}

describe('failures of mains power', () => {
  test.each([
    { name: 'are none while it is on', shows: 'mmm', count: undefined },
    { name: 'are one for as long as it is off', shows: 'mbbbbbb', count: 1 },
    { name: 'are one where the UPS has no data in between', shows: 'mbnb', count: 1 },
    { name: 'are one where the status says nothing in between', shows: 'mbub', count: 1 },
    { name: 'count each time that it was back in between', shows: 'mbmbmmbm', count: 3 },
    { name: 'go on for nine minutes of mains power', shows: `bmb${'m'.repeat(10)}`, count: 2 },
    { name: 'are forgotten after ten minutes of mains power', shows: `bmb${'m'.repeat(11)}`, count: undefined },
    { name: 'begin anew after that', shows: `bmb${'m'.repeat(11)}b`, count: 1 },
  ])('$name', ({ shows, count }) => expect(after(shows)?.count).toBe(count))

  test('are flapping from the third on, and said with the time that they took', () => {
    expect(describeFlapping(after('bmb'), 3 * minute)).toBeUndefined()
    expect(describeFlapping(after('bmbmb'), 10 * minute)).toBe('mains power has failed 3 times in 10 min')
  })
})
