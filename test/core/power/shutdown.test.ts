import { describeClosely } from '../../../src/core/duration.ts'
import { describe, expect, test } from 'vitest'
import type { PhaseId } from '../../../src/core/phase-id.ts'
import type { Machine } from '../../../src/core/power/machines.ts'
import { awaitPhaseOf, shutDownPhaseOf, type ShutdownPhase } from '../../../src/core/power/phases.ts'
import { needOf, planShutdown, type ShutdownPolicy, type ShutdownSituation } from '../../../src/core/power/shutdown.ts'
import { busy, everyTier, machineOf, now, outline, recordOf, three } from './shutdowns.ts'

const policy: ShutdownPolicy = { drainTimeout: 90_000, reserve: 60_000 }
const fresh = recordOf(three)

function plan(ms: number, changed: Partial<ShutdownSituation> & Partial<ShutdownPolicy> = {}) {
  const situation = { machines: three, outage: fresh, left: { ms, told: true }, now, ...changed }
  return planShutdown(situation, { ...policy, ...changed })
}
const wholeOf = (ms: number, changed: Partial<ShutdownSituation> = {}) =>
  plan(ms, { machines: everyTier, outage: recordOf(everyTier), ...changed })
const stepsOf = (ms: number, changed: Partial<ShutdownSituation> & Partial<ShutdownPolicy> = {}) =>
  plan(ms, changed).phases.flatMap(({ steps }) => steps)
const times = (phases: readonly ShutdownPhase[]): Partial<Record<PhaseId, number>> =>
  Object.fromEntries(phases.map(({ id, within }) => [id, within]))

describe('with battery enough', () => {
  test('all are cordoned, then drained; workers go down, then the control planes', () => {
    expect(plan(600_000).form).toBe('ordered')
    expect(outline(plan(600_000).phases)).toEqual([
      'cordon: cordon cp-1, cordon w-1, cordon w-2',
      'drain: drain cp-1, drain w-1, drain w-2',
      'shut-down-workers: shut down w-1, shut down w-2',
      'await-workers: wait until w-1 is down, wait until w-2 is down',
      'shut-down-control-planes: shut down cp-1',
      'await-control-planes: wait until cp-1 is down',
    ])
  })

  test('machines go tier by tier, the NAS last, in whatever order they are configured', () => {
    const { phases } = wholeOf(900_000, { outage: { ...recordOf(everyTier), ...busy } })
    expect(outline(phases)).toEqual([
      'cordon: cordon cp-1, cordon s-1, cordon w-1',
      'scale-down: scale apps/batch to 0',
      'set-storage-flags: set ceph noout to set',
      'drain: drain cp-1, drain s-1, drain w-1',
      'shut-down-workers: shut down w-1',
      'await-workers: wait until w-1 is down',
      'shut-down-storage-nodes: shut down s-1',
      'await-storage-nodes: wait until s-1 is down',
      'shut-down-control-planes: shut down cp-1',
      'await-control-planes: wait until cp-1 is down',
      'shut-down-hosts: shut down pve-1',
      'await-hosts: wait until pve-1 is down',
      'shut-down-nas: shut down nas-1',
      'await-nas: wait until nas-1 is down',
    ])
  })

  test('every node is told by force', () => {
    const forces = stepsOf(600_000).flatMap((step) => (step.do === 'shut-down' ? [step.force] : []))
    expect(forces).toEqual([true, true, true])
  })

  test('the cordons are marked as ours, for the power', () => {
    const marks = stepsOf(600_000).flatMap((step) => (step.do === 'cordon' ? [step.mark] : []))
    const mark = { why: 'power', at: '2026-03-01T02:00:00.000Z' }
    expect(marks).toEqual([mark, mark, mark])
  })

  test('the cordons of a shutdown that a person has ordered say so, so that mains power alone wakes nothing', () => {
    const marks = stepsOf(600_000, { outage: { ...fresh, reason: 'ordered' } }).flatMap((step) =>
      step.do === 'cordon' ? [step.mark] : [],
    )
    const mark = { why: 'power', at: '2026-03-01T02:00:00.000Z', ordered: true }
    expect(marks).toStrictEqual([mark, mark, mark])
  })

  test('what is cut short leaves its time to what comes after it, and a quarter of it once nodes go', () => {
    expect(plan(600_000).phases.map(({ id, leaves }) => [id, leaves])).toEqual([
      ['cordon', 180_000],
      ['drain', 180_000],
      ['shut-down-workers', 88_750],
      ['await-workers', 75_000],
      ['shut-down-control-planes', 73_750],
      ['await-control-planes', 60_000],
    ])
  })

  test('other hosts alone are neither cordoned nor drained', () => {
    const hosts = everyTier.filter(({ kind }) => kind === 'host')
    const { phases } = plan(600_000, { machines: hosts, outage: { ...recordOf(hosts), ...busy } })
    expect(phases.map(({ id }) => id)).toEqual(['shut-down-hosts', 'await-hosts', 'shut-down-nas', 'await-nas'])
  })
})

describe('the time that pods get', () => {
  test.each<{
    name: string
    left: number
    changed?: Partial<ShutdownPolicy>
    given: number | undefined
    reason: string
  }>([
    { name: 'all of it', left: 600_000, given: 90_000, reason: 'pods have 90 s to terminate' },
    { name: 'all of it with mains there', left: Infinity, given: 90_000, reason: 'pods have 90 s to terminate' },
    { name: 'what the battery leaves', left: 215_000, given: 30_000, reason: 'pods have 30 s to terminate' },
    { name: 'whole milliseconds', left: 215_000.4, given: 30_000, reason: 'pods have 30 s to terminate' },
    { name: 'five seconds', left: 190_000, given: 5_000, reason: 'pods have 5 s to terminate' },
    { name: 'none that would be of use', left: 189_000, given: undefined, reason: 'no time to drain' },
    { name: 'none', left: 180_000, given: undefined, reason: 'no time to drain' },
    {
      name: 'as little as a policy wants',
      left: 600_000,
      changed: { drainTimeout: 2_000 },
      given: 2_000,
      reason: 'pods have 2 s to terminate',
    },
  ])('is $name', ({ left, changed = {}, given, reason }) => {
    const decided = plan(left, changed)
    const drains = decided.phases.flatMap(({ steps }) => steps).flatMap((step) => (step.do === 'drain' ? [step] : []))
    const has = left === Infinity ? 'on mains power' : `the battery has ${describeClosely(left)} left`
    expect([decided.form, decided.reason]).toEqual(['ordered', `${has}: ${reason}`])
    expect(drains.map(({ within }) => within)).toEqual(given === undefined ? [] : [given, given, given])
    for (const { policy, within } of drains) {
      expect(policy).toEqual({ deleteAfter: Math.round(within / 4), maxGrace: within })
    }
  })

  test('is less where workloads are scaled down and storage is told to keep still', () => {
    expect(times(plan(235_000, { outage: { ...fresh, ...busy } }).phases)).toMatchObject({
      cordon: 5_000,
      'scale-down': 10_000,
      'set-storage-flags': 10_000,
      drain: 30_000,
    })
  })

  test.each<{ name: string; machines: readonly Machine[]; reason: string }>([
    { name: 'a node among hosts', machines: everyTier, reason: 'no time to drain' },
    {
      name: 'hosts alone',
      machines: everyTier.filter(({ kind }) => kind === 'host'),
      reason: 'resuming where it stopped',
    },
  ])('is not spoken of for hosts: $name', ({ machines, reason }) => {
    const needed = { drainTimeout: 90_000, machines, outage: recordOf(machines) }
    const least = needOf(machines, { ...policy, drainTimeout: 0, shed: [], storageFlags: false })
    expect(plan(least, needed).reason).toContain(`: ${reason}`)
  })

  test('is what is assumed where the UPS is silent about it, and the reason says so', () => {
    const decided = plan(245_000, { left: { ms: 245_000, told: false } })
    expect(times(decided.phases)).toMatchObject({ drain: 60_000 })
    expect(decided.reason).toBe('the UPS does not report its runtime; 245 s are assumed: pods have 60 s to terminate')
  })
})

describe('with little battery', () => {
  test.each<{ name: string; left: number; gets: Partial<Record<'workers' | 'control-planes', number>> }>([
    { name: 'a tier has its time', left: 180_000, gets: { workers: 60_000, 'control-planes': 60_000 } },
    {
      name: 'nothing is drained, and each tier gives some',
      left: 135_000,
      gets: { workers: 37_500, 'control-planes': 37_500 },
    },
    { name: 'each tier gets at least a quarter', left: 90_000, gets: { workers: 15_000, 'control-planes': 15_000 } },
  ])('$name: $left ms are $gets', ({ left, gets }) => {
    const { phases, form } = plan(left)
    expect(form).toBe(left === 180_000 ? 'ordered' : 'compressed')
    const within = times(phases)
    expect(
      Object.fromEntries(
        (['workers', 'control-planes'] as const).map((tier) => [
          tier,
          within[shutDownPhaseOf(tier)]! + within[awaitPhaseOf(tier)]!,
        ]),
      ),
    ).toEqual(gets)
    expect(Object.keys(within)).toEqual([
      'shut-down-workers',
      'await-workers',
      'shut-down-control-planes',
      'await-control-planes',
    ])
  })

  test('a tier that needs little keeps five seconds, or all that it needs', () => {
    const machines = [machineOf('w-1', 'workers', 12_000), machineOf('cp-1', 'control-planes', 3_000)]
    const within = times(plan(68_000, { machines, outage: recordOf(machines) }).phases)
    expect([
      within['shut-down-workers']! + within['await-workers']!,
      within['shut-down-control-planes']! + within['await-control-planes']!,
    ]).toEqual([5_000, 3_000])
  })

  test.each([89_999, 30_000, 0])('every machine is told at once with %d ms', (left) => {
    const { form, phases, reason } = plan(left)
    const has = `the battery has ${describeClosely(left)} left`
    expect([form, reason]).toEqual([
      'short',
      `${has}, and an orderly shutdown needs 90 s: all machines are shut down at once`,
    ])
    expect(outline(phases)).toEqual([
      'shut-down-all: shut down cp-1, shut down w-1, shut down w-2',
      'await-all: wait until cp-1 is down, wait until w-1 is down, wait until w-2 is down',
    ])
    expect(times(phases)).toEqual({ 'shut-down-all': 5_000, 'await-all': 55_000 })
  })

  test('all others are told at once, and the NAS when half of what is left has passed', () => {
    const { phases } = wholeOf(40_000)
    expect(outline(phases)).toEqual([
      'shut-down-all: shut down pve-1, shut down cp-1, shut down s-1, shut down w-1',
      'await-all: wait until pve-1 is down, wait until cp-1 is down, wait until s-1 is down, wait until w-1 is down',
      'shut-down-nas: shut down nas-1',
      'await-nas: wait until nas-1 is down',
    ])
    expect(times(phases)).toMatchObject({ 'shut-down-all': 10_000, 'await-all': 20_000, 'shut-down-nas': 30_000 })
    expect(phases.map(({ leaves }) => leaves)).toEqual([35_000, 30_000, 22_500, 0])
  })

  test('the NAS alone is not waited with', () => {
    const machines = everyTier.filter(({ tier }) => tier === 'nas')
    expect(outline(plan(1_000, { machines, outage: recordOf(machines) }).phases)).toEqual([
      'shut-down-nas: shut down nas-1',
      'await-nas: wait until nas-1 is down',
    ])
  })
})

describe('the time that a node gets to stop', () => {
  test.each<{ stops: number; order: number; rest: number }>([
    { stops: 60_000, order: 5_000, rest: 55_000 },
    { stops: 10_000, order: 5_000, rest: 5_000 },
    { stops: 9_000, order: 4_500, rest: 4_500 },
    { stops: 1_000, order: 500, rest: 500 },
    { stops: 1, order: 1, rest: 0 },
  ])('of $stops ms is $order ms for the order and $rest ms for the rest', ({ stops, order, rest }) => {
    const machines = three.map((one) => ({ ...one, stops }))
    for (const left of [600_000, 0]) {
      const limits = (kind: 'shut-down' | 'await-down') =>
        stepsOf(left, { machines }).flatMap((step) => (step.do === kind ? [step.within] : []))
      expect(limits('shut-down')).toEqual([order, order, order])
      expect(limits('await-down')).toEqual([rest, rest, rest])
    }
  })

  test('is that of the slowest in its tier', () => {
    const machines = [machineOf('w-1', 'workers', 20_000), machineOf('w-2', 'workers', 80_000)]
    expect(times(plan(600_000, { machines, outage: recordOf(machines) }).phases)).toMatchObject({
      'shut-down-workers': 5_000,
      'await-workers': 75_000,
    })
  })
})

test.each([600_000, 100_000, 0])('with %s ms left nobody logs out of the UPS: nodes may still run', (left) => {
  expect(stepsOf(left).map((step) => step.do)).not.toContain('log-out-of-ups')
})

test.each<{ name: string; machines: typeof everyTier; prepared?: Partial<typeof busy>; needs: number }>([
  {
    name: 'each tier has its slowest machine, beside the cordon, the drain and the reserve',
    machines: everyTier,
    needs: 485_000,
  },
  { name: 'those of one tier go together', machines: three, needs: 275_000 },
  { name: 'what is scaled and set takes its time', machines: three, prepared: busy, needs: 295_000 },
])('what a shutdown needs: $name', ({ machines, prepared = {}, needs }) => {
  const api = { shed: prepared.scaled ?? [], storageFlags: prepared.storage !== undefined }
  expect(needOf(machines, { ...policy, ...api })).toBe(needs)
  const { phases } = plan(needs, { machines, outage: { ...recordOf(machines), ...prepared } })
  expect(phases.reduce((sum, { within }) => sum + within, 0)).toBe(needs - policy.reserve)
  expect(times(phases).drain).toBe(policy.drainTimeout)
})
