import { expect, test } from 'vitest'
import { describeBoth, describeDuration, notWithin, parseDuration } from '../../src/core/duration.ts'

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
  ['1.5h', 5_400_000],
  ['0s', 0],
  [' 10m ', 600_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '10', 'm', '-5m', '10 m', '10M', '1h30m', '1e3s', '.5h', '5.h', '10min', 'Infinityd'])(
  '"%s" is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  },
)

test.each([
  [-5, '0 s'],
  [0, '0 s'],
  [450, '450 ms'],
  [1_000, '1 s'],
  [45_000, '45 s'],
  [119_400, '119 s'],
  [119_600, '2 min'],
  [720_000, '12 min'],
  [3_599_000, '1 h'],
  [12_000_000, '3 h 20 min'],
  [172_740_000, '47 h 59 min'],
  [172_800_000, '2 d'],
  [187_200_000, '2 d 4 h'],
])('people are told that %i ms are %s', (ms, text) => {
  expect(describeDuration(ms)).toBe(text)
})

test.each([
  { ms: 3, says: 'in time' },
  { ms: 258, says: 'within 250 ms' },
  { ms: 960, says: 'within 1 s' },
  { ms: 9_998, says: 'within 10 s' },
  { ms: 10_240, says: 'within 10 s' },
  { ms: 180_100, says: 'within 3 min' },
])(
  'who has not answered for $ms ms did not answer $says, so that the same timeout has the same words',
  ({ ms, says }) => {
    expect(notWithin(ms)).toBe(says)
  },
)

test.each([
  { both: [3_480_000, 43_000], are: ['58 min', '43 s'] },
  { both: [1_410_000, 1_430_000], are: ['1410 s', '1430 s'] },
  { both: [1_410_000, 1_410_200], are: ['24 min', '24 min'] },
] as const)('$both are compared as $are', ({ both, are }) => {
  expect(describeBoth(both[0], both[1])).toEqual(are)
})
