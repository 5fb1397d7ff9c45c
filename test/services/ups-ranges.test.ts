import { expect, test } from 'vitest'
import { panelsOf, rangesOf } from '../../src/services/ups-watch/page/ranges.ts'

const at = '2027-01-01T20:00:00.000Z'

test.each([
  { of: 'nothing', samples: [], is: '', panels: 0 },
  { of: 'what was never told', samples: [{ at }, { at }], is: '', panels: 0 },
  {
    of: 'a quiet day',
    samples: [
      { at, chargePercent: 100, inputVolts: 229.6 },
      { at, chargePercent: 100, inputVolts: 230.2 },
    ],
    is: 'charge 100 %, input voltage 230 V',
    panels: 2,
  },
  {
    of: 'a power cut',
    samples: [
      { at, chargePercent: 100, loadPercent: 18, runtimeMs: 3_480_000, inputVolts: 231.4 },
      { at, chargePercent: 83, loadPercent: 22, runtimeMs: 1_410_000, inputVolts: 0 },
      { at },
    ],
    is: 'charge 83 to 100 %, load 18 to 22 %, runtime 24 min to 58 min, input voltage 0 to 231 V',
    panels: 3,
  },
])('the figures of $of in words, and how many panels they take', ({ samples, is, panels }) => {
  expect(rangesOf(samples)).toBe(is)
  expect(panelsOf(samples)).toBe(panels)
})
