import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { startAgent } from '../fakes/agent.ts'
import { remembered } from '../../src/operations/facts.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { personAt } from '../fakes/person.ts'
import { low, onBattery, online, three, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

/** Each of these once took a cluster down, or left it down, in a review. */

const nas = { name: 'nas', nas: true, shutdownTimeout: '400ms' }
const running = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)
const record = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]
const isStopped = (homelab: FakeHomelab) =>
  waitFor('everything to be told', 5_000, () => record(homelab)?.stage === 'stopped')
const alerts = ({ ports }: FakeHomelab) =>
  ports.journal.entries(1_000).flatMap(({ kind, text }) => (kind === 'alert' ? [text] : []))

test('a host that refuses the order once is told again, and is never said to have hung', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  const { shutDown } = homelab.ports.hosts
  let tries = 0
  homelab.ports.hosts.shutDown = async (name, limited) => {
    if (tries++ === 0) throw new AgentError('rejected', 'sudo: a password is required')
    return shutDown(name, limited)
  }
  await using it = startAgent(homelab, { hosts: [nas], power: { shutdownTimeout: '100ms' } })
  await it.reads(online)
  await it.reads(low)
  await waitFor('the NAS to be off', 5_000, () => homelab.hosts.get('nas')?.up === false)
  expect(alerts(homelab).filter((text) => text.includes('did not shut down'))).toEqual([])
})

test('a host that refuses for good is one alert, however often it is told', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  let tries = 0
  homelab.ports.hosts.shutDown = async () => {
    tries += 1
    throw new AgentError('rejected', 'sudo: a password is required')
  }
  await using it = startAgent(homelab, { hosts: [nas], power: { shutdownTimeout: '30ms' } })
  await it.reads(online)
  await it.reads(low)
  await waitFor('several tries', 10_000, () => tries > 4)
  expect(alerts(homelab).filter((text) => text.includes(' could not be shut down, '))).toHaveLength(1)
  expect(homelab.ports.journal.entries(1_000).filter(({ text }) => text.startsWith('shutdown requested'))).toHaveLength(
    1,
  )
})

test('nodes that booted with the machine of the agent itself are not told for a UPS that is not heard yet', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  {
    const first = startAgent(homelab, { hosts: [nas], bootId: 'before' })
    await first.reads(online)
    const dead = Promise.withResolvers<void>()
    homelab.before = async (entry) => {
      if (entry !== 'shut-down-host nas') return
      first.die()
      dead.resolve()
      await new Promise(() => {})
    }
    await first.reads(low)
    await dead.promise
    void first.agent.stop()
  }
  homelab.before = undefined
  for (const machine of homelab.machines.values()) Object.assign(machine, { up: true, stage: 'running' })
  const at = homelab.diary.length
  await using second = startAgent(homelab, { hosts: [nas], bootId: 'after' })
  for (let turn = 0; turn < 40; turn++) await second.silent(1_000)
  await second.agent.idle()
  expect(homelab.diary.slice(at).filter((entry) => entry.startsWith('shut-down'))).toEqual([])
  await second.reads(online)
  await waitFor('the end', 5_000, () => record(homelab)?.stage === 'over')
})

test('where upsd went down with the NAS somebody is told what to do, and a person can wake everything blindly', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  await using it = startAgent(homelab, {
    hosts: [{ ...nas, address: '10.0.0.99' }],
    power: { shutdownTimeout: '100ms' },
  })
  await it.reads(online)
  await it.reads(low)
  await isStopped(homelab)
  await it.agent.idle()
  await it.silent(40_000)
  await it.run('shut-down-cluster')
  expect(alerts(homelab).at(0)).toMatch(
    /its server went down with nas\. .*press the power button of nas, or wake it with `caretaker power wake nas`/,
  )
  homelab.diary.length = 0
  const { said } = await personAt(homelab, it).wake()
  expect(said).toMatch(/^magic packets were sent to 3 of 3 machines/)
  expect(homelab.diary.toSorted()).toEqual(['wake cp-1', 'wake nas', 'wake w-1'])
})

test('the machine that the agent runs on is told last, after LOGOUT, and is neither drained nor waited for', async () => {
  const homelab = fakeHomelab(three, { hosts: ['nas'] })
  await using it = startAgent(homelab, { hosts: [nas], ownMachine: 'w-1', power: { shutdownTimeout: '100ms' } })
  await it.reads(online)
  let stage: string | undefined
  homelab.before = async (entry) => {
    if (entry === 'shut-down w-1') stage = record(homelab)?.stage
  }
  await it.reads(low)
  await waitFor('it to be told', 5_000, () => homelab.diary.includes('shut-down w-1'))
  expect(stage).toBe('stopped')
  expect(homelab.diary.slice(-2)).toEqual(['log-out', 'shut-down w-1'])
  expect(homelab.diary).not.toContain('drain w-1')
  expect(running(homelab)).toEqual([])
})

test('one reading that lies in the middle of a drain is not believed', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { drainTimeout: '200ms', lowBatteryAfter: '3s' } })
  const well = { status: ['OB', 'LB'], charge: 15, runtime: 3_600_000 }
  let lied = false
  homelab.before = async (entry) => {
    if (lied || entry !== 'drain w-1') return
    lied = true
    await it.reads({ ...well, runtime: 0 })
    await it.reads(well)
  }
  await it.reads(online)
  await it.reads(well)
  await it.reads(well)
  await it.reads(well, 3_000)
  await it.agent.idle()
  const said = homelab.ports.journal.entries(200).map(({ text }) => text)
  expect(said.filter((text) => text.includes('shut down at once'))).toEqual([])
  expect(homelab.diary.filter((entry) => entry.startsWith('shut-down'))).toEqual(['shut-down w-1', 'shut-down cp-1'])
})

test('a power that fails again while nodes are woken ends as the first time did: outlets and LOGOUT too', async () => {
  const homelab = fakeHomelab(two)
  const ups = { user: 'u', password: { env: 'P' }, cutPower: { verified: true } }
  await using it = startAgent(homelab, { ups, power: { shutdownTimeout: '100ms' } })
  await it.reads(online)
  await it.reads(low)
  await isStopped(homelab)
  await it.agent.idle()
  it.passes(200_000)
  homelab.before = async (entry) => {
    if (entry === 'wake w-1') await it.reads(low)
  }
  await it.reads(online)
  it.passes(200_000)
  await it.reads(online)
  await it.run('wake-cluster')
  await waitFor('everything to be off again', 5_000, () => running(homelab).length === 0)
  await it.agent.idle()
  const ends = homelab.diary.filter((entry) => entry === 'shutdown.return' || entry === 'log-out')
  expect(ends).toEqual(['shutdown.return', 'log-out', 'shutdown.return', 'log-out'])
})

test('a NAS that is still on its way down when mains returns is not taken for one that is back', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  homelab.hosts.get('nas')!.hangs = true
  await using it = startAgent(homelab, { hosts: [nas], power: { shutdownTimeout: '100ms' } })
  await it.reads(online)
  await it.reads(low)
  await waitFor('the NAS to be told', 5_000, () => homelab.diary.includes('shut-down-host nas'))
  await it.reads(online)
  await waitFor('it to be asked', 5_000, () => record(homelab)?.nodes['nas']?.state === 'wake-sent')
  homelab.hosts.get('nas')!.up = false
  await waitFor('the end', 5_000, () => record(homelab)?.stage === 'over')
  expect(homelab.hosts.get('nas')?.up).toBe(true)
})

test('a battery that never charges keeps nothing down for ever: it is told, and a person does not wait for it', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, {
    power: {
      wake: {
        stableAfter: '1s',
        minimumRuntime: '0s',
        unknownChargeAfter: '0s',
        retryInterval: '5ms',
        giveUpAfter: '1s',
      },
    },
  })
  await it.reads(online)
  await it.reads(low)
  await isStopped(homelab)
  await it.agent.idle()
  const worn = { ...online, charge: 11 }
  await it.reads(worn)
  await it.reads(worn, 4_000_000)
  await it.run('wake-cluster')
  expect(alerts(homelab)[0]).toMatch(
    /the battery is at 11 %, and waking needs 25 % .*\. Wake them anyway with .caretaker power wake./,
  )
  expect(running(homelab)).toEqual([])
  await personAt(homelab, it).wake()
  await waitFor('the end', 5_000, () => record(homelab)?.stage === 'over')
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
})

test('a machine under a standing order is not woken only to be shut down again: that is said', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  const control = personAt(homelab, it)
  await control.shutDown()
  await isStopped(homelab)
  await expect(control.wake('cp-1')).rejects.toThrow('run `caretaker power wake` first')
})

test('a rehearsal that can not be taken back at once goes on being taken back', async () => {
  const homelab = fakeHomelab(two)
  const { uncordon } = homelab.ports.kubernetes
  let refusals = 1
  homelab.ports.kubernetes.uncordon = async (...given) => {
    if (given[0] === 'w-1' && refusals-- > 0) throw new AgentError('rejected', 'a webhook denied the request')
    return uncordon(...given)
  }
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  remembered.drillRequest.remember(homelab.ports.journal, {})
  expect(await it.run('drill-power')).toMatchObject({ kind: 'later' })
  await waitFor('the end', 5_000, () => record(homelab)?.stage === 'over')
  expect([...homelab.machines.values()].some(({ unschedulable }) => unschedulable)).toBe(false)
})

test('no rehearsal begins on battery, or while the UPS is silent', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  remembered.drillRequest.remember(homelab.ports.journal, {})
  expect(await it.run('drill-power')).toMatchObject({ summary: expect.stringContaining('no rehearsal') })
  await it.reads(online)
  await it.reads(onBattery)
  remembered.drillRequest.remember(homelab.ports.journal, {})
  expect(await it.run('drill-power')).toMatchObject({ summary: 'no rehearsal: the UPS is on battery' })
  expect(homelab.diary).toEqual([])
})

test('a UPS that falls silent for good after it has done so often is told of once more', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  for (let turn = 0; turn < 5; turn++) {
    await it.reads(online)
    await it.silent(20_000)
    await it.silent(20_000)
  }
  const before = alerts(homelab).length
  for (let turn = 0; turn < 100; turn++) await it.silent(60_000)
  expect(alerts(homelab).length - before).toBe(1)
  expect(alerts(homelab)[0]).toMatch(/silent for an hour/)
})

test('a forced shutdown that upsd keeps after the outage is an alert, and keeps things down only until a person says so', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { shutdownTimeout: '100ms' } })
  await it.reads(online)
  await it.reads({ status: ['FSD', 'OB', 'LB'], charge: 15, runtime: 60_000 })
  await isStopped(homelab)
  await it.agent.idle()
  const latched = { status: ['FSD', 'OL'], charge: 90, runtime: 3_600_000 }
  await it.reads(latched)
  await it.reads(latched, 400_000)
  await it.agent.idle()
  expect(alerts(homelab)[0]).toMatch(/Restart upsd on its server/)
  await it.run('wake-cluster')
  expect(running(homelab)).toEqual([])
  await personAt(homelab, it).wake()
  await waitFor('the end', 5_000, () => record(homelab)?.stage === 'over')
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
})
