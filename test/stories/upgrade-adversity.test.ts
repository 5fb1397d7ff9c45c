import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { remembered } from '../../src/operations/facts.ts'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab, type FakeOptions } from '../fakes/homelab.ts'
import { sentence } from '../fakes/rollout.ts'
import { onBattery, online, two } from '../fakes/stories.ts'

const three = { 'cp-1': 'controlplane', 'cp-2': 'controlplane', 'cp-3': 'controlplane' } as const
const offered: FakeOptions = { versions: ['v1.13.9', 'v1.14.0', 'v1.14.1'] }
const alerts = (homelab: FakeHomelab) =>
  homelab.ports.journal.entries(1_000).flatMap(({ kind, text }) => (kind === 'alert' ? [text] : []))

/** On mains, with the release known and staged: the next run of `upgrade-node` would begin. */
async function getReady(it: StartedAgent): Promise<void> {
  await it.reads(online)
  await it.agent.idle()
  await it.run('watch-releases')
  await it.run('stage-image')
}

test.each([
  ['v1.13.9', 'reboot cp-2'],
  ['v1.12.11', 'install-and-reboot cp-2'],
])('a control plane that runs %s is not taken away when another one died meanwhile', async (version, harm) => {
  const homelab = fakeHomelab(three, { version, versions: [version, 'v1.13.9', 'v1.13.10'] })
  homelab.kubernetesVersion = 'v1.35.4'
  await using it = startAgent(homelab)
  await getReady(it)
  homelab.before = (entry) => {
    if (entry === 'drain cp-2') homelab.machine('cp-3').up = false
  }
  expect(sentence(await it.run('upgrade-node'))).toMatch(
    /^confirm that cp-2 may go down: it can't go down now: cp-3 does not answer/,
  )
  expect(homelab.diary).not.toContain(harm)
  homelab.before = undefined
  homelab.machine('cp-3').up = true
  await it.run('upgrade-node')
  expect(homelab.machine('cp-2')).toMatchObject({ boots: 2, unschedulable: false, attempts: undefined })
})

test('a control plane that dies while another installs keeps that one from rebooting, armed and cordoned', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = startAgent(homelab)
  await getReady(it)
  homelab.before = (entry) => {
    if (entry === 'install cp-2') homelab.machine('cp-3').up = false
  }
  await it.run('upgrade-node')
  expect(homelab.diary).not.toContain('reboot cp-2')
  expect(homelab.machine('cp-2')).toMatchObject({ unschedulable: true, installed: { version: 'v1.14.1' } })
})

test('mains that fails while an image is pulled keeps the node as it is', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab, { power: { maxOnBattery: '1h', minimumRuntime: '0s' } })
  await getReady(it)
  homelab.before = async (entry) => {
    if (entry.startsWith('pull-image')) await it.reads(onBattery)
  }
  expect(sentence(await it.run('upgrade-node'))).toBe('stopped before cordon: the UPS is on battery')
  expect(homelab.diary).not.toContain('cordon w-1')
})

test('mains that fails while the installer runs keeps the node from rebooting, and mains lets it be finished', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab, { power: { maxOnBattery: '1h', minimumRuntime: '0s' } })
  await getReady(it)
  homelab.before = async (entry) => {
    if (entry === 'install w-1') await it.reads(onBattery)
  }
  expect(sentence(await it.run('upgrade-node'))).toBe('stopped before confirm: the UPS is on battery')
  expect(homelab.diary).not.toContain('reboot w-1')
  homelab.before = undefined
  await it.reads(online)
  // What wakes a cluster looks first, and finds that nothing went down.
  await it.agent.idle()
  expect(sentence(await it.run('upgrade-node'))).toBe('w-1 runs v1.14.1; on to the next')
})

test('a pause while the installer runs does not keep the node from being finished', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab)
  await getReady(it)
  homelab.before = (entry) => {
    if (entry === 'install w-1') remembered.paused.remember(homelab.ports.journal, 'by me')
  }
  await it.run('upgrade-node')
  expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.14.1', boots: 2, unschedulable: false })
  expect(await it.run('upgrade-node')).toMatchObject({ kind: 'later', reason: 'by me' })
})

test('a registry that is away for a while is no fault of the release', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab)
  await getReady(it)
  homelab.before = (entry) => {
    if (entry.startsWith('pull-image')) throw new AgentError('unreachable', 'the registry does not answer')
  }
  for (let run = 0; run < 5; run++) await it.run('upgrade-node')
  expect(homelab.machine('w-1').attempts).toBeUndefined()
  expect(alerts(homelab)).toEqual(["the rollout can't continue: pull v1.14.1 on w-1: the registry does not answer"])
  homelab.before = undefined
  await it.run('upgrade-node')
  expect(homelab.machine('w-1').version).toBe('v1.14.1')
})

test('an answer to the reboot that is lost on its way changes nothing', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab)
  await getReady(it)
  const { reboot } = homelab.ports.talos
  homelab.ports.talos.reboot = async (node, mode, signal) => {
    await reboot(node, mode, signal)
    throw new AgentError('unreachable', `${node} ended the connection`)
  }
  expect(sentence(await it.run('upgrade-node'))).toBe('w-1 runs v1.14.1; on to the next')
  expect(homelab.machine('w-1')).toMatchObject({ boots: 2, attempts: undefined, unschedulable: false })
})

test("a person's cordon is not taken for ours because our mark was left behind", async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9'] })
  await using it = startAgent(homelab)
  await getReady(it)
  const mark = { why: 'upgrade', at: '2026-01-01T00:00:00Z', release: 'v1.13.9', bootId: 'boot-0 of w-1' } as const
  Object.assign(homelab.machine('w-1'), { mark, unschedulable: false })
  await it.run('upgrade-node')
  homelab.machine('w-1').unschedulable = true
  await it.run('upgrade-node')
  expect(homelab.machine('w-1').unschedulable).toBe(true)
})

test('a node in hand is uncordoned when upgrades are switched off', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab, { upgrade: { enabled: false } })
  await getReady(it)
  const mark = { why: 'upgrade', at: '2026-01-01T00:00:00Z', release: 'v1.14.1', bootId: 'boot-1 of w-1' } as const
  Object.assign(homelab.machine('w-1'), { mark, unschedulable: true })
  await it.run('upgrade-node')
  expect(homelab.machine('w-1')).toMatchObject({ unschedulable: false, version: 'v1.13.9' })
})

test('a node that was cordoned for a release which is skipped now is uncordoned', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab, { upgrade: { skip: ['v1.14.0', 'v1.14.1'] } })
  await getReady(it)
  const mark = { why: 'upgrade', at: '2026-01-01T00:00:00Z', release: 'v1.14.1', bootId: 'boot-1 of w-1' } as const
  Object.assign(homelab.machine('w-1'), { mark, unschedulable: true })
  await it.run('upgrade-node')
  expect(homelab.machine('w-1')).toMatchObject({ unschedulable: false, boots: 1 })
})

test('an agent that has not heard the UPS yet does not uncordon the node in hand', async () => {
  const homelab = fakeHomelab(two, offered)
  const mark = { why: 'upgrade', at: '2026-01-01T00:00:00Z', release: 'v1.14.1', bootId: 'boot-1 of w-1' } as const
  Object.assign(homelab.machine('w-1'), { mark, unschedulable: true })
  await using it = startAgent(homelab)
  await it.run('watch-releases')
  expect(sentence(await it.run('upgrade-node'))).toBe('the UPS has not answered yet')
  expect(homelab.machine('w-1').unschedulable).toBe(true)
})

test('an agent that dies while a node settles waits for it again before the next one', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker' }, offered)
  await using it = startAgent(homelab, { upgrade: { settle: '30s' } })
  await getReady(it)
  const stopped = it.run('upgrade-node')
  await expect.poll(() => homelab.machine('w-1').version).toBe('v1.14.1')
  void it.agent.stop()
  await stopped.catch(() => {})
  expect(homelab.machine('w-1').unschedulable).toBe(true)
  expect(homelab.diary).not.toContain('cordon w-2')
})

test('a rollout that is stuck says so once', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab)
  await getReady(it)
  homelab.machine('w-1').attempts = { release: 'v1.14.1', count: 2, failure: 'rolled back' }
  for (let run = 0; run < 10; run++) await it.run('upgrade-node')
  expect(alerts(homelab)).toHaveLength(1)
})

test('a release that vanishes from the list does not make the homelab go to an older one', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab)
  await getReady(it)
  homelab.versions = ['v1.13.9', 'v1.14.0']
  await it.run('watch-releases')
  await it.run('watch-releases')
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.14.1')
  expect(alerts(homelab)).toEqual(['the Factory no longer lists v1.14.1; nothing is downgraded'])
})

test('an image that somebody asked for and that does not exist is told once, and others are staged', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = startAgent(homelab)
  await getReady(it)
  const { stage } = homelab.ports.share
  homelab.ports.share.stage = async (order, ...rest) => {
    if (order.version === 'v1.99.0') throw new AgentError('rejected', 'the Factory answers 404')
    return stage(order, ...rest)
  }
  remembered.stagingRequests.remember(homelab.ports.journal, ['v1.99.0', 'v1.14.0'])
  await expect(it.run('stage-image')).rejects.toThrow('stage v1.99.0: the Factory answers 404')
  expect(homelab.diary).toContain('stage v1.14.0')
  expect(await it.run('stage-image')).toMatchObject({ kind: 'done' })
})
