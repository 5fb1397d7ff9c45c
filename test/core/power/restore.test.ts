import { describe, expect, test } from 'vitest'
import type { CordonMark, KubernetesFacts } from '../../../src/core/cluster/cluster.ts'
import type { Machine, Tier } from '../../../src/core/power/machines.ts'
import { leftOff, restoreBlindly, restoreOutage, type Sight } from '../../../src/core/power/restore.ts'
import { wellInKubernetes } from '../cluster/nodes.ts'

const cordonedAt = Date.parse('2026-11-26T10:00:00Z')
const now = new Date('2026-11-26T12:00:00Z')
const minute = 60_000
const mark: CordonMark = { why: 'power', at: '2026-11-26T10:00:00.000Z' }

function seen(
  name: string,
  tier: Tier,
  more: { isUp?: boolean; cordon?: CordonMark; notReadySince?: number } = {},
): Sight {
  const machine: Machine = {
    name,
    tier,
    kind: tier === 'nas' || tier === 'hosts' ? 'host' : 'node',
    feed: undefined,
    stops: minute,
    hasMac: true,
    powerOnAfter: undefined,
  }
  const { isUp = false, cordon, notReadySince } = more
  if (machine.kind === 'host') return { machine, isUp }
  const kubernetes: KubernetesFacts = {
    ...wellInKubernetes,
    ready: isUp,
    ...(notReadySince === undefined ? {} : { notReadySince }),
    unschedulable: cordon !== undefined,
    cordon,
  }
  return { machine, isUp, kubernetes }
}

const controlPlane = seen('cp-1', 'control-planes', { isUp: true, cordon: mark })
const restore = (...machines: readonly Sight[]) =>
  restoreOutage({ machines: [controlPlane, ...machines], scaled: [] }, now)
const woken = (...machines: readonly Sight[]) =>
  Object.entries(restore(...machines)?.nodes ?? {}).flatMap(([name, { wasUp, state }]) =>
    wasUp && state === 'off' ? [name] : [],
  )

describe('a node with our mark that is off', () => {
  test.each([
    { when: 'until we cordoned it was Ready', notReadySince: cordonedAt + minute, isWoken: true },
    { when: 'had fallen silent just before', notReadySince: cordonedAt - 10 * minute, isWoken: true },
    { when: 'had been off for a day', notReadySince: cordonedAt - 24 * 60 * minute, isWoken: false },
    { when: 'was never heard of', notReadySince: undefined, isWoken: false },
  ])('and $when: woken is $isWoken', ({ notReadySince, isWoken }) => {
    const worker = seen('w-1', 'workers', { cordon: mark, ...(notReadySince === undefined ? {} : { notReadySince }) })
    expect(woken(worker)).toEqual(isWoken ? ['w-1'] : [])
  })

  test('is woken after a NAS that is off, and no other host', () => {
    const worker = seen('w-1', 'workers', { cordon: mark, notReadySince: cordonedAt + minute })
    const machines = [worker, seen('nas', 'nas'), seen('pi', 'hosts')]
    const found = restore(...machines)
    expect(Object.keys(found!.nodes)).toEqual(['cp-1', 'w-1', 'nas'])
    expect(leftOff(machines, found)).toEqual({ unmarked: ['pi'], ordered: [] })
    expect(found).toMatchObject({ startedAt: mark.at, reason: 'restored', stage: 'stopped' })
  })

  test('and of a NAS that is off, and that nothing of the rest has woken, a person is told', () => {
    const scaled = [{ kind: 'Deployment', namespace: 'media', name: 'films', replicas: 2 }] as const
    const machines = [controlPlane, seen('nas', 'nas')]
    const found = restoreOutage({ machines, scaled }, now)
    expect(leftOff(machines, found)).toEqual({ unmarked: ['nas'], ordered: [] })
  })

  test('stays off where a person had ordered that', () => {
    const cordon: CordonMark = { ...mark, ordered: true }
    const worker = seen('w-1', 'workers', { cordon, notReadySince: cordonedAt + minute })
    expect(restore(worker)).toBeUndefined()
    expect(leftOff([worker])).toEqual({ unmarked: [], ordered: ['w-1'] })
  })

  test('and was off long before a person ordered everything down was not shut down by that, and a person is told', () => {
    const cordon: CordonMark = { ...mark, ordered: true }
    const off = seen('off-1', 'workers', { cordon, notReadySince: cordonedAt - 24 * 60 * minute })
    expect(leftOff([off])).toEqual({ unmarked: ['off-1'], ordered: [] })
  })

  test.each([
    { clock: 'decades behind', at: '1976-11-26T10:00:00.000Z' },
    { clock: 'five hours ahead', at: '2026-11-26T15:00:00.000Z' },
  ])('and was cordoned by a clock $clock is not woken by that, and a person is told of it', ({ at }) => {
    const worker = seen('w-1', 'workers', { cordon: { why: 'power', at }, notReadySince: cordonedAt })
    expect(woken(worker)).toEqual([])
    expect(leftOff([worker])).toEqual({ unmarked: ['w-1'], ordered: [] })
  })
})

test('a node that Kubernetes does not know, or that has no mark, is off by nobody’s order, and a person is told', () => {
  const { kubernetes: _, ...unknown } = seen('w-1', 'workers')
  const unmarked = seen('w-2', 'workers')
  expect(restore(unknown, unmarked)).toBeUndefined()
  expect(leftOff([unknown, unmarked])).toEqual({ unmarked: ['w-1', 'w-2'], ordered: [] })
})

test('a node that somebody else has cordoned, or nobody, is never woken', () => {
  expect(restore(seen('w-1', 'workers', { notReadySince: cordonedAt + minute }))).toBeUndefined()
})

test('a node in the middle of its upgrade is woken with others of the same outage, and not without them', () => {
  const upgrading = seen('w-1', 'workers', { cordon: { why: 'upgrade', at: mark.at }, notReadySince: cordonedAt })
  expect(woken(upgrading)).toEqual(['w-1'])
  expect(restoreOutage({ machines: [upgrading], scaled: [] }, now)).toBeUndefined()
})

test.each(['nonsense', '2106-02-07T06:28:15.000Z', '1970-01-01T00:00:00.000Z'])(
  'a mark of the time %s begins no outage then',
  (at) => {
    const worker = seen('w-1', 'workers', { cordon: { why: 'power', at }, isUp: true })
    const scaled = [{ kind: 'Deployment', namespace: 'media', name: 'films', replicas: 2 }] as const
    expect(restoreOutage({ machines: [worker], scaled }, now)?.startedAt).toBe(now.toISOString())
  },
)

describe('the record that is made anew', () => {
  const scaled = [{ kind: 'Deployment', namespace: 'media', name: 'films', replicas: 2 }] as const
  const off = { cordon: mark, notReadySince: cordonedAt + minute }

  test('has what is up as drained, and what is down as off and to be woken', () => {
    const machines = [controlPlane, seen('w-1', 'workers', off), seen('nas', 'nas', { isUp: true })]
    const found = restoreOutage({ machines, scaled }, now)
    expect(found).toEqual({
      startedAt: mark.at,
      reason: 'restored',
      stage: 'stopped',
      nodes: { 'cp-1': { wasUp: true, state: 'drained' }, 'w-1': { wasUp: true, state: 'off' } },
      scaled,
    })
  })

  test('only scales up where nothing is to be woken', () => {
    const long = seen('w-1', 'workers', { cordon: mark, notReadySince: cordonedAt - 24 * 60 * minute })
    expect(restoreOutage({ machines: [controlPlane, long], scaled }, now)).toMatchObject({
      stage: 'draining',
      nodes: { 'cp-1': { wasUp: true, state: 'drained' }, 'w-1': { wasUp: false, state: 'off' } },
      scaled,
    })
  })

  test('scales nothing up while a person keeps one of the nodes down', () => {
    const ordered = seen('w-1', 'workers', { ...off, cordon: { ...mark, ordered: true } })
    expect(restoreOutage({ machines: [controlPlane, ordered], scaled }, now)).toBeUndefined()
    expect(restoreOutage({ machines: [ordered, seen('w-2', 'workers', off)], scaled }, now)).not.toHaveProperty(
      'scaled',
    )
  })

  test('leaves open what is scaled down where Kubernetes does not tell', () => {
    const unknown = { scaled: undefined }
    expect(restoreOutage({ machines: [controlPlane], ...unknown }, now)).toBeUndefined()
    const found = restoreOutage({ machines: [controlPlane, seen('w-1', 'workers', off)], ...unknown }, now)
    expect(found?.nodes['w-1']).toEqual({ wasUp: true, state: 'off' })
    expect(found).not.toHaveProperty('scaled')
  })

  test('begins with the earliest mark', () => {
    const later = seen('w-1', 'workers', { cordon: { why: 'power', at: '2026-11-26T10:30:00.000Z' }, isUp: true })
    expect(restoreOutage({ machines: [later, controlPlane], scaled }, now)?.startedAt).toBe(mark.at)
    expect(restoreOutage({ machines: [controlPlane, later], scaled }, now)?.startedAt).toBe(mark.at)
  })

  test('wakes a node that is silent and still Ready in Kubernetes', () => {
    const { machine, kubernetes } = seen('w-1', 'workers', { cordon: mark })
    expect(woken({ machine, isUp: false, kubernetes: { ...kubernetes!, ready: true } })).toEqual(['w-1'])
  })
})

test('of what is up, and of a node in the middle of its upgrade, nobody is told', () => {
  const ordered = { ...mark, ordered: true } as const
  const upgrading = { cordon: { why: 'upgrade', at: mark.at } } as const
  const machines = [
    seen('w-1', 'workers', { isUp: true }),
    seen('w-2', 'workers', { isUp: true, cordon: ordered }),
    seen('w-3', 'workers', upgrading),
    seen('nas', 'nas', { isUp: true }),
  ]
  expect(leftOff(machines)).toEqual({ unmarked: [], ordered: [] })
})

test('blindly nothing is expected of what is woken, and what is up is left alone', () => {
  const machines = [seen('cp-1', 'control-planes'), seen('nas', 'nas', { isUp: true })]
  expect(restoreBlindly(machines, now)).toEqual({
    startedAt: now.toISOString(),
    reason: 'restored',
    stage: 'stopped',
    nodes: { 'cp-1': { wasUp: true, wasHealthy: false, state: 'off' } },
  })
})

test('blindly control planes are woken and the NAS, and only where none of them answers', () => {
  const off = [seen('cp-1', 'control-planes'), seen('w-1', 'workers'), seen('nas', 'nas'), seen('pi', 'hosts')]
  expect(Object.keys(restoreBlindly(off, now)!.nodes)).toEqual(['nas', 'cp-1'])
  expect(restoreBlindly([...off, seen('cp-2', 'control-planes', { isUp: true })], now)).toBeUndefined()
  expect(restoreBlindly([seen('w-1', 'workers')], now)).toBeUndefined()
})
