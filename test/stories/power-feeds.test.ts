import { expect, test } from 'vitest'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { low, onBattery, online, three } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

const feeds: Readonly<Record<string, object>> = {
  'cp-1': { any: ['rack', 'shelf'] },
  'cp-2': { any: ['rack', 'shelf'] },
  'cp-3': { powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 },
  'w-1': { any: ['rack'] },
  'w-2': { all: ['rack', 'shelf'] },
}

function start(): { homelab: FakeHomelab; it: StartedAgent } {
  const homelab = fakeHomelab(three, { upses: ['rack', 'shelf'] })
  const it = startAgent(homelab, {
    upses: ['rack', 'shelf'],
    node: (name) => ({ feed: feeds[name] }),
    power: { shutdownTimeout: '200ms' },
  })
  return { homelab, it }
}
async function mains({ reads, agent }: StartedAgent): Promise<void> {
  await reads(online, 1_000, 'rack')
  await reads(online, 0, 'shelf')
  await agent.idle()
}
const running = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)
const did = ({ diary }: FakeHomelab, verb: string) =>
  diary.filter((entry) => entry.startsWith(`${verb} `)).map((entry) => entry.slice(verb.length + 1))
const record = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]

test('one UPS of two may fail: only what hangs on it alone, or needs both, goes down', async () => {
  const { homelab, it } = start()
  await using _ = it
  await mains(it)
  await it.reads(onBattery, 1_000, 'shelf')
  await it.reads(low, 1_000, 'shelf')
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1'])
  expect(did(homelab, 'cordon')).toEqual(['w-2'])
  expect(did(homelab, 'drain')).toEqual(['w-2'])
  // Only the one that fails has somebody who waits for us.
  expect(homelab.diary.filter((entry) => entry.startsWith('log-out'))).toEqual(['log-out shelf'])
  await it.reads(online, 1_000, 'shelf')
  await waitFor('the outage to be over', 5_000, () => record(homelab)?.stage === 'over')
  expect(did(homelab, 'wake')).toEqual(['w-2'])
})

test('when the second one fails too everything else follows, and what is down already is not told again', async () => {
  const { homelab, it } = start()
  await using _ = it
  await mains(it)
  await it.reads(low, 1_000, 'rack')
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'cp-2', 'cp-3'])
  await it.reads(low, 1_000, 'shelf')
  await waitFor('everything to be off', 5_000, () => running(homelab).length === 0)
  await it.agent.idle()
  expect(did(homelab, 'shut-down').toSorted()).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2'])
  await mains(it)
  await waitFor('the outage to be over', 5_000, () => record(homelab)?.stage === 'over')
  expect(running(homelab)).toHaveLength(5)
})

test('of two that failed the first to come back brings its own machines back, and the others stay down', async () => {
  const { homelab, it } = start()
  await using _ = it
  await mains(it)
  await it.reads(low, 1_000, 'rack')
  await it.reads(low, 0, 'shelf')
  await waitFor('everything to be off', 5_000, () => record(homelab)?.stage === 'stopped')
  await it.reads(online, 1_000, 'rack')
  const back = ['cp-1', 'cp-2', 'cp-3', 'w-1']
  await waitFor('what the rack carries', 5_000, () => running(homelab).join() === back.join())
  await waitFor('them to be on record as back', 5_000, () =>
    back.every((name) => record(homelab)?.nodes[name]?.state === 'back'),
  )
  expect(homelab.machine('w-2').up).toBe(false)
  // The watch on what must stay down takes the cluster from nobody, and what is back is left alone.
  await it.agent.idle()
  const done = homelab.diary.length
  for (let turn = 0; turn < 5; turn++) {
    await it.run('shut-down-cluster')
    await it.run('wake-cluster')
  }
  expect(homelab.diary.slice(done)).toEqual([])
  expect(record(homelab)?.nodes['w-1']?.state).toBe('back')
  await it.reads(online, 1_000, 'shelf')
  await waitFor('the outage to be over', 5_000, () => record(homelab)?.stage === 'over')
  expect(homelab.machine('w-2')).toMatchObject({ up: true, unschedulable: false })
})

test('a UPS that is silent is not taken for one that fails, nor for mains', async () => {
  const { homelab, it } = start()
  await using _ = it
  await it.reads(online, 1_000, 'shelf')
  await it.silent(60_000, 'rack')
  await it.agent.idle()
  expect(running(homelab)).toHaveLength(5)
  await it.reads(low, 1_000, 'shelf')
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1'])
})

test('what was woken while the other UPS is still down goes down again when its own fails again', async () => {
  const { homelab, it } = start()
  await using _ = it
  await mains(it)
  await it.reads(low, 1_000, 'rack')
  await it.reads(low, 0, 'shelf')
  await waitFor('everything to be off', 5_000, () => record(homelab)?.stage === 'stopped')
  await it.reads(online, 1_000, 'rack')
  await waitFor('w-1 to be back', 5_000, () => record(homelab)?.nodes['w-1']?.state === 'back')
  await it.agent.idle()
  await it.reads(low, 1_000, 'rack')
  await waitFor('everything to be off again', 5_000, () => running(homelab).length === 0)
  await it.agent.idle()
  // And the primary hears of it again.
  expect(homelab.diary.filter((entry) => entry === 'log-out rack')).toHaveLength(2)
})

test('an outage is not over while a machine in it is without its power: nothing is forgotten', async () => {
  const { homelab, it } = start()
  await using _ = it
  homelab.storageSettings.push({ system: 'ceph', namespace: 'rook-ceph', name: 'noout', value: 'unset', during: 'set' })
  await mains(it)
  await it.reads(onBattery, 1_000, 'rack')
  homelab.before = async (entry) => {
    if (entry === 'drain w-2') await it.reads(online, 1_000, 'shelf')
  }
  await it.reads(low, 1_000, 'shelf')
  await it.agent.idle()
  await it.run('wake-cluster')
  expect(record(homelab)?.stage).not.toBe('over')
  homelab.before = undefined
  await it.reads(online, 1_000, 'rack')
  await waitFor('the outage to be over', 10_000, () => record(homelab)?.stage === 'over')
  expect(homelab.storageSettings[0]?.value).toBe('unset')
  expect(homelab.machine('w-2').unschedulable).toBe(false)
})

test('after a restart only the UPS that had failed goes on failing: the other is as innocent as before', async () => {
  const { homelab, it: first } = start()
  await mains(first)
  await first.reads(low, 1_000, 'rack')
  await waitFor('w-1 to be off', 5_000, () => record(homelab)?.stage === 'stopped')
  first.die()
  void first.agent.stop()
  await using second = startAgent(homelab, {
    upses: ['rack', 'shelf'],
    node: (name) => ({ feed: feeds[name] }),
    power: { shutdownTimeout: '200ms', onBatteryAfter: '5s' },
  })
  await second.reads(low, 1_000, 'rack')
  for (let turn = 0; turn < 40; turn++) await second.silent(1_000, 'shelf')
  await second.reads(onBattery, 1_000, 'shelf')
  await second.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'cp-2', 'cp-3'])
})

test('a dead machine on one UPS keeps no machine on the other waiting', async () => {
  const { homelab, it } = start()
  await using _ = it
  homelab.deaf.add('w-1')
  await mains(it)
  await it.reads(low, 1_000, 'rack')
  await it.reads(low, 0, 'shelf')
  await waitFor('everything to be off', 5_000, () => record(homelab)?.stage === 'stopped')
  await it.reads(online, 1_000, 'rack')
  await waitFor('w-1 to be woken', 5_000, () => homelab.diary.includes('wake w-1'))
  const at = homelab.diary.length
  await it.reads(online, 1_000, 'shelf')
  await waitFor('w-2 to be back', 5_000, () => record(homelab)?.nodes['w-2']?.state === 'back')
  // It was not given up first, which takes a second here: packets go out every 5 ms.
  expect(homelab.diary.slice(at).filter((entry) => entry === 'wake w-1').length).toBeLessThan(150)
})

test('load that was shed stays so while one UPS of two is on battery', async () => {
  const homelab = fakeHomelab(three, { upses: ['rack', 'shelf'] })
  homelab.scalables.push({
    kind: 'Deployment',
    namespace: 'media',
    name: 'films',
    labels: { tier: 'batch' },
    replicas: 3,
  })
  await using it = startAgent(homelab, {
    upses: ['rack', 'shelf'],
    node: (name) => ({ feed: { any: [name.startsWith('w') ? 'rack' : 'shelf'] } }),
    power: { shed: [{ selector: 'tier=batch' }], shedAfter: '0s' },
  })
  await mains(it)
  await it.reads(onBattery, 1_000, 'rack')
  await it.reads(onBattery, 0, 'shelf')
  await waitFor('load to be shed', 5_000, () => homelab.scalables[0]?.replicas === 0)
  await it.reads(online, 1_000, 'rack')
  await it.agent.idle()
  expect(homelab.scalables[0]?.replicas).toBe(0)
  await it.reads(online, 1_000, 'shelf')
  await waitFor('the end', 10_000, () => homelab.scalables[0]?.replicas === 3)
})

test('a UPS that falls silent when mains power fails is not counted on once the other one ends', async () => {
  const { homelab, it } = start()
  await using _ = it
  await mains(it)
  await it.reads(onBattery, 1_000, 'shelf')
  await it.silent(31_000, 'rack')
  await it.reads(onBattery, 0, 'shelf')
  expect(running(homelab)).toHaveLength(5)
  await it.reads(low, 1_000, 'shelf')
  await waitFor('what both feed to be off', 5_000, () => running(homelab).join() === 'w-1')
})
