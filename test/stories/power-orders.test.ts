import { AgentError } from '../../src/core/errors.ts'
import { expect, test } from 'vitest'
import { startAgent } from '../fakes/agent.ts'
import { remembered } from '../../src/operations/facts.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { personAt } from '../fakes/person.ts'
import { low, onBattery, online, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

const running = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)
const isOver = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]?.stage === 'over'
const allOff = (homelab: FakeHomelab) =>
  waitFor('everything to be off', 5_000, () => homelab.ports.journal.openOutage()?.stage === 'stopped')

test('a person shuts everything down on mains; it stays down over a restart, until a person wakes it', async () => {
  const homelab = fakeHomelab(two)
  {
    await using it = startAgent(homelab)
    await it.reads(online)
    const control = personAt(homelab, it)
    await control.shutDown()
    await allOff(homelab)
    await it.agent.idle()
    expect(running(homelab)).toEqual([])
    expect(await control.shutDown()).toMatchObject({
      changed: false,
      said: expect.stringMatching(/^a shutdown was already requested, on /),
    })
    await it.reads(online)
    await it.agent.idle()
  }
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('wake-cluster')
  expect(running(homelab)).toEqual([])
  expect((await personAt(homelab, it).wake()).said).toContain('request is cancelled')
  await waitFor('the end', 5_000, () => isOver(homelab))
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
})

test('in a homelab without a UPS it is as orderly: mains lasts', async () => {
  const homelab = fakeHomelab(two, { upses: [] })
  await using it = startAgent(homelab, { upses: [] })
  await personAt(homelab, it).shutDown()
  await allOff(homelab)
  const orders = homelab.diary.filter((entry) => /^(drain w-1|shut-down)/.test(entry))
  expect(orders).toEqual(['drain w-1', 'shut-down w-1', 'shut-down cp-1'])
})

test('an order that is taken back before anything went down leaves nothing behind', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  const control = personAt(homelab, it)
  homelab.before = async (entry) => {
    if (entry === 'drain w-1') await control.cancel()
  }
  await control.shutDown()
  await waitFor('the end', 5_000, () => isOver(homelab))
  expect(homelab.diary.filter((entry) => entry.startsWith('shut-down'))).toEqual([])
  expect([...homelab.machines.values()].some(({ unschedulable }) => unschedulable)).toBe(false)
  // It never counted as down, and nobody heard that it was.
  expect(homelab.ports.journal.outages(1)[0]).not.toHaveProperty('stoppedAt')
})

test('a shutdown for the time on battery is called off by a person, and one for a low battery then comes all the same', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { maxOnBattery: '10s' } })
  await it.reads(online)
  const control = personAt(homelab, it)
  expect(await control.cancel()).toMatchObject({
    changed: false,
    said: expect.stringContaining('no shutdown is running'),
  })
  await it.reads(onBattery)
  homelab.before = async (entry) => {
    if (entry === 'drain w-1') await control.cancel()
  }
  await it.reads(onBattery, 11_000)
  await waitFor('the end', 5_000, () => isOver(homelab))
  homelab.before = undefined
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  await it.reads(onBattery, 11_000)
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  await it.reads(low)
  await it.agent.idle()
  expect(running(homelab)).toEqual([])
})

test('a shutdown that is to come for the time on battery can be called off before it begins', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { maxOnBattery: '10s' } })
  const control = personAt(homelab, it)
  await it.reads(online)
  await it.reads(onBattery)
  expect(await control.cancel()).toMatchObject({
    changed: true,
    said: expect.stringMatching(
      /^the shutdown is cancelled for ups before it began: until mains power is back, only a forced shutdown \(FSD\), a low battery \(LB\)/,
    ),
  })
  expect(await control.cancel()).toMatchObject({ changed: false })
  await it.reads(onBattery, 60_000)
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  await it.reads(low)
  await it.agent.idle()
  expect(running(homelab)).toEqual([])
})

test('a shutdown that only goes on because nothing is heard of the UPS can be called off, and silence begins it no more', async () => {
  const homelab = fakeHomelab(two)
  homelab.ports.journal.saveOutage({
    startedAt: new Date().toISOString(),
    reason: 'low-battery',
    stage: 'draining',
    nodes: {},
  })
  await using it = startAgent(homelab)
  const control = personAt(homelab, it)
  homelab.before = async (entry) => {
    if (entry === 'cordon cp-1') await control.cancel()
  }
  await it.silent(31_000)
  await it.agent.idle()
  await it.silent(60_000)
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  homelab.before = undefined
  await it.reads(online)
  await waitFor('the end', 5_000, () => isOver(homelab))
  expect([...homelab.machines.values()].some(({ unschedulable }) => unschedulable)).toBe(false)
})

test('one machine is woken by name, whatever is on record, and a wrong name says which there are', async () => {
  const homelab = fakeHomelab(two)
  homelab.machine('w-1').up = false
  await using it = startAgent(homelab)
  await it.reads(online)
  const control = personAt(homelab, it)
  await control.wake('w-1')
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  await expect(control.wake('w-9')).rejects.toThrow('there are cp-1 and w-1')
  await expect(control.wake()).rejects.toThrow('no outage is open')
})

test('with all, what was off before the outage is woken after it too', async () => {
  const homelab = fakeHomelab(two)
  homelab.machine('w-1').up = false
  await using it = startAgent(homelab)
  await it.reads(online)
  const control = personAt(homelab, it)
  await control.shutDown()
  await allOff(homelab)
  await control.wake(undefined, true)
  await waitFor('the end', 5_000, () => isOver(homelab))
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
})

test('a rehearsal that only asks changes nothing, and tells what would go wrong', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  homelab.forbidden = ['evict pods']
  homelab.upses.set('ups', { status: ['OL'], charge: 100 })
  homelab.hosts.get('nas')!.up = false
  homelab.machine('w-1').up = false
  await using it = startAgent(homelab, {
    hosts: [{ name: 'nas', nas: true, shutdownTimeout: '1s', mac: undefined }],
    node: (name) => (name === 'cp-1' ? { address: 'cp-1.home.arpa' } : {}),
  })
  await it.reads({ status: ['OL'], charge: 100 })
  await it.agent.idle()
  const { report } = await personAt(homelab, it).drill(true)
  const faults = report!.checks.filter(({ ok }) => !ok).map(({ subject, text }) => `${subject} ${text}`)
  expect(faults).toEqual([
    'cp-1 is configured by name (cp-1.home.arpa), and DNS may be down by then: use its IP address',
    'w-1 would fail to shut down: w-1 does not answer',
    'nas would fail to shut down: nas: connection refused',
    'nas can only be started with its power button: configure mac or wake.powerOn',
    'kubernetes does not allow Caretaker to evict pods',
    expect.stringContaining('the UPS does not report its runtime'),
  ])
  expect(homelab.diary).toEqual([])
  expect(report!.timeline.map(({ phase }) => phase)).toContain('drain')
})

test('a rehearsal names the interface that wakes each machine, and a machine that no packet would reach', async () => {
  const homelab = fakeHomelab(two)
  homelab.ports.waker.rehearse = async (machine) => {
    if (machine === 'cp-1') return 'eth1 (10.0.20.2)'
    throw new AgentError('unreachable', 'no network interface here is in the network of 172.16.0.9')
  }
  await using it = startAgent(homelab, {
    node: (name) => ({ mac: `00:1b:21:3a:4f:${name.startsWith('cp') ? 1 : 2}${name.at(-1)}` }),
  })
  await it.reads(online)
  await it.agent.idle()
  const { report } = await personAt(homelab, it).drill(true)
  const said = report!.checks.map(({ subject, text, ok }) => `${ok ? 'ok' : 'fault'} ${subject} ${text}`)
  expect(said).toContain('ok cp-1 can be woken by magic packets from eth1 (10.0.20.2)')
  expect(said).toContain(
    'fault w-1 magic packets would not reach it: no network interface here is in the network of 172.16.0.9',
  )
})

test('the weekly look warns once of what would go wrong', async () => {
  const homelab = fakeHomelab(two)
  homelab.forbidden = ['evict pods']
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('check-power')
  await it.run('check-power')
  const alerts = homelab.ports.journal.entries(50).filter(({ kind }) => kind === 'alert')
  expect(alerts.map(({ text }) => text)).toEqual([
    'a power cut would not go as planned: kubernetes does not allow Caretaker to evict pods. Fix it, then run `caretaker run check-power` again',
  ])
  homelab.forbidden = []
  expect(await it.run('check-power')).toMatchObject({ summary: 'everything that a power cut needs works' })
})

test('the target release is not forgotten while every node is down', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.1'] })
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.14.1')
  for (const machine of homelab.machines.values()) machine.up = false
  await it.run('watch-releases')
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.14.1')
})
