import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { withNodeState } from '../../src/core/power/outage.ts'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { waitFor } from '../lab/daemon.ts'
import { low, onBattery, online, three, two } from '../fakes/stories.ts'
import { outageOf } from '../core/power/outages.ts'

const hour = 3_600_000

const entries = (homelab: FakeHomelab, verb: string) =>
  homelab.diary.filter((entry) => entry.startsWith(`${verb} `)).map((entry) => entry.slice(verb.length + 1))
const texts = (homelab: FakeHomelab) => homelab.ports.journal.entries(10_000).map(({ text }) => text)
const stage = (homelab: FakeHomelab) => homelab.ports.journal.outages(1)[0]?.stage
const upIn = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)
const bootAll = (homelab: FakeHomelab) => {
  for (const machine of homelab.machines.values()) Object.assign(machine, { up: true, stage: 'running' })
}

test('a UPS that is silent on mains for a week is said once, and once more when it is heard again', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  for (let passed = 0; passed < 7 * 24; passed++) await it.silent(hour)
  await it.reads(online)
  await it.agent.idle()
  expect(texts(homelab).filter((text) => /silent|guard|again/.test(text))).toEqual([
    'ups answers again',
    'settled: ups is silent, and the power is not guarded: the UPS does not answer',
    'ups is silent',
    'ups is silent, and the power is not guarded: the UPS does not answer. Check the UPS, its cable, and upsd on its server',
  ])
})

test('an upsd that answers and has no data for hours is no guard either', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  for (let passed = 0; passed < 3; passed++) await it.reads({ status: ['WAIT'] }, hour)
  expect(texts(homelab).join()).toContain('the power is not guarded: the UPS server has no data')
})

test('a job that fails for the same reason again and again is one alert', async () => {
  const homelab = fakeHomelab(two)
  homelab.ports.factory.versions = async () => {
    throw new AgentError('unreachable', 'the Factory does not answer')
  }
  await using it = startAgent(homelab)
  for (let run = 0; run < 5; run++) await it.run('watch-releases').catch(() => {})
  expect(texts(homelab).filter((text) => text === 'watch-releases failed: the Factory does not answer')).toHaveLength(1)
})

test('nodes that a person boots after an outage are left alone while the UPS says nothing', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { shutdownTimeout: '20ms' } })
  await it.reads(online)
  await it.reads(low)
  await waitFor('every node to be told', 5_000, () => stage(homelab) === 'stopped')
  for (let passed = 0; passed < 24; passed++) await it.silent(hour)
  homelab.diary.length = 0
  bootAll(homelab)
  await waitFor('the agent to say so', 5_000, () => texts(homelab).some((text) => text.includes('left alone')))
  expect(entries(homelab, 'shut-down')).toEqual([])
})

test('an agent that starts after a blackout, before the UPS server does, shuts nothing down', async () => {
  const homelab = fakeHomelab(two)
  {
    await using first = startAgent(homelab)
    await first.reads(online)
    await first.reads(low)
    await waitFor('every node to be told', 5_000, () => stage(homelab) === 'stopped')
  }
  bootAll(homelab)
  homelab.diary.length = 0
  await using second = startAgent(homelab)
  for (let passed = 0; passed < 600; passed++) await second.silent()
  await second.agent.idle()
  expect(entries(homelab, 'shut-down')).toEqual([])
  await second.reads(online)
  await expect.poll(() => stage(homelab)).toBe('over')
})

test('nodes that could not be reached are called that, and not down', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  const unreachable = async () => {
    throw new AgentError('unreachable', 'it ended the connection')
  }
  Object.assign(homelab.ports.talos, { shutDown: unreachable, version: unreachable, observe: unreachable })
  await it.reads(low)
  await waitFor('every node to have been tried', 5_000, () => stage(homelab) === 'stopped')
  expect(homelab.ports.journal.openOutage()?.nodes).toMatchObject({
    'cp-1': { state: 'unreached' },
    'w-1': { state: 'unreached' },
  })
  expect(texts(homelab)).toContain(
    'cp-1 and w-1 could not be shut down, because they were unreachable or refused. If they still run, switch them off by hand before the battery is empty',
  )
  // The primary may cut the power once we have logged out.
  expect(homelab.diary).not.toContain('log-out')
})

test('a node that was rebooting when the others were told is told as soon as it answers, and only then we log out', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { shutdownTimeout: '200ms' } })
  await it.reads(online)
  await it.agent.idle()
  homelab.machine('w-1').up = false
  await it.reads({ ...low })
  await waitFor('the control plane to be off', 5_000, () => !homelab.machine('cp-1').up)
  homelab.machine('w-1').up = true
  await waitFor('the worker to be off', 5_000, () => !homelab.machine('w-1').up)
  expect(entries(homelab, 'shut-down')).toEqual(['cp-1', 'w-1'])
})

test('a node that an agent before us has told, and that is silent now, is down', async () => {
  const homelab = fakeHomelab(two)
  homelab.machine('w-1').up = false
  const outage = outageOf(new Date(), ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))
  homelab.ports.journal.saveOutage(withNodeState(outage, 'w-1', 'shutdown-sent'))
  await using it = startAgent(homelab)
  await it.reads(low)
  await waitFor('us to have logged out', 5_000, () => homelab.diary.includes('log-out'))
  expect(homelab.ports.journal.openOutage()?.nodes).toMatchObject({ 'w-1': { state: 'off' }, 'cp-1': { state: 'off' } })
})

test('power that fails again stops the waking, and nothing is called over', async () => {
  const homelab = fakeHomelab(three)
  await using it = startAgent(homelab, { power: { maxOnBattery: '1h', minimumRuntime: '0s' } })
  await it.reads(online)
  await it.reads(low)
  await waitFor('every node to be told', 5_000, () => stage(homelab) === 'stopped')
  homelab.diary.length = 0
  homelab.before = async (entry) => {
    if (entry === 'wake cp-1') await it.reads(onBattery)
  }
  await it.reads(online)
  await waitFor('the waking to stop', 5_000, () =>
    homelab.ports.journal.runs(20).some(({ detail }) => detail === 'mains power failed again'),
  )
  expect(entries(homelab, 'wake')).not.toContain('w-1')
  expect(stage(homelab)).toBe('waking')
  homelab.before = undefined
  await it.reads(online)
  await it.agent.start(it.agent.jobs.find(({ name }) => name === 'wake-cluster')!)
  await expect.poll(() => stage(homelab)).toBe('over')
})

test('a control plane that stays dead keeps nobody else asleep or closed', async () => {
  const homelab = fakeHomelab(three)
  await using it = startAgent(homelab, {
    power: {
      wake: {
        stableAfter: '0s',
        minimumRuntime: '0s',
        unknownChargeAfter: '0s',
        retryInterval: '5ms',
        giveUpAfter: '20s',
      },
    },
  })
  await it.reads(online)
  await it.reads(low)
  await waitFor('every node to be told', 5_000, () => stage(homelab) === 'stopped')
  const { wake } = homelab.ports.waker
  homelab.ports.waker.wake = async (machine, signal) => {
    if (machine !== 'cp-3') await wake(machine, signal)
  }
  await it.reads(online)
  await waitFor('the others to be back', 5_000, () =>
    ['cp-1', 'cp-2', 'w-1', 'w-2'].every((name) => homelab.machine(name).up && !homelab.machine(name).unschedulable),
  )
  expect(stage(homelab)).toBe('waking')
})

test('a node that was not ready before the outage need not be ready after it', async () => {
  const homelab = fakeHomelab(two)
  const { observe } = homelab.ports.talos
  homelab.ports.talos.observe = async (node, signal) => {
    const facts = await observe(node, signal)
    return node === 'w-1' ? { ...facts, ready: false, unmet: ['nodeReady'] } : facts
  }
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.reads(low)
  await waitFor('every node to be told', 5_000, () => stage(homelab) === 'stopped')
  await it.reads(online)
  await expect.poll(() => stage(homelab)).toBe('over')
  expect(homelab.machine('w-1')).toMatchObject({ up: true, unschedulable: false })
})

test('an agent that died in its first look at an outage does not leave the cluster off', async () => {
  const homelab = fakeHomelab(two)
  homelab.ports.journal.saveOutage(outageOf(new Date(), ['cp-1', 'w-1'], new Set()))
  await using it = startAgent(homelab)
  await it.reads(low)
  await waitFor('every node to be told', 5_000, () => stage(homelab) === 'stopped')
  await it.reads(online)
  await expect.poll(() => stage(homelab)).toBe('over')
  expect([...homelab.machines.values()].every(({ up }) => up)).toBe(true)
})

test('cordons of a power cut that is not on record are taken away', async () => {
  const homelab = fakeHomelab(two)
  Object.assign(homelab.machine('w-1'), { unschedulable: true, mark: { why: 'power', at: '2026-01-01T00:00:00Z' } })
  await using it = startAgent(homelab)
  await it.reads(online)
  await expect.poll(() => homelab.machine('w-1').unschedulable).toBe(false)
})

test('an outage of hours fills neither the journal nor the diary', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { shutdownTimeout: '10ms' } })
  await it.reads(online)
  await it.reads(low)
  await waitFor('every node to be told', 5_000, () => stage(homelab) === 'stopped')
  const runs = () => homelab.ports.journal.runs(10_000).length
  await waitFor('a look or two', 5_000, () => homelab.diary.includes('log-out'))
  const before = { texts: texts(homelab).length, runs: runs() }
  let looks = 0
  it.agent.onRun(() => void (looks += 1))
  await waitFor('twenty more looks', 5_000, () => looks > 20)
  expect(texts(homelab).length).toBe(before.texts)
  expect(runs()).toBeLessThanOrEqual(before.runs + 1)
  expect(entries(homelab, 'shut-down')).toHaveLength(2)
})

test('an upgrade does not keep the lease from the waking that it waits for', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.1'] })
  const mark = {
    why: 'upgrade',
    at: '2026-01-01T00:00:00Z',
    release: 'v1.14.1',
    bootId: 'boot-1 of w-1',
    rebooting: true,
  } as const
  Object.assign(homelab.machine('w-1'), { up: false, unschedulable: true, mark })
  const outage = outageOf(new Date(), ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))
  homelab.ports.journal.saveOutage({ ...outage, stage: 'stopping' })
  await using it = startAgent(homelab, { power: { wake: { stableAfter: '1h' } } })
  await it.reads(online)
  await it.agent.idle()
  expect(await it.run('upgrade-node')).toMatchObject({
    reason: 'the cluster is still recovering from a power cut (stopping)',
  })
  expect(homelab.machine('w-1').attempts).toBeUndefined()
})

test('a node that accepts the order is woken afterwards, though a slow first look saw nothing of it', async () => {
  const homelab = fakeHomelab(two)
  const { talos, kubernetes } = homelab.ports
  const { observe } = talos
  const { nodes } = kubernetes
  talos.observe = (_node, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  kubernetes.nodes = async () => {
    throw new AgentError('unreachable', 'the API is slow')
  }
  await using it = startAgent(homelab)
  await it.reads(low)
  await it.agent.idle()
  expect(upIn(homelab)).toEqual([])
  Object.assign(talos, { observe })
  Object.assign(kubernetes, { nodes })
  await it.reads(online)
  await waitFor('the outage to be over', 5_000, () => homelab.ports.journal.outages(1)[0]?.stage === 'over')
  expect(upIn(homelab)).toEqual(['cp-1', 'w-1'])
})
