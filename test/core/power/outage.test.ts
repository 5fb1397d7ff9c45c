import { describe, expect, test } from 'vitest'
import {
  beginOutage,
  missingNodes,
  type Outage,
  wentDown,
  withMachines,
  withNodeState,
  withoutDrains,
  withProofOfLife,
} from '../../../src/core/power/outage.ts'
import { outageOf } from './outages.ts'

const started = new Date('2026-03-01T02:00:00Z')
const fresh = outageOf(started, ['cp-1', 'w-1', 'w-2'], new Set(['cp-1', 'w-1']))

test('an outage begins with nothing told to shut down, and knows what ran before', () => {
  expect(fresh).toEqual({
    startedAt: '2026-03-01T02:00:00.000Z',
    reason: 'low-battery',
    stage: 'draining',
    nodes: {
      'cp-1': { wasUp: true, state: 'up' },
      'w-1': { wasUp: true, state: 'up' },
      'w-2': { wasUp: false, state: 'up' },
    },
  })
})

test.each<Outage['stage']>(['shedding', 'draining'])('an outage may begin %s, with no machine in it', (stage) => {
  expect(beginOutage(started, 'on-battery', stage)).toEqual({
    startedAt: '2026-03-01T02:00:00.000Z',
    reason: 'on-battery',
    stage,
    nodes: {},
  })
})

test('machines that join an outage leave those alone that are in it', () => {
  const down = withNodeState(fresh, 'w-1', 'shutdown-sent')
  const joined = withMachines(down, ['nas-1', 'pve-1'], new Set(['nas-1']))
  expect(joined.nodes).toEqual({
    ...down.nodes,
    'nas-1': { wasUp: true, state: 'up' },
    'pve-1': { wasUp: false, state: 'up' },
  })
  expect(joined.stage).toBe('stopping')
  expect(withMachines(down, ['w-1'], new Set(['w-1']), new Set()).nodes['w-1']).toEqual({
    wasUp: true,
    wasHealthy: false,
    state: 'shutdown-sent',
  })
})

test('when a machine came into its states is kept, each time the last', () => {
  const minute = (minutes: number) => new Date(started.getTime() + minutes * 60_000)
  const told = withNodeState(fresh, 'w-1', 'shutdown-sent', minute(1))
  const again = withNodeState(withNodeState(told, 'w-1', 'off', minute(2)), 'w-1', 'shutdown-sent', minute(5))
  expect(again.nodes['w-1']).toEqual({
    wasUp: true,
    state: 'shutdown-sent',
    at: { 'shutdown-sent': '2026-03-01T02:05:00.000Z', off: '2026-03-01T02:02:00.000Z' },
  })
  expect(withNodeState(again, 'w-1', 'abandoned').nodes['w-1']?.at).toEqual(again.nodes['w-1']?.at)
})

test('an outage knows too what was healthy, where that was looked at', () => {
  const seen = outageOf(started, ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']), new Set(['cp-1']))
  expect(seen.nodes).toEqual({
    'cp-1': { wasUp: true, wasHealthy: true, state: 'up' },
    'w-1': { wasUp: true, wasHealthy: false, state: 'up' },
  })
  expect(withNodeState(seen, 'w-1', 'off').nodes['w-1']).toEqual({ wasUp: true, wasHealthy: false, state: 'off' })
})

test('when all were told, and that upsd knows, outlives what becomes of a node', () => {
  const told: Outage = { ...fresh, stage: 'stopped', stoppedAt: '2026-03-01T02:03:00.000Z', loggedOut: true }
  expect(withNodeState(told, 'w-1', 'shutdown-sent')).toMatchObject({
    stage: 'stopping',
    stoppedAt: '2026-03-01T02:03:00.000Z',
    loggedOut: true,
  })
})

test.each<{ state: Outage['nodes'][string]['state']; stage: Outage['stage']; after: Outage['stage'] }>([
  { state: 'shutdown-sent', stage: 'shedding', after: 'stopping' },
  { state: 'shutdown-sent', stage: 'draining', after: 'stopping' },
  { state: 'drained', stage: 'draining', after: 'draining' },
  { state: 'up', stage: 'stopped', after: 'stopped' },
  { state: 'unreached', stage: 'draining', after: 'draining' },
  { state: 'unreached', stage: 'stopping', after: 'stopping' },
  { state: 'unreached', stage: 'stopped', after: 'stopped' },
  { state: 'shutdown-sent', stage: 'stopped', after: 'stopping' },
  { state: 'shutdown-sent', stage: 'waking', after: 'stopping' },
  { state: 'off', stage: 'stopping', after: 'stopping' },
  { state: 'abandoned', stage: 'stopping', after: 'stopping' },
  { state: 'wake-sent', stage: 'waking', after: 'waking' },
  { state: 'back', stage: 'waking', after: 'waking' },
])('a node that is $state makes an outage that was $stage $after', ({ state, stage, after }) => {
  const changed = withNodeState({ ...fresh, stage }, 'w-1', state)
  expect(changed.stage).toBe(after)
  expect(changed.nodes['w-1']).toEqual({ wasUp: true, state })
  expect(changed.nodes['cp-1']).toEqual(fresh.nodes['cp-1'])
  expect(fresh.nodes['w-1']?.state).toBe('up')
})

describe('a machine that proves to be up', () => {
  test('was up when it began, and nothing else of it changes', () => {
    const silent: Outage = {
      ...fresh,
      nodes: { ...fresh.nodes, 'w-1': { wasUp: false, wasHealthy: false, state: 'shutdown-sent' } },
    }
    expect(withProofOfLife(silent, 'w-1')).toEqual({
      ...fresh,
      nodes: { ...fresh.nodes, 'w-1': { wasUp: true, wasHealthy: false, state: 'shutdown-sent' } },
    })
  })

  test('is no news where that is known, or where the outage does not know it', () => {
    expect(withProofOfLife(fresh, 'w-1')).toBe(fresh)
    expect(withProofOfLife(fresh, 'w-9')).toBe(fresh)
  })
})

describe('once machines go down', () => {
  test('of those that are meant what is up counts as drained, and keeps what else is known of it', () => {
    const at = { up: '2026-03-01T02:01:00.000Z' }
    const begun: Outage = {
      ...fresh,
      nodes: {
        'cp-1': { wasUp: true, state: 'up' },
        'w-1': { wasUp: false, wasHealthy: false, state: 'up', at },
        'w-2': { wasUp: true, state: 'off' },
      },
    }
    expect(withoutDrains(begun, [{ name: 'w-1' }, { name: 'w-2' }, { name: 'w-9' }])).toEqual({
      ...begun,
      nodes: { ...begun.nodes, 'w-1': { wasUp: false, wasHealthy: false, state: 'drained', at } },
    })
    expect(Object.keys(withoutDrains(begun, [{ name: 'w-9' }]).nodes)).toEqual(['cp-1', 'w-1', 'w-2'])
  })

  test('nothing changes where none of them is up', () => {
    const off = withNodeState(fresh, 'w-1', 'off')
    expect(withoutDrains(off, [{ name: 'w-1' }])).toBe(off)
  })
})

test('a node that joined the configuration in the middle of an outage counts as one that ran', () => {
  expect(withNodeState(fresh, 'w-9', 'off').nodes['w-9']).toEqual({ wasUp: true, state: 'off' })
})

const inventory = ['cp-1', 'w-1', 'w-2'].map((name) => ({ name }))

test('a node that was taken out of the configuration is not waited for', () => {
  expect(missingNodes(fresh, [{ name: 'cp-1' }])).toEqual(['cp-1'])
})

test('a node that was off before the outage is not missed after it', () => {
  const off = ['cp-1', 'w-1', 'w-2'].reduce((outage, name) => withNodeState(outage, name, 'off'), fresh)
  expect(missingNodes(off, inventory)).toEqual(['cp-1', 'w-1'])
  expect(missingNodes(withNodeState(off, 'cp-1', 'back'), inventory)).toEqual(['w-1'])
})

test.each<[Outage['nodes'][string]['state'], boolean]>([
  ['up', true],
  ['drained', true],
  ['shutdown-sent', true],
  ['unreached', true],
  ['off', true],
  ['abandoned', true],
  ['wake-sent', true],
  ['back', false],
])('a node that ran before and is %s is missed: %s', (state, missed) => {
  expect(missingNodes(withNodeState(fresh, 'w-1', state), [{ name: 'w-1' }])).toEqual(missed ? ['w-1'] : [])
})

test.each<[Outage['stage'], boolean]>([
  ['shedding', false],
  ['draining', false],
  ['stopping', true],
  ['stopped', true],
  ['waking', true],
  ['over', true],
])('an outage that is %s has taken nodes down: %s', (stage, down) => {
  expect(wentDown({ ...fresh, stage })).toBe(down)
})
