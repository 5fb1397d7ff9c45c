import { describe, expect, test } from 'vitest'
import type { PhaseId } from '../../../src/core/phase-id.ts'
import type { Machine } from '../../../src/core/power/machines.ts'
import { withNodeState } from '../../../src/core/power/outage.ts'
import { planShutdown, type ShutdownPolicy, type ShutdownSituation } from '../../../src/core/power/shutdown.ts'
import { everyTier, machineOf, now, recordOf, three } from './shutdowns.ts'

const policy: ShutdownPolicy = { drainTimeout: 90_000, reserve: 60_000 }

function plan(
  machines: readonly Machine[],
  ms: number,
  changed: Partial<ShutdownSituation> & Partial<ShutdownPolicy> = {},
) {
  const situation = { machines, outage: recordOf(machines), left: { ms, told: true }, now, ...changed }
  return planShutdown(situation, { ...policy, ...changed })
}
const idsOf = ({ phases }: ReturnType<typeof plan>) => phases.map(({ id }) => id)
const timesOf = ({ phases }: ReturnType<typeof plan>) => phases.map(({ id, within }) => [id, within])

describe('at the edge of what the battery has', () => {
  const [worker] = [machineOf('w-1', 'workers', 60_000)]
  const small = machineOf('w-1', 'workers', 4_000)

  test('a single machine without the time for its least is told at once', () => {
    expect(plan([worker], policy.reserve + 15_000).form).toBe('compressed')
    expect(plan([worker], policy.reserve + 14_999).form).toBe('short')
  })

  test('a machine that needs no more than the least gets all that it needs', () => {
    const { form, phases } = plan([small], policy.reserve + 4_000)
    expect(form).toBe('ordered')
    expect(phases.map(({ id, within }) => [id, within])).toEqual([
      ['shut-down-workers', 2_000],
      ['await-workers', 2_000],
    ])
  })

  test('with nothing to do nothing is short', () => {
    expect(plan([], 0)).toMatchObject({ form: 'ordered', phases: [] })
  })
})

describe('where pods are to get no time', () => {
  test('nodes are cordoned and not drained', () => {
    expect(idsOf(plan([machineOf('w-1', 'workers')], 600_000, { drainTimeout: 0 }))).toEqual([
      'cordon',
      'shut-down-workers',
      'await-workers',
    ])
  })

  test('nodes are not even cordoned where the battery has no time for that', () => {
    const ms = policy.reserve + 60_000 + 4_999
    expect(idsOf(plan([machineOf('w-1', 'workers')], ms, { drainTimeout: 0 }))[0]).toBe('shut-down-workers')
    expect(idsOf(plan([machineOf('w-1', 'workers')], ms + 1, { drainTimeout: 0 }))[0]).toBe('cordon')
  })
})

describe('what is drained', () => {
  test('is a single node too', () => {
    expect(idsOf(plan([machineOf('w-1', 'workers')], 600_000)).slice(0, 2)).toEqual(['cordon', 'drain'])
  })

  test('is not the machine that we run on, and where it is alone nothing is', () => {
    expect(idsOf(plan([machineOf('cp-1', 'own-machine')], 600_000))).toEqual(['cordon', 'shut-down-own-machine'])
  })

  test('is what is still up, although a worker is down already', () => {
    const outage = withNodeState(recordOf(three), 'w-1', 'off')
    const { phases } = plan(three, 600_000, { outage })
    const drained = phases.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'drain' ? [step.node] : [])))
    expect(drained).toEqual(['cp-1', 'w-2'])
  })

  test('is nothing any more once a control plane was told', () => {
    for (const state of ['shutdown-sent', 'unreached', 'off', 'abandoned'] as const) {
      const outage = withNodeState(recordOf(three), 'cp-1', state)
      expect([state, idsOf(plan(three, 600_000, { outage }))[0]]).toEqual([state, 'shut-down-workers'])
    }
  })
})

describe('a tier that has had its time', () => {
  const carriedOut = new Set<PhaseId>(['cordon', 'drain', 'shut-down-workers', 'await-workers'])

  test.for(['shutdown-sent', 'up', 'drained', 'unreached'] as const)(
    'takes none of what is left for the others, whatever its machines are on record as: %s',
    (state) => {
      const outage = ['w-1', 'w-2'].reduce((one, name) => withNodeState(one, name, state), recordOf(three))
      const next = plan(three, policy.reserve + 60_000, { outage, carriedOut })
      expect(next.form).toBe('ordered')
      expect(timesOf(next)).toEqual([
        ['shut-down-control-planes', 5_000],
        ['await-control-planes', 55_000],
      ])
    },
  )

  test('all at once is over for everybody but the NAS', () => {
    const outage = recordOf(everyTier)
    const next = plan(everyTier, 3_600_000, { outage, carriedOut: new Set(['shut-down-all', 'await-all']) })
    expect(idsOf(next)).toEqual(['shut-down-nas', 'await-nas'])
  })
})

test('of two UPSes one of which is read from the NAS both are told before that goes', () => {
  const cut = [
    { ups: 'rack', command: 'shutdown.return', beforeNas: true },
    { ups: 'shelf', command: 'shutdown.return', beforeNas: false },
  ]
  const ids = idsOf(plan(everyTier, 3_600_000, { cut }))
  expect(ids.slice(-3)).toEqual(['cut-power', 'shut-down-nas', 'await-nas'])
})
