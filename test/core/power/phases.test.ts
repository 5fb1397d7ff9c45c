import { describe, expect, test } from 'vitest'
import { type PhaseId, phaseTitles } from '../../../src/core/phase-id.ts'
import { withNodeState } from '../../../src/core/power/outage.ts'
import { isShutDownPhase, shortForm, stateOf, stopTier } from '../../../src/core/power/phases.ts'
import { isReversiblePhase, reversiblePhases } from '../../../src/core/power/reversible.ts'
import { planShutdown } from '../../../src/core/power/shutdown.ts'
import { busy, everyTier, machineOf, now, recordOf } from './shutdowns.ts'

const ids = Object.keys(phaseTitles) as PhaseId[]
const own = machineOf('own-1', 'own-machine', 40_000)
const all = [...everyTier, own]
const policy = { drainTimeout: 90_000, reserve: 60_000 }
const cut = [{ ups: 'rack', command: 'shutdown.return', beforeNas: false }]
const ordered = planShutdown(
  { machines: all, outage: { ...recordOf(all), ...busy }, left: { ms: 3_600_000, told: true }, now, cut },
  policy,
)

describe('a phase', () => {
  test('can be undone where nothing has gone down by it: only those are rehearsed', () => {
    expect(reversiblePhases).toEqual(['cordon', 'scale-down', 'set-storage-flags', 'drain'])
    expect(ids.filter(isReversiblePhase).toSorted()).toEqual(reversiblePhases.toSorted())
    expect(isReversiblePhase('')).toBe(false)
  })

  test('shuts machines down, or waits for them or prepares it', () => {
    expect(ids.filter(isShutDownPhase).toSorted()).toEqual([
      'shut-down-all',
      'shut-down-control-planes',
      'shut-down-hosts',
      'shut-down-nas',
      'shut-down-own-machine',
      'shut-down-storage-nodes',
      'shut-down-workers',
    ])
  })

  test('of preparation stops when the power changes or the battery gets short; an order to shut down never does', () => {
    const stops = ordered.phases.map(({ id, stops }) => [id, stops.join(' ')])
    expect(ordered.form).toBe('ordered')
    expect(stops).toEqual([
      ...reversiblePhases.map((id) => [id, 'power-change short-battery']),
      ['shut-down-workers', ''],
      ['await-workers', 'short-battery'],
      ['shut-down-storage-nodes', ''],
      ['await-storage-nodes', 'short-battery'],
      ['shut-down-control-planes', ''],
      ['await-control-planes', 'short-battery'],
      ['shut-down-hosts', ''],
      ['await-hosts', 'short-battery'],
      ['shut-down-nas', ''],
      ['await-nas', 'short-battery'],
      ['cut-power', 'short-battery'],
      ['shut-down-own-machine', ''],
    ])
  })

  test('orders nodes by Talos and hosts by their own way, and waits for each as it ordered it', () => {
    const does = ordered.phases
      .filter(({ id }) => !isReversiblePhase(id) && id !== 'cut-power')
      .flatMap(({ steps }) => steps.map((step) => Object.values(step).slice(0, 2).join(' ')))
    expect(does).toEqual([
      'shut-down w-1',
      'await-down w-1',
      'shut-down s-1',
      'await-down s-1',
      'shut-down cp-1',
      'await-down cp-1',
      'shut-down-host pve-1',
      'await-host-down pve-1',
      'shut-down-host nas-1',
      'await-host-down nas-1',
      'shut-down own-1',
    ])
  })

  test('of a tier leaves out who was told, and waits for all of it', () => {
    const workers = [machineOf('w-1', 'workers'), machineOf('w-2', 'workers')]
    const told = withNodeState(recordOf(workers), 'w-1', 'shutdown-sent')
    const [request, wait] = stopTier('workers', workers, told, 60_000)
    expect(request?.steps).toEqual([{ do: 'shut-down', node: 'w-2', force: true, within: 5_000 }])
    expect(wait?.steps).toHaveLength(2)
    expect([request?.within, wait?.within]).toEqual([5_000, 55_000])
  })
})

describe('everything at once', () => {
  const times = (machines: readonly (typeof own)[], ms: number) =>
    shortForm(machines, recordOf(machines), { ms }).map(({ id, within }) => [id, within])

  test('waits half of what is left before the NAS goes, and no longer than the others take', () => {
    expect(times(all, 40_000)).toEqual([
      ['shut-down-all', 10_000],
      ['await-all', 20_000],
      ['shut-down-nas', 30_000],
      ['await-nas', 90_000],
      ['shut-down-own-machine', 5_000],
    ])
    const nodes = [machineOf('w-1', 'workers', 60_000), machineOf('nas-1', 'nas', 20_000)]
    expect(times(nodes, 1_000_000)[1]).toEqual(['await-all', 55_000])
  })

  test('waits for as long as the slowest takes where no NAS follows', () => {
    const nodes = [machineOf('w-1', 'workers', 60_000), machineOf('cp-1', 'control-planes', 90_000)]
    expect(times(nodes, 8_000)).toEqual([
      ['shut-down-all', 5_000],
      ['await-all', 85_000],
    ])
  })

  test('gives each of two NAS the time of the slower one, and has no phase for what is not there', () => {
    const two = [machineOf('nas-1', 'nas', 20_000), machineOf('nas-2', 'nas', 100_000)]
    expect(times(two, 8_000)).toEqual([
      ['shut-down-nas', 30_000],
      ['await-nas', 70_000],
    ])
    expect(times([own, machineOf('own-2', 'own-machine', 4_000)], 8_000)).toEqual([['shut-down-own-machine', 5_000]])
  })
})

test('a machine that no record knows counts as up', () => {
  expect(stateOf(recordOf([own]), 'w-9')).toBe('up')
  expect(stateOf(withNodeState(recordOf([own]), 'own-1', 'off'), 'own-1')).toBe('off')
})
