import { describe, expect, test } from 'vitest'
import type { PhaseId } from '../../../src/core/phase-id.ts'
import { type Outage, withNodeState } from '../../../src/core/power/outage.ts'
import { planShutdown, type ShutdownSituation } from '../../../src/core/power/shutdown.ts'
import { busy, everyTier, machineOf, now, outline, recordOf, three } from './shutdowns.ts'

const policy = { drainTimeout: 90_000, reserve: 60_000 }
const fresh = recordOf(three)

function plan(ms: number, changed: Partial<ShutdownSituation> = {}) {
  return planShutdown({ machines: three, outage: fresh, left: { ms, told: true }, now, ...changed }, policy)
}
const wholeOf = (ms: number, changed: Partial<ShutdownSituation> = {}) =>
  plan(ms, { machines: everyTier, outage: recordOf(everyTier), ...changed })

describe('an outage that is taken up again', () => {
  const stopping = withNodeState(withNodeState(fresh, 'w-1', 'off'), 'w-2', 'shutdown-sent')
  const names = (ms: number, changed: Partial<ShutdownSituation>) => plan(ms, changed).phases.map(({ id }) => id)

  test('leaves out what is down, waits for what was told, and does not drain again', () => {
    const outage = withNodeState(stopping, 'cp-1', 'drained')
    expect(plan(600_000, { outage }).reason).toBe('the battery has 10 min left: resuming where it stopped')
    expect(outline(plan(600_000, { outage }).phases)).toEqual([
      'await-workers: wait until w-2 is down',
      'shut-down-control-planes: shut down cp-1',
      'await-control-planes: wait until cp-1 is down',
    ])
  })

  test('drains only where that was not done yet', () => {
    const outage = withNodeState(fresh, 'w-1', 'drained')
    expect(outline(plan(600_000, { outage: { ...outage, ...busy } }).phases).slice(0, 4)).toEqual([
      'cordon: cordon cp-1, cordon w-2',
      'scale-down: scale apps/batch to 0',
      'set-storage-flags: set ceph noout to set',
      'drain: drain cp-1, drain w-2',
    ])
  })

  test.each<[Outage['nodes'][string]['state'], boolean]>([
    ['shutdown-sent', false],
    ['unreached', false],
    ['off', false],
    ['abandoned', false],
    ['drained', true],
    ['back', true],
    ['wake-sent', true],
  ])('with a control plane that is %s workers are drained: %s', (state, drained) => {
    const outage = withNodeState(fresh, 'cp-1', state)
    expect(names(600_000, { outage: { ...outage, ...busy } }).includes('drain')).toBe(drained)
    expect(plan(600_000, { outage }).reason).toBe(
      `the battery has 10 min left: ${drained ? 'pods have 90 s to terminate' : 'resuming where it stopped'}`,
    )
  })

  test.each<{
    state: Outage['nodes'][string]['state']
    stage: Outage['stage']
    what: 'told' | 'awaited' | 'left alone'
  }>([
    { state: 'up', stage: 'stopping', what: 'told' },
    { state: 'drained', stage: 'stopping', what: 'told' },
    { state: 'shutdown-sent', stage: 'stopping', what: 'awaited' },
    { state: 'unreached', stage: 'stopping', what: 'told' },
    { state: 'off', stage: 'stopping', what: 'left alone' },
    { state: 'abandoned', stage: 'stopping', what: 'left alone' },
    { state: 'wake-sent', stage: 'stopping', what: 'told' },
    { state: 'back', stage: 'stopping', what: 'told' },
    { state: 'unreached', stage: 'draining', what: 'told' },
    { state: 'unreached', stage: 'stopped', what: 'left alone' },
    { state: 'up', stage: 'stopped', what: 'told' },
    { state: 'shutdown-sent', stage: 'stopped', what: 'awaited' },
    { state: 'off', stage: 'stopped', what: 'left alone' },
    { state: 'abandoned', stage: 'stopped', what: 'left alone' },
  ])('a worker that is $state while the outage is $stage is $what', ({ state, stage, what }) => {
    for (const left of [600_000, 100_000, 0]) {
      const nodes: Outage['nodes'] = { ...fresh.nodes, 'w-1': { wasUp: true, state } }
      const lines = outline(plan(left, { outage: { ...fresh, stage, nodes } }).phases).join()
      expect([lines.includes('shut down w-1'), lines.includes('wait until w-1 is down')]).toEqual([
        what === 'told',
        what !== 'left alone',
      ])
    }
  })

  test('a machine that the record does not know is up', () => {
    expect(outline(plan(100_000, { outage: { ...fresh, nodes: {} } }).phases)).toEqual(outline(plan(100_000).phases))
  })

  test.each([600_000, 0])('with every node down there is nothing to do, with %d ms left', (left) => {
    const down = three.reduce((outage, { name }) => withNodeState(outage, name, 'off'), fresh)
    for (const stage of ['stopping', 'stopped'] as const)
      expect(names(left, { outage: { ...down, stage } })).toEqual([])
  })
})

describe('a phase that was carried out', () => {
  const names = (ms: number, ...done: PhaseId[]) =>
    wholeOf(ms, { carriedOut: new Set(done) }).phases.map(({ id }) => id)

  test('is not carried out again, whatever came of it', () => {
    expect(names(900_000, 'cordon', 'drain').slice(0, 2)).toEqual(['shut-down-workers', 'await-workers'])
    expect(names(900_000, 'cordon', 'drain', 'shut-down-workers')[0]).toBe('await-workers')
  })

  test('ends its tier, and those that hang hold up nobody', () => {
    const names = wholeOf(300_000, { carriedOut: new Set<PhaseId>(['shut-down-workers', 'await-workers']) }).phases
    expect(names.map(({ id }) => id)).not.toContain('shut-down-workers')
    expect(outline(names).join()).not.toContain('w-1')
  })

  test('that told everything leaves the NAS', () => {
    expect(names(40_000, 'shut-down-all')).toEqual(['await-all', 'shut-down-nas', 'await-nas'])
    expect(names(40_000, 'shut-down-all', 'await-all')).toEqual(['shut-down-nas', 'await-nas'])
    expect(names(300_000, 'shut-down-all', 'await-all')).toEqual(['shut-down-nas', 'await-nas'])
  })
})

describe('a UPS that is to switch its outlets off', () => {
  const cut = (beforeNas: boolean) => [{ ups: 'rack', command: 'shutdown.return', beforeNas }]
  const last = (ms: number, beforeNas: boolean, done: PhaseId[] = []) =>
    outline(wholeOf(ms, { cut: cut(beforeNas), carriedOut: new Set(done) }).phases).slice(-3)

  test.each([900_000, 200_000])('does so last of all with %d ms, when even the NAS is down', (left) => {
    expect(last(left, false)).toEqual([
      'shut-down-nas: shut down nas-1',
      'await-nas: wait until nas-1 is down',
      'cut-power: send shutdown.return to rack',
    ])
  })

  test.each([900_000, 200_000])('is told before the NAS goes whose upsd it needs, with %d ms', (left) => {
    expect(last(left, true)).toEqual([
      'cut-power: send shutdown.return to rack',
      'shut-down-nas: shut down nas-1',
      'await-nas: wait until nas-1 is down',
    ])
  })

  test('is told once', () => {
    expect(last(900_000, false, ['cut-power']).at(-1)).toBe('await-nas: wait until nas-1 is down')
  })

  test('is left alone where everything is told at once: machines may still run', () => {
    expect(last(30_000, false).join()).not.toContain('shutdown.return')
  })
})

describe('phases that were carried out', () => {
  const begun = { outage: { ...fresh, ...busy } }
  const drainOf = (ms: number, ...names: PhaseId[]) =>
    plan(ms, { ...begun, carriedOut: new Set(names) }).phases.find(({ id }) => id === 'drain')?.within

  test('give their time to the drain', () => {
    expect(drainOf(240_000)).toBe(35_000)
    expect(drainOf(239_000, 'cordon', 'scale-down', 'set-storage-flags')).toBe(59_000)
    expect(drainOf(209_000, 'cordon', 'scale-down', 'set-storage-flags')).toBe(29_000)
  })

  test('are not promised again', () => {
    const { reason } = plan(600_000, {
      ...begun,
      carriedOut: new Set<PhaseId>(['cordon', 'scale-down', 'set-storage-flags', 'drain']),
    })
    expect(reason).toBe('the battery has 10 min left: resuming where it stopped')
  })
})

describe('outlets that are switched off in the end', () => {
  const cut = [{ ups: 'rack', command: 'shutdown.return', beforeNas: true }]
  const off = {
    ...fresh,
    nodes: Object.fromEntries(three.map(({ name }) => [name, { wasUp: true, state: 'off' as const }])),
  }

  test('have their time', () => {
    const { phases } = plan(215_000, { cut })
    expect(phases.reduce((sum, { within }) => sum + within, 0)).toBeLessThanOrEqual(155_000)
    expect(phases.at(-1)?.id).toBe('cut-power')
  })

  test('are so at the end where no NAS goes down, and with everything down whatever is left', () => {
    for (const ms of [600_000, 30_000, 0])
      expect(plan(ms, { cut, outage: off }).phases.map(({ id }) => id)).toEqual(['cut-power'])
  })
})

test('tiers that get less are told their true share', () => {
  expect(plan(135_000).reason).toMatch(/ 63 % of their time$/)
})

describe('the machine that we run on', () => {
  const own = machineOf('w-0', 'own-machine')
  const machines = [...everyTier, own]
  const outage = recordOf(machines)

  test.each([900_000, 300_000, 30_000])('is told last with %d ms left, and nobody waits for it', (ms) => {
    const lines = outline(plan(ms, { machines, outage }).phases)
    expect(lines.at(-1)).toBe('shut-down-own-machine: shut down w-0')
    expect(lines.filter((line) => line.includes('w-0')).filter((line) => /drain|wait/.test(line))).toEqual([])
  })

  test.each([900_000, 30_000])('is told when all others were told at once, with %d ms left', (ms) => {
    const carriedOut = new Set<PhaseId>(['shut-down-all', 'await-all'])
    const told = withNodeState(outage, 'cp-1', 'shutdown-sent')
    const ids = plan(ms, { machines, outage: told, carriedOut }).phases.map(({ id }) => id)
    expect(ids).toEqual(['shut-down-nas', 'await-nas', 'shut-down-own-machine'])
  })

  test('takes no pods in, and outlets are switched off before it goes', () => {
    const cut = [{ ups: 'rack', command: 'shutdown.return', beforeNas: false }]
    const { phases } = plan(900_000, { machines, outage, cut })
    expect(outline(phases)[0]).toContain('cordon w-0')
    expect(phases.slice(-2).map(({ id }) => id)).toEqual(['cut-power', 'shut-down-own-machine'])
  })
})
