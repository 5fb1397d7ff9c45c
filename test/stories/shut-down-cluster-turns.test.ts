import { describe, expect, test } from 'vitest'
import type { PowerState } from '../../src/core/power/state.ts'
import { AgentError } from '../../src/core/errors.ts'
import { worker } from '../core/cluster/nodes.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf } from '../core/power/states.ts'
import { battery, cp1, low, mains, minute, nas, outage, s1, second, shutsDown, w1, w2 } from '../operations/downs.ts'

// What a shutdown does from phase to phase, and what makes it turn round.

const workers = ['shut-down-workers', 'await-workers']
const whole = ['cordon', 'drain', ...workers, 'shut-down-control-planes', 'await-control-planes', 'log-out']
const watching = 'shutdown requested for every machine; waiting for power to return'
const saidIn = ({ journal }: Awaited<ReturnType<typeof shutsDown>>) =>
  journal
    .entries(50)
    .map(({ text }) => text)
    .toReversed()

describe('mains power that seems to be back', () => {
  const returning = low(20 * minute, { mainsSince: 99_000 })
  const power = () => powerOf({ rack: returning })

  test('begins nothing until it has lasted, and then nothing at all', async () => {
    const ran = await shutsDown({ power: power(), watched: ({ reads }) => reads('rack', mains) })
    expect(ran.phases).toEqual([])
    expect(ran.outcome).toEqual({ kind: 'done', summary: 'power is back before anything went down' })
    expect(ran.outage!.stage).toBe('draining')
  })

  test('holds up what is left of a shutdown, and not what is under way', async () => {
    const ran = await shutsDown({
      during: { 'shut-down-workers': ({ reads }) => reads('rack', returning) },
      watched: ({ reads }) => reads('rack', mains),
    })
    expect(ran.phases).toEqual(['cordon', 'drain', 'shut-down-workers'])
    expect(ran.outcome).toEqual({ kind: 'done', summary: 'power is back: no more machines go down' })
    expect(ran.states).toEqual({ 'cp-1': 'drained', 'w-1': 'shutdown-sent' })
  })

  test('that fails again is waited for no longer', async () => {
    const ran = await shutsDown({ power: power(), watched: ({ reads }) => reads('rack', low()) })
    expect(ran.phases).toEqual(whole)
  })
})

describe('power that is back', () => {
  test('cuts a drain short, and no machine goes down', async () => {
    const ran = await shutsDown({ during: { drain: ({ reads }) => reads('rack', mains) } })
    expect(ran.phases).toEqual(['cordon', 'drain, cut short'])
    expect(ran.outcome).toEqual({ kind: 'done', summary: 'power is back before anything went down' })
    expect(ran.states).toEqual({ 'cp-1': 'up', 'w-1': 'up' })
  })

  test('stops the shutdown between two tiers', async () => {
    const ran = await shutsDown({ during: { 'await-workers': ({ reads }) => reads('rack', mains) } })
    expect(ran.phases.slice(2)).toEqual(workers)
    expect(ran.outcome).toEqual({ kind: 'done', summary: 'power is back: no more machines go down' })
    expect(ran.events).toEqual([])
  })

  test.each<{ name: string; state: PowerState; shelf?: PowerState; is: string; open?: ReturnType<typeof outage> }>([
    { name: 'on battery', state: battery, is: 'the shutdown was cancelled before anything went down' },
    { name: 'on mains', state: mains, is: 'power is back before anything went down' },
    { name: 'on mains, another UPS on battery', state: mains, shelf: battery, is: 'the shutdown was cancelled' },
    {
      name: 'on mains, of what a person has ordered',
      state: mains,
      open: outage({ 'cp-1': 'up', 'w-1': 'up' }, { reason: 'ordered' }),
      is: 'the shutdown was cancelled before anything went down',
    },
  ])('is told: $name', async ({ state, shelf = mains, open, is }) => {
    const power = powerOf({ rack: low(), shelf })
    const during = { drain: ({ reads }: { reads(ups: string, state: PowerState): void }) => reads('rack', state) }
    const { outcome } = await shutsDown({ power, during, ...(open ? { open } : {}) })
    expect(outcome).toMatchObject({ kind: 'done', summary: expect.stringContaining(is) as string })
  })
})

describe('a battery that has no time left for it', () => {
  // The later phases need two minutes and ten seconds, and the drain as much as it gets.
  const lasts = 10 * minute
  const leaves = 2 * minute + 10 * second

  test.each([
    { name: 'cuts a drain short', passes: lasts - leaves + 1, drain: 'drain, cut short' },
    { name: 'leaves a drain alone to the last moment', passes: lasts - leaves, drain: 'drain' },
  ])('$name', async ({ passes, drain }) => {
    const ran = await shutsDown({
      power: powerOf({ rack: low(lasts) }),
      during: { drain: (scene) => scene.passes(passes) },
    })
    expect(ran.phases.slice(0, 2)).toEqual(['cordon', drain])
    expect(ran.phases.slice(2)).toEqual(whole.slice(2))
  })

  test('ends the wait for a tier, and the next one goes', async () => {
    const ran = await shutsDown({ during: { 'await-workers': ({ passes }) => passes(19 * minute + 50 * second) } })
    expect(ran.phases).toContain('await-workers, cut short')
    expect(ran.phases.at(-2)).toBe('await-all')
    expect(ran.states).toMatchObject({ 'cp-1': 'off' })
  })

  test('is written to the journal once for each form', async () => {
    const ran = await shutsDown({ during: { 'await-workers': ({ passes }) => passes(19 * minute + 50 * second) } })
    const said = saidIn(ran).filter((text) => text.startsWith('the battery has'))
    expect(said.map((text) => text.replace(/^.*?: /, '').replace(/ \d.*/, ''))).toEqual([
      'pods have',
      'resuming where it stopped',
      'all machines are shut down at once',
    ])
  })
})

describe('what can be scaled down', () => {
  const batch = { kind: 'Deployment', namespace: 'apps', name: 'batch', replicas: 3 } as const
  const policy = { shed: [{ namespace: 'apps' }] }

  test('is waited for once nodes are cordoned, and scaled down before the drain', async () => {
    const found = Promise.withResolvers<readonly (typeof batch)[]>()
    const kubernetes = { scalable: () => found.promise }
    const ran = await shutsDown({ policy, kubernetes, after: { cordon: () => found.resolve([batch]) } })
    expect(ran.phases.slice(0, 3)).toEqual(['cordon', 'scale-down', 'drain'])
  })

  test('is looked for again with the machines whose power fails meanwhile', async () => {
    const second = Promise.withResolvers<readonly (typeof batch)[]>()
    const answers = [Promise.reject(new AgentError('unreachable', 'no answer')), second.promise]
    answers[0]!.catch(() => {})
    let cordons = 0
    const ran = await shutsDown({
      policy,
      machines: [cp1, w1, s1],
      power: powerOf({ rack: low(), shelf: mains }),
      kubernetes: { scalable: () => answers.shift()! },
      during: { drain: ({ reads }) => reads('shelf', low()) },
      after: { cordon: () => void ((cordons += 1) === 2 && second.resolve([batch])) },
    })
    expect(ran.phases.slice(0, 5)).toEqual(['cordon', 'drain, cut short', 'cordon', 'scale-down', 'drain'])
  })

  test('holds up no order to shut down', async () => {
    const ends: string[] = []
    const scalable = async (_: unknown, signal: AbortSignal) =>
      abortOf(signal).catch((error: Error) => {
        ends.push(error.message)
        throw error
      })
    const own = machineOf('w-2', 'own-machine', minute, { feed: w2.feed })
    const power = powerOf({ rack: low(30 * second) })
    const ran = await shutsDown({ policy, kubernetes: { scalable }, machines: [w1, own], power })
    expect(ran.phases).toEqual(['shut-down-all', 'await-all', 'log-out', 'shut-down-own-machine'])
    // It was not waited for until it gave up.
    expect(ends).toEqual(['the observation is over'])
  })
})

function abortOf(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason as Error))
  return promise
}

describe('machines whose power fails meanwhile', () => {
  test('are drained, and go with the others', async () => {
    const ran = await shutsDown({
      machines: [cp1, w1, s1],
      power: powerOf({ rack: low(), shelf: mains }),
      during: { drain: ({ reads }) => reads('shelf', low()) },
    })
    expect(ran.phases).toEqual(['cordon', 'drain, cut short', ...whole])
    expect(ran.told.at(-5)).toBe('shut-down-workers: shut down w-1, shut down s-1')
    expect(ran.states).toEqual({ 'cp-1': 'off', 'w-1': 'off', 's-1': 'off' })
  })
})

describe('the end', () => {
  test('is when every shutdown was requested', async () => {
    const ran = await shutsDown()
    expect(ran.phases).toEqual(whole)
    expect(ran.outcome).toMatchObject({ kind: 'later', reason: watching })
    expect(ran.outage).toMatchObject({ stage: 'stopped', stoppedAt: '2026-05-01T03:00:00.000Z', loggedOut: true })
    expect(ran.events).toEqual([{ type: 'cluster.stopped' }])
    expect(saidIn(ran)[0]).toMatch(/^shutting down because the battery is low/)
  })

  test('is told once: not of a machine that booted, and is shut down again', async () => {
    const open = outage({ 'cp-1': 'off', 'w-1': 'off' }, { stage: 'stopped', stoppedAt: '2026-05-01T02:50:00.000Z' })
    const ran = await shutsDown({ open, nodes: [worker('w-1')] })
    expect(ran.told).toContain('shut-down-workers: shut down w-1')
    expect(ran.outage).toMatchObject({ stage: 'stopped', stoppedAt: '2026-05-01T02:50:00.000Z' })
    expect(ran.events).toEqual([])
    expect(saidIn(ran).some((text) => text.startsWith('shutting down'))).toBe(false)
  })

  test('comes after the first look, which may say who is to be woken', async () => {
    const ran = await shutsDown({
      machines: [w1],
      recently: [],
      nodes: [worker('w-1')],
      isSlow: true,
      fails: ['shut down w-1'],
      after: { 'await-workers': ({ see }) => see() },
    })
    expect(ran.outage!.nodes['w-1']).toMatchObject({ wasUp: true, state: 'unreached' })
    expect(ran.lines).toEqual([expect.stringMatching(/^outage\.unreached: w-1 could not be shut down/)])
  })

  test('is that of our own machine, which is waited for by nobody', async () => {
    const own = machineOf('w-2', 'own-machine', minute, { feed: w2.feed })
    const ran = await shutsDown({ machines: [cp1, w1, own] })
    expect(ran.phases).toEqual([...whole, 'shut-down-own-machine'])
    expect(ran.states).toMatchObject({ 'w-2': 'shutdown-sent' })
    expect(ran.events).toEqual([{ type: 'cluster.stopped' }])
  })

  test('names who still runs', async () => {
    const fails = ['wait until w-1 is down', 'shut down nas']
    const ran = await shutsDown({ machines: [cp1, w1, nas], fails })
    expect(ran.states).toEqual({ 'cp-1': 'off', 'w-1': 'abandoned', nas: 'unreached' })
    expect(ran.lines).toEqual([
      'outage.abandoned: w-1 did not shut down in time',
      expect.stringMatching(/^outage\.unreached: nas could not be shut down/),
    ])
  })

  test('begins nothing where no power fails', async () => {
    const ran = await shutsDown({ power: powerOf({ rack: mains }) })
    expect([ran.phases, ran.outcome, ran.outage]).toEqual([
      [],
      { kind: 'done', summary: 'no UPS is critical' },
      undefined,
    ])
  })
})
