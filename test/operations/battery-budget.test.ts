import { describe, expect, test } from 'vitest'
import { createBatteryBudget } from '../../src/operations/battery-budget.ts'
import type { JobContext } from '../../src/operations/job.ts'
import type { Machine } from '../../src/core/power/machines.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import { stateOf } from '../core/power/states.ts'
import { createRandom } from '../core/random.ts'

const machine: Machine = {
  name: 'w-1',
  kind: 'node',
  tier: 'workers',
  feed: { powerValue: { ups: 1 }, minSupplies: 1 },
  stops: 1_000,
  hasMac: false,
  powerOnAfter: undefined,
}

/** A shutdown on battery, told of its UPSes' readings. Times in seconds. */
function shutdown() {
  let clock = 100_000
  // The guard's own view of the power, which changes with each reading.
  const upses = new Map<string, PowerState>()
  const context = {
    config: { power: { assumedRuntime: 120_000 } },
    power: { upses, ordered: undefined },
    monotonic: () => clock,
  }
  const budget = createBatteryBudget(context as unknown as JobContext)
  const left = (feed: string) =>
    budget([{ ...machine, feed: { powerValue: { [feed]: 1 }, minSupplies: 1 } }]).ms / 1_000
  const reads = (runtime: number, after = 1, ups = 'ups') => {
    clock += after * 1_000
    upses.set(ups, stateOf('low-battery', { runtime: runtime * 1_000 }, 100_000, clock))
    return left(ups)
  }
  return {
    /** So many seconds later the UPS says that it has so many left: what is then left for a machine that it feeds. */
    reads,
    /** Nothing is heard for so many seconds. */
    hears: (after: number) => {
      clock += after * 1_000
      return left('ups')
    },
  }
}

describe('what the battery has left within one shutdown', () => {
  test('does not grow when the UPS promises more because its load is gone', () => {
    const { reads } = shutdown()
    expect(reads(300)).toBe(300)
    expect([reads(299), reads(900), reads(2_400), reads(2_399), reads(6_000)]).toEqual([299, 298, 297, 296, 295])
  })

  test('does not grow either when only machines are left that a better UPS feeds', () => {
    const { reads } = shutdown()
    expect(reads(60)).toBe(60)
    expect([reads(900, 1, 'big'), reads(900, 1, 'big'), reads(900, 1, 'big')]).toEqual([59, 58, 57])
  })

  test('shrinks once a lower figure has lasted for three readings, and not for one that lies', () => {
    const { reads } = shutdown()
    reads(600)
    expect([reads(5), reads(598)]).toEqual([599, 598])
    expect([reads(200), reads(199)]).toEqual([597, 596])
    expect(reads(198)).toBe(198)
    expect([reads(190), reads(189), reads(188)]).toEqual([197, 196, 188])
  })

  test('shrinks by what one UPS says although another one has fallen silent', () => {
    const { reads } = shutdown()
    reads(600, 0, 'silent')
    reads(600)
    expect([reads(200), reads(199), reads(198)]).toEqual([598, 597, 198])
  })

  test('counts a reading once, however often it is looked at', () => {
    const { reads, hears } = shutdown()
    reads(600)
    reads(10)
    expect([hears(0), hears(0), hears(0)]).toEqual([599, 599, 599])
  })

  test('runs out while the UPS is silent, and is never less than nothing', () => {
    const { reads, hears } = shutdown()
    expect([reads(30), hears(10), hears(19), hears(1), hears(60)]).toEqual([30, 20, 1, 0, 0])
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('ends no later than it ever said, whatever the UPS says: %i', (seed) => {
    const random = createRandom(seed)
    const { reads } = shutdown()
    let left = reads(random.below(1_000))
    for (let reading = 0; reading < 200; reading++) {
      const after = random.below(6)
      const now = reads(random.below(random.pick([10, 300, 7_200])), after)
      expect(now).toBeLessThanOrEqual(Math.max(0, left - after))
      left = now
    }
  })

  test('is without end where no UPS is configured: mains lasts', () => {
    const context = {
      config: { power: { assumedRuntime: 120_000 } },
      power: { upses: new Map(), ordered: undefined },
      monotonic: () => 100_000,
    }
    const budget = createBatteryBudget(context as unknown as JobContext)
    const unfed = [{ ...machine, feed: undefined }]
    expect([budget(unfed).ms, budget(unfed).ms]).toEqual([Infinity, Infinity])
  })
})
