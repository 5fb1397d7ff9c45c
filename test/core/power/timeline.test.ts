import { describe, expect, test } from 'vitest'
import { beginOutage, type Outage, type OutageNode } from '../../../src/core/power/outage.ts'
import { planShutdown } from '../../../src/core/power/shutdown.ts'
import { describeFit, stopTimes, timelineOf } from '../../../src/core/power/timeline.ts'
import { english } from '../../../src/core/wording.ts'
import { everyTier, now, recordOf, three } from './shutdowns.ts'

const policy = { drainTimeout: 90_000, reserve: 60_000 }
const planOf = (machines: typeof three, ms = Infinity) =>
  planShutdown({ machines, outage: recordOf(machines), left: { ms, told: true }, now }, policy)

describe('the timeline of a shutdown', () => {
  test('has each phase after the one before, to the end of the plan', () => {
    expect(timelineOf(planOf(three), english)).toEqual([
      row('cordon', 0, 5_000, true, 'cordon cp-1', 'cordon w-1', 'cordon w-2'),
      row('drain', 5_000, 95_000, true, 'drain cp-1', 'drain w-1', 'drain w-2'),
      row('shut-down-workers', 95_000, 100_000, false, 'shut down w-1', 'shut down w-2'),
      row('await-workers', 100_000, 155_000, false, 'wait until w-1 is down', 'wait until w-2 is down'),
      row('shut-down-control-planes', 155_000, 160_000, false, 'shut down cp-1'),
      row('await-control-planes', 160_000, 215_000, false, 'wait until cp-1 is down'),
    ])
  })

  test('is empty for a plan that has nothing to do', () => {
    expect(timelineOf(planOf([]), english)).toEqual([])
  })

  test.each<{ name: string; took?: Record<string, number>; likely: number | undefined }>([
    { name: 'of none', likely: undefined },
    { name: 'of one of two', took: { 'w-1': 20_000 }, likely: undefined },
    { name: 'of both, of which the slower counts', took: { 'w-1': 20_000, 'w-2': 31_000 }, likely: 126_000 },
    { name: 'of both, one of them beyond its time', took: { 'w-1': 20_000, 'w-2': 900_000 }, likely: 155_000 },
  ])(
    'knows when a phase is likely to end where it is on record how long machines take: $name',
    ({ took = {}, likely }) => {
      const rows = timelineOf(planOf(three), english, new Map(Object.entries(took)))
      const down = rows.find(({ phase }) => phase === 'await-workers')!
      expect('likely' in down ? down.likely : undefined).toBe(likely)
      expect(rows.filter((one) => one.phase !== 'await-workers' && 'likely' in one)).toEqual([])
    },
  )

  test('knows it of hosts too', () => {
    const rows = timelineOf(planOf(everyTier), english, new Map([['nas-1', 30_000]]))
    const nas = rows.find(({ phase }) => phase === 'await-nas')!
    expect(nas.likely).toBe(rows.find(({ phase }) => phase === 'shut-down-nas')!.from + 30_000)
  })
})

function row(phase: string, from: number, to: number, reversible: boolean, ...steps: string[]) {
  return { phase, from, to, steps, reversible }
}

describe('how long a machine took to stop', () => {
  const second = (seconds: number) => new Date(now.getTime() + seconds * 1_000).toISOString()
  const outage = (nodes: Record<string, OutageNode['at']>): Outage => ({
    ...beginOutage(now, 'low-battery'),
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([name, at]) => [name, { wasUp: true, state: 'off', ...(at ? { at } : {}) }]),
    ),
  })

  test('is what it was the last time that it stopped', () => {
    const newer = outage({
      'w-1': { 'shutdown-sent': second(0), off: second(42) },
      'w-2': { 'shutdown-sent': second(0), abandoned: second(60) },
      'cp-1': undefined,
    })
    const older = outage({
      'w-1': { 'shutdown-sent': second(0), off: second(9) },
      'w-2': { 'shutdown-sent': second(3), off: second(20) },
    })
    expect(Object.fromEntries(stopTimes([newer, older], three))).toEqual({ 'w-1': 42_000, 'w-2': 17_000 })
  })

  test('is never negative, whatever a clock did meanwhile', () => {
    const back = outage({ 'w-1': { 'shutdown-sent': second(50), off: second(0) } })
    expect([...stopTimes([back], three).values()].every((time) => time >= 0)).toBe(true)
  })

  test('is not known of what is not in the inventory any more, nor without outages', () => {
    expect(stopTimes([outage({ gone: { 'shutdown-sent': second(0), off: second(1) } })], three).size).toBe(0)
    expect(stopTimes([], three).size).toBe(0)
  })
})

test.each<{ needs: number; left: number | undefined; text: string }>([
  { needs: 240_000, left: 1_500_000, text: 'takes 4 min at most, and the battery lasts 25 min' },
  { needs: 240_000, left: 240_000, text: 'takes 4 min at most, and the battery lasts 4 min' },
  { needs: 240_000, left: 60_000, text: 'takes 4 min at most, and the battery lasts only 60 s: it is shortened' },
  { needs: 240_000, left: undefined, text: 'takes 4 min at most; the UPS does not report its runtime' },
])('a shutdown of $needs ms with $left ms of battery: $text', ({ needs, left, text }) => {
  expect(describeFit(needs, left)).toBe(text)
})
