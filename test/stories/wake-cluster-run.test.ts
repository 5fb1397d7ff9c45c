import { describe, expect, test } from 'vitest'
import { worker } from '../core/cluster/nodes.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { outage } from '../operations/begun.ts'
import { cp1, down, drained, w1, w2, wakes } from '../operations/ups.ts'
import { battery, mains, minute } from '../operations/wakes.ts'

// What a cluster is woken by, what ends that, and what is on record afterwards.

const three = [cp1, w1, w2]
const allDown = (more: object = {}) =>
  outage({ 'cp-1': 'off', 'w-1': 'off', 'w-2': 'off' }, { stage: 'stopped', ...more })
const at = '2026-05-01T03:00:00.000Z'
const inMs = (ms: number) => new Date(Date.parse(at) + ms)
const batch = { kind: 'Deployment', namespace: 'apps', name: 'batch', replicas: 3 } as const
const noout = { system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' } as const

describe('a cluster that was shut down', () => {
  test('is woken, and the outage is over', async () => {
    const ran = await wakes({ wakeNow: true })
    expect(ran.told).toEqual(['wake-machines: wake cp-1, wake w-1', 'log-in: log in to rack'])
    expect(ran.states).toEqual({ 'cp-1': 'back', 'w-1': 'back' })
    expect(ran.outage).toMatchObject({ stage: 'over', wokenAt: at, endedAt: at })
    expect(ran.outcome).toMatchObject({ kind: 'done' })
    expect(ran.events).toMatchObject([{ type: 'cluster.woken' }])
    expect(ran.lines).toEqual([])
  })

  test('is on record as being woken before anything is', async () => {
    const seen: unknown[] = []
    await wakes({
      during: { 'wake-machines': ({ outage: { stage, nodes } }) => seen.push(stage, nodes['w-1']!.state) },
    })
    expect(seen).toEqual(['waking', 'wake-sent'])
  })

  test('keeps the time at which mains power was back first', async () => {
    const { outage } = await wakes({ open: down({ stage: 'waking', wokenAt: '2026-05-01T02:55:00.000Z' }) })
    expect(outage!.wokenAt).toBe('2026-05-01T02:55:00.000Z')
  })

  test('logs in to the UPSes that are on mains alone', async () => {
    const { told } = await wakes({ power: powerOf({ rack: mains(minute), shelf: battery() }) })
    expect(told.at(-1)).toBe('log-in: log in to rack')
  })

  test('waits for a machine that did not come, and says what to do', async () => {
    const ran = await wakes({ fails: ['wake w-1'] })
    expect(ran.states).toEqual({ 'cp-1': 'back', 'w-1': 'wake-sent' })
    const reason = 'w-1 did not come back: press its power button'
    expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(minute) })
    expect(ran.lines).toContain(`outage.recovery: ${reason}`)
    expect(ran.outage!.stage).toBe('waking')
    expect(ran.events).toEqual([])
  })

  test.each([
    { name: 'hangs', node: { talos: { stage: 'shutting down' } }, is: /^w-1 hangs while shutting down: press/ },
    { name: 'is up', node: {}, is: /^w-1 is up and / },
  ] as const)('says that a machine $name', async ({ node, is }) => {
    const ran = await wakes({ fails: ['wake w-1'], nodes: [worker('w-1', node)] })
    expect(ran.outcome).toMatchObject({ kind: 'later', reason: expect.stringMatching(is) as string })
  })
})

describe('where only some machines have power again', () => {
  test('those are woken, and the others are waited for without an alert', async () => {
    const power = powerOf({ rack: mains(minute), shelf: battery() })
    const ran = await wakes({ machines: three, open: allDown(), power })
    expect(ran.told[0]).toBe('wake-machines: wake cp-1, wake w-1')
    expect(ran.states).toEqual({ 'cp-1': 'back', 'w-1': 'back', 'w-2': 'off' })
    expect(ran.outcome).toMatchObject({ kind: 'later' })
    expect(ran.lines.filter((line) => line.startsWith('outage.recovery'))).toEqual([])
    expect(ran.outage!.stage).toBe('waking')
  })

  test('the outage is no recovery while others still go down', async () => {
    const power = powerOf({ rack: mains(minute), shelf: stateOf('low-battery') })
    const open = outage({ 'cp-1': 'off', 'w-1': 'off', 'w-2': 'shutdown-sent' }, { stage: 'stopping' })
    const ran = await wakes({ machines: three, open, power })
    expect(ran.phases).toContain('wake-machines')
    expect([ran.outage!.stage, ran.outage!.wokenAt]).toEqual(['stopping', undefined])
  })

  test('what was undone for those does not end it', async () => {
    const power = powerOf({ rack: mains(0), shelf: stateOf('low-battery') })
    const open = outage({ 'cp-1': 'drained', 'w-1': 'drained', 'w-2': 'up' })
    const ran = await wakes({ machines: three, open, power })
    expect(ran.states).toEqual({ 'cp-1': 'back', 'w-1': 'back', 'w-2': 'up' })
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'other machines still have no power', at: inMs(5_000) })
  })

  test('more of them end the wait for what does not come, and go on at once', async () => {
    const ran = await wakes({
      machines: three,
      open: allDown(),
      power: powerOf({ rack: mains(minute), shelf: battery() }),
      during: { 'wake-machines': ({ reads }) => reads('shelf', mains(minute)) },
    })
    expect(ran.phases).toEqual(['wake-machines, cut short'])
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'more machines have power again', at: inMs(0) })
  })
})

describe('mains power that fails again', () => {
  test.each([
    { name: 'to a battery', state: battery() },
    { name: 'to one that is low', state: stateOf('low-battery') },
  ])('ends the waking: $name', async ({ state }) => {
    const ran = await wakes({ during: { 'wake-machines': ({ reads }) => reads('rack', state) } })
    expect(ran.phases).toEqual(['wake-machines, cut short'])
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'mains power failed again', at: inMs(5_000) })
    expect(ran.states).toEqual({ 'cp-1': 'wake-sent', 'w-1': 'wake-sent' })
    expect(ran.outage!.stage).toBe('waking')
  })

  test('to a battery ends no undoing where nothing went down', async () => {
    const ran = await wakes({ open: drained(), during: { uncordon: ({ reads }) => reads('rack', battery()) } })
    expect(ran.phases).toEqual(['uncordon', 'log-in'])
  })

  test('ends the undoing where the machines go down now', async () => {
    const during = { uncordon: ({ reads }: Scene) => reads('rack', stateOf('low-battery')) }
    const ran = await wakes({ open: drained(), during })
    expect(ran.phases).toEqual(['uncordon, cut short'])
    expect(ran.outcome).toMatchObject({ kind: 'later', reason: 'mains power failed again' })
    expect(ran.states).toEqual({ 'cp-1': 'up', 'w-1': 'drained' })
  })

  test('of machines that are not woken here ends nothing', async () => {
    const ran = await wakes({
      machines: three,
      open: allDown(),
      power: powerOf({ rack: mains(minute), shelf: battery() }),
      during: { 'wake-machines': ({ reads }) => reads('shelf', stateOf('low-battery')) },
    })
    expect(ran.phases).toEqual(['wake-machines', 'log-in'])
  })
})

type Scene = Parameters<NonNullable<NonNullable<Parameters<typeof wakes>[0]>['during']>['uncordon'] & {}>[0]

describe('what was done before anything went down', () => {
  test('is undone, and nothing is woken', async () => {
    const ran = await wakes({ open: drained({ scaled: [batch] }), power: powerOf({ rack: mains(0) }) })
    expect(ran.told).toEqual([
      'uncordon: uncordon cp-1, uncordon w-1',
      'log-in: log in to rack',
      'scale-up: scale apps/batch to 3',
    ])
    expect(ran.states).toEqual({ 'cp-1': 'back', 'w-1': 'back' })
    expect(ran.outage!.wokenAt).toBeUndefined()
    expect(ran.outage!.stage).toBe('over')
  })

  test.each(['uncordon w-1', 'scale apps/batch to 3', 'set ceph noout to unset'])(
    'is not over while one of it failed: %s',
    async (step) => {
      const ran = await wakes({ open: drained({ scaled: [batch], storage: [noout] }), fails: [step] })
      const reason = 'not everything is undone yet'
      expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(minute) })
      expect(ran.states).toEqual({ 'cp-1': 'up', 'w-1': 'drained' })
      expect([ran.outage!.stage, ran.lines]).toEqual(['draining', [`outage.recovery: ${reason}`]])
    },
  )
})

describe('storage that does not become whole', () => {
  test('holds nothing up for ever, and is looked at again', async () => {
    const ran = await wakes({ open: down({ storage: [noout] }), fails: ['wait until storage is healthy'] })
    expect(ran.told.at(-1)).toBe('restore-storage-flags: set ceph noout to unset')
    expect(ran.outage).toMatchObject({ stage: 'over', storageGivenUp: true })
    expect(ran.lines).toEqual([expect.stringMatching(/^storage\.recovery: .*no answer$/)])
    const reason = expect.stringContaining('storage is not whole yet') as string
    expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(minute) })
  })

  test('is not told where it is whole', async () => {
    const ran = await wakes({ open: down({ storage: [noout] }) })
    expect(ran.lines).toEqual([])
    expect(ran.outage!.storageGivenUp).toBeUndefined()
    expect(ran.outcome).toMatchObject({ kind: 'done' })
  })
})

describe('an outage that was made anew', () => {
  test.each([
    { name: 'looks again where workloads are still to be looked at', more: {}, is: { kind: 'later', at: inMs(0) } },
    { name: 'is over where they were looked at', more: { scaled: [] }, is: { kind: 'done' } },
    { name: 'is over where another was recorded', more: { reason: 'low-battery' }, is: { kind: 'done' } },
  ] as const)('$name', async ({ more, is }) => {
    const ran = await wakes({ open: down({ reason: 'restored', ...more }) })
    expect(ran.outage!.stage).toBe('over')
    expect(ran.outcome).toMatchObject(is)
  })
})

describe('where the journal was lost before the outage', () => {
  const states = { 'cp-1': 'off', 'w-1': { wasUp: false, state: 'off' } } as const
  test('the mark on a machine that was off by then stays, as all that tells of the other', async () => {
    const ran = await wakes({ open: outage(states, { stage: 'stopped' }), isLost: true })
    expect(ran.told).toEqual(['wake-machines: wake cp-1', 'log-in: log in to rack'])
    expect(ran.outcome).toMatchObject({ kind: 'later', at: inMs(0) })
  })

  test.each([
    { name: 'where the outage was made anew from those marks', lost: { isLost: true }, reason: 'restored' },
    { name: 'where nothing was lost', lost: {}, reason: 'low-battery' },
  ] as const)('it is taken off $name', async ({ lost, reason }) => {
    const ran = await wakes({ open: outage(states, { stage: 'stopped', reason }), ...lost })
    expect(ran.told).toContain('uncordon: uncordon w-1')
  })
})
