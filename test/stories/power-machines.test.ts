import { createTurns } from '../../src/adapters/machines/turns.ts'
import { expect, test } from 'vitest'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { low, onBattery, online, three, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

const nas = { name: 'nas', nas: true, shutdownTimeout: '1s' }
const proxmox = { name: 'proxmox', shutdownTimeout: '1s' }

async function fails(it: StartedAgent): Promise<void> {
  await it.reads(online)
  await it.reads(onBattery)
  await it.reads(low)
  await it.agent.idle()
}
const stage = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]?.stage
const isOver = (homelab: FakeHomelab) => waitFor('the outage to be over', 5_000, () => stage(homelab) === 'over')
const did = ({ diary }: FakeHomelab, ...verbs: string[]) =>
  diary.filter((entry) => verbs.some((verb) => entry.startsWith(`${verb} `)))

test('workers go, then those with storage, control planes, other hosts, and the NAS; it is the first to come back', async () => {
  const homelab = fakeHomelab({ ...three, 's-1': 'worker' }, { hosts: ['nas', 'proxmox'] })
  await using it = startAgent(homelab, {
    hosts: [nas, proxmox],
    node: (name) => (name === 's-1' ? { storage: true } : {}),
  })
  await fails(it)
  const order = did(homelab, 'shut-down', 'shut-down-host').map((entry) => entry.split(' ')[1])
  expect(order.slice(0, 2).join()).toMatch(/^w-[12],w-[12]$/)
  expect(order[2]).toBe('s-1')
  expect(new Set(order.slice(3, 6))).toEqual(new Set(['cp-1', 'cp-2', 'cp-3']))
  expect(order.slice(6)).toEqual(['proxmox', 'nas'])
  expect(homelab.diary.at(-1)).toBe('log-out')
  homelab.diary.length = 0
  await it.reads(online)
  await isOver(homelab)
  expect(did(homelab, 'wake')[0]).toBe('wake nas')
  expect([...homelab.hosts.values()].every(({ up }) => up)).toBe(true)
})

test('a NAS that was off before is neither told nor woken, and one that hangs is given up', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas', 'proxmox'] })
  homelab.hosts.get('proxmox')!.up = false
  homelab.hosts.get('nas')!.hangs = true
  await using it = startAgent(homelab, { hosts: [{ ...nas, shutdownTimeout: '300ms' }, proxmox] })
  await fails(it)
  expect(did(homelab, 'shut-down-host')).toEqual(['shut-down-host nas'])
  expect(homelab.ports.journal.openOutage()?.nodes).toMatchObject({ nas: { state: 'abandoned' } })
  await it.reads(online)
  await isOver(homelab)
  expect(did(homelab, 'wake')).not.toContain('wake proxmox')
})

test('a machine that is renamed in the configuration while it is down is woken under its new name', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  {
    await using it = startAgent(homelab, { hosts: [nas] })
    await fails(it)
    expect(homelab.hosts.get('nas')?.up).toBe(false)
  }
  homelab.hosts.set('storage', homelab.hosts.get('nas')!)
  homelab.diary.length = 0
  await using it = startAgent(homelab, { hosts: [{ ...nas, name: 'storage' }] })
  await it.reads(online)
  await it.run('wake-cluster')
  await isOver(homelab)
  expect(did(homelab, 'wake')[0]).toBe('wake storage')
  expect(homelab.hosts.get('storage')?.up).toBe(true)
  expect(homelab.ports.journal.entries(50).map(({ text }) => text)).toContain(
    'nas is called storage now, also in the open outage',
  )
})

test('a machine that no packet wakes is switched on another way, after the time that packets had', async () => {
  const homelab = fakeHomelab(two)
  homelab.deaf.add('w-1')
  const powerOn = { powerOn: { command: ['ipmitool', 'power', 'on'] }, powerOnAfter: '30ms' }
  await using it = startAgent(homelab, {
    node: (name) => (name === 'w-1' ? { wake: powerOn, mac: '00:1b:21:3a:4f:01' } : {}),
  })
  await fails(it)
  homelab.diary.length = 0
  await it.reads(online)
  await isOver(homelab)
  expect(
    did(homelab, 'wake', 'power-on')
      .filter((entry) => entry.endsWith('w-1'))
      .at(-1),
  ).toBe('power-on w-1')
  expect(homelab.machine('w-1').up).toBe(true)
})

test('machines are woken some time apart, and each has as long as ever from its turn on', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker' })
  const stagger = 60
  const turns = createTurns(() => stagger)
  const dueAt: number[] = []
  const wokenAt: number[] = []
  const { wake } = homelab.ports.waker
  homelab.ports.waker.turnIn = async (machine) => {
    const waits = turns(machine)
    dueAt.push(performance.now() + waits)
    return waits
  }
  homelab.ports.waker.wake = async (machine, signal) => {
    wokenAt.push(performance.now())
    await wake(machine, signal)
  }
  await using it = startAgent(homelab, {
    power: { wake: { stableAfter: '0s', retryInterval: '10s', giveUpAfter: '20s' } },
    node: (name) => ({ mac: `00:1b:21:3a:4f:${name.startsWith('cp') ? 1 : 2}${name.at(-1)}` }),
  })
  await fails(it)
  await it.reads(online)
  await isOver(homelab)
  expect(wokenAt).toHaveLength(3)
  expect(dueAt).toHaveLength(3)
  // Timers may be a moment early, and on a busy machine each is late in its own way.
  for (const [index, at] of dueAt.entries()) expect(wokenAt[index]).toBeGreaterThan(at - 5)
  for (const [index, at] of dueAt.slice(1).entries()) expect(at - dueAt[index]!).toBeGreaterThan(stagger - 5)
})

test('a machine that nothing wakes is named, and the others are uncordoned', async () => {
  const homelab = fakeHomelab(two)
  homelab.deaf.add('w-1')
  await using it = startAgent(homelab, {
    power: {
      wake: {
        stableAfter: '0s',
        minimumRuntime: '0s',
        unknownChargeAfter: '0s',
        retryInterval: '5ms',
        giveUpAfter: '100ms',
      },
    },
  })
  await fails(it)
  await it.reads(online)
  const alerts = () => homelab.ports.journal.entries(100).filter(({ kind }) => kind === 'alert')
  await waitFor('an alert', 5_000, () => alerts().some(({ text }) => text.includes('press its power button')))
  expect(homelab.machine('cp-1')).toMatchObject({ up: true, unschedulable: false })
  homelab.deaf.clear()
  homelab.machine('w-1').up = true
  homelab.machine('w-1').stage = 'running'
  await isOver(homelab)
})

test('the UPS is told to switch its outlets off only where the user has tried it, and last of all', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { ups: { user: 'u', password: { env: 'P' }, cutPower: { verified: true } } })
  await fails(it)
  expect(homelab.diary.filter((entry) => /shut|log/.test(entry))).toEqual([
    'shut-down w-1',
    'shut-down cp-1',
    'shutdown.return',
    'log-out',
  ])
})

test('where its server runs on the NAS, the UPS is told before that goes', async () => {
  const homelab = fakeHomelab(two, { hosts: ['nas'] })
  await using it = startAgent(homelab, {
    hosts: [{ ...nas, address: '10.0.0.99' }],
    ups: { user: 'u', password: { env: 'P' }, cutPower: { verified: true } },
  })
  await fails(it)
  expect(homelab.diary.slice(-3)).toEqual(['shutdown.return', 'shut-down-host nas', 'log-out'])
})

test('outlets that were switched off are waited for before anything is woken', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { ups: { user: 'u', password: { env: 'P' }, cutPower: { verified: true } } })
  await fails(it)
  await it.reads(online)
  await it.agent.idle()
  await it.run('wake-cluster')
  expect(did(homelab, 'wake')).toEqual([])
  it.passes(181_000)
  await it.reads(online)
  await it.run('wake-cluster')
  expect(stage(homelab)).toBe('over')
})

test('workloads that can be spared are scaled to nothing early, and get their replicas back with mains', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { shed: [{ selector: 'tier=batch' }], shedAfter: '30s' } })
  const { kubernetes } = homelab.ports
  const replicas = new Map([['media', 3]])
  kubernetes.scalable = async () =>
    [...replicas]
      .filter(([, count]) => count > 0)
      .map(([name, count]) => ({ kind: 'Deployment', namespace: 'default', name, replicas: count }))
  kubernetes.scale = async ({ name }, count) => void replicas.set(name, count)
  await it.reads(online)
  await it.reads(onBattery)
  await it.agent.idle()
  expect(replicas.get('media')).toBe(3)
  it.passes(31_000)
  await it.reads(onBattery)
  await it.run('shed-load')
  expect(replicas.get('media')).toBe(0)
  expect(stage(homelab)).toBe('shedding')
  await it.reads(low)
  await it.agent.idle()
  expect(stage(homelab)).toBe('stopped')
  expect(homelab.ports.journal.openOutage()?.reason).toBe('low-battery')
  await it.reads(online)
  await isOver(homelab)
  expect(replicas.get('media')).toBe(3)
})
