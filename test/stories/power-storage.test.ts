import { expect, test } from 'vitest'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { low, onBattery, online, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

const nas = { name: 'nas', nas: true, shutdownTimeout: '1s' }

async function fails(it: StartedAgent): Promise<void> {
  await it.reads(online)
  await it.reads(onBattery)
  await it.reads(low)
  await it.agent.idle()
}
const stage = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]?.stage
const isOver = (homelab: FakeHomelab) => waitFor('the outage to be over', 5_000, () => stage(homelab) === 'over')

test('storage is told that its nodes are away on purpose, before they are drained, and told otherwise when they are back', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  const { kubernetes } = homelab.ports
  const setting = { system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' } as const
  kubernetes.storageSettings = async () => [setting]
  kubernetes.setStorage = async ({ name }, value) => void homelab.diary.push(`storage ${name} ${value}`)
  await fails(it)
  expect(homelab.diary.indexOf('storage noout set')).toBeGreaterThan(homelab.diary.indexOf('cordon cp-1'))
  expect(homelab.diary.indexOf('storage noout set')).toBeLessThan(homelab.diary.indexOf('drain w-1'))
  homelab.diary.length = 0
  await it.reads(online)
  await isOver(homelab)
  expect(homelab.diary.indexOf('storage noout unset')).toBeGreaterThan(homelab.diary.indexOf('wake w-1'))
})

const flags = ['noout', 'norecover', 'nobackfill', 'norebalance']
function homelabWithCeph(): FakeHomelab {
  const homelab = fakeHomelab(two)
  for (const name of flags)
    homelab.storageSettings.push({ system: 'ceph', namespace: 'rook-ceph', name, value: 'unset', during: 'set' })
  homelab.scalables.push({
    kind: 'Deployment',
    namespace: 'media',
    name: 'films',
    labels: { tier: 'batch' },
    replicas: 2,
  })
  homelab.before = (entry) => {
    // What was written while OSDs went down is missing on those that went first.
    if (entry === 'shut-down w-1') homelab.healing = 4
  }
  return homelab
}
const batch = [{ selector: 'tier=batch' }]
const undoing = (homelab: FakeHomelab) =>
  homelab.diary.filter((entry) => entry.endsWith('to unset') || entry.startsWith('scale media/films to 2'))

test('data that miss writes after a power cut are repaired first; then workloads run, and the flags go', async () => {
  const homelab = homelabWithCeph()
  await using it = startAgent(homelab, { power: { shed: batch } })
  await fails(it)
  await it.reads(online)
  await isOver(homelab)
  const undone = undoing(homelab)
  expect(undone.slice(0, 2).toSorted()).toEqual(['set nobackfill to unset', 'set norecover to unset'])
  expect(undone[2]).toBe('scale media/films to 2')
  expect(undone.slice(3).toSorted()).toEqual(['set noout to unset', 'set norebalance to unset'])
  expect(homelab.healing).toBe(0)
  expect(it.agent.alerts.find('storage.recovery')).toBeUndefined()
})

test('data that do not become whole hold up nothing for ever: the flags go, an alert says so, and ends when they are whole', async () => {
  const homelab = homelabWithCeph()
  const wake = { stableAfter: '0s', retryInterval: '5ms', giveUpAfter: '1s', storageTimeout: '80ms' }
  await using it = startAgent(homelab, { power: { shed: batch, wake } })
  await fails(it)
  homelab.before = undefined
  homelab.healing = 1_000_000
  await it.reads(online)
  await isOver(homelab)
  await it.agent.idle()
  expect(homelab.storageSettings.map(({ value }) => value)).toEqual(flags.map(() => 'unset'))
  expect(undoing(homelab)).toContain('scale media/films to 2')
  expect(it.agent.alerts.find('storage.recovery')).toMatchObject({
    severity: 'warning',
    text: expect.stringMatching(/^storage did not become whole in time .*placement groups are not whole yet: 3 active/),
  })
  expect(await it.run('wake-cluster')).toMatchObject({
    kind: 'later',
    reason: expect.stringMatching(/^storage is not whole yet: placement groups/),
  })
  homelab.healing = 0
  await it.run('wake-cluster')
  expect(it.agent.alerts.find('storage.recovery')).toBeUndefined()
})

test('storage that was given up is waited for again after the next power cut', async () => {
  const homelab = homelabWithCeph()
  homelab.deaf.add('w-1')
  const wake = { stableAfter: '0s', retryInterval: '5ms', giveUpAfter: '50ms', storageTimeout: '60ms' }
  await using it = startAgent(homelab, { power: { wake } })
  await fails(it)
  homelab.before = undefined
  homelab.healing = 1_000_000
  await it.reads(online)
  await waitFor('it to be given up', 5_000, () => homelab.ports.journal.openOutage()?.storageGivenUp === true)
  await it.reads(low)
  await it.agent.idle()
  expect(homelab.storageSettings.map(({ value }) => value)).toEqual(flags.map(() => 'set'))
  expect(homelab.ports.journal.openOutage()?.storageGivenUp).toBeUndefined()
})

test.each([-400, 400])(
  'a wall clock that jumps by %d days in the middle of an outage changes nothing but its record',
  async (days) => {
    const homelab = fakeHomelab(two, { hosts: ['nas'] })
    let offset = 0
    await using it = startAgent(homelab, { hosts: [nas], now: () => new Date(Date.now() + offset) })
    homelab.before = async (entry) => {
      if (entry === 'drain w-1') offset += days * 86_400_000
      if (entry === 'wake w-1') offset -= days * 86_400_000
    }
    await fails(it)
    expect([...homelab.machines.values()].some(({ up }) => up)).toBe(false)
    expect(homelab.diary.at(-1)).toBe('log-out')
    await it.reads(online)
    await isOver(homelab)
    expect([...homelab.machines.values()].every(({ up, unschedulable }) => up && !unschedulable)).toBe(true)
  },
)
