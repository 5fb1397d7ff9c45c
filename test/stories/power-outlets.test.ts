import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { startAgent, type StartedAgent, type StartOptions } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { personAt } from '../fakes/person.ts'
import { low, onBattery, online, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

/** The user has tried that this UPS switches its outlets off, and on again with mains. */
const verified = { user: 'u', password: { env: 'P' }, cutPower: { verified: true } }
const nas = { name: 'nas', nas: true, shutdownTimeout: '1s' }

async function fails(it: StartedAgent, label?: string): Promise<void> {
  await it.reads(online, 1_000, label)
  await it.reads(onBattery, 1_000, label)
  await it.reads(low, 1_000, label)
  await it.agent.idle()
}
const cuts = ({ diary }: FakeHomelab) => diary.filter((entry) => entry.startsWith('shutdown.return'))
const downs = ({ diary }: FakeHomelab) => diary.filter((entry) => entry.startsWith('shut-down'))
const running = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)

describe('outlets stay on while something that hangs on them may be running', () => {
  /** The order to shut down does not reach this machine. */
  const unreachable = (homelab: FakeHomelab, order: string) => {
    homelab.before = (entry) => {
      if (entry === order) throw new AgentError('unreachable', `${order}: no route to host`)
    }
  }

  test.for([
    { machine: 'a worker', order: 'shut-down w-1', name: 'w-1' },
    { machine: 'a control plane', order: 'shut-down cp-1', name: 'cp-1' },
    { machine: 'the NAS', order: 'shut-down-host nas', name: 'nas' },
    { machine: 'another host', order: 'shut-down-host proxmox', name: 'proxmox' },
  ])('$machine that no order reached', async ({ order, name }) => {
    const homelab = fakeHomelab(two, { hosts: ['nas', 'proxmox'] })
    unreachable(homelab, order)
    await using it = startAgent(homelab, { ups: verified, hosts: [nas, { name: 'proxmox', shutdownTimeout: '1s' }] })
    await fails(it)
    expect(homelab.ports.journal.openOutage()?.nodes[name]).toMatchObject({ wasUp: true, state: 'unreached' })
    // Everything else went down.
    expect(downs(homelab)).toHaveLength(3)
    expect(cuts(homelab)).toEqual([])
  })

  test('and not for one that was off before, though no order reached it', async () => {
    const homelab = fakeHomelab({ ...two, 'off-1': 'worker' }, { hosts: ['nas'] })
    homelab.machine('off-1').up = false
    homelab.hosts.get('nas')!.up = false
    await using it = startAgent(homelab, { ups: verified, hosts: [nas] })
    await fails(it)
    expect(downs(homelab)).toEqual(['shut-down w-1', 'shut-down cp-1'])
    expect(cuts(homelab)).toEqual(['shutdown.return'])
  })

  test('nor for one that hangs on its way down: it has had its time', async () => {
    const homelab = fakeHomelab(two)
    homelab.machine('w-1').hangs = true
    await using it = startAgent(homelab, { ups: verified, power: { shutdownTimeout: '200ms' } })
    await fails(it)
    expect(homelab.ports.journal.openOutage()?.nodes['w-1']?.state).toBe('abandoned')
    expect(cuts(homelab)).toEqual(['shutdown.return'])
  })
})

describe('outlets stay on while others depend on them', () => {
  /** `hanging` goes down with the rack, `staying` has another UPS beside it that carries it. */
  const start = (staying: object, options: StartOptions = {}) => {
    const homelab = fakeHomelab(two, { upses: ['rack', 'shelf'] })
    const feed = (name: string) => ({ feed: name === 'w-1' ? { any: ['rack'] } : staying })
    const it = startAgent(homelab, { upses: ['rack', 'shelf'], ups: verified, node: feed, ...options })
    return { homelab, it }
  }

  test.for([
    { feed: { any: ['rack', 'shelf'] }, words: 'either of two UPSes' },
    { feed: { powerValue: { rack: 1, shelf: 2 }, minSupplies: 2 }, words: 'a weak supply beside a strong one' },
    { feed: { powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 }, words: 'one of two supplies' },
  ])('a node with $words', async ({ feed }) => {
    const { homelab, it } = start(feed)
    await using _ = it
    await it.reads(online, 0, 'shelf')
    await fails(it, 'rack')
    expect(running(homelab)).toEqual(['cp-1'])
    expect(cuts(homelab)).toEqual([])
    // Once it is down as well nothing depends on either.
    await it.reads(low, 1_000, 'shelf')
    await waitFor('everything to be off', 5_000, () => running(homelab).length === 0)
    await it.agent.idle()
    expect(cuts(homelab).toSorted()).toEqual(['shutdown.return rack', 'shutdown.return shelf'])
  })

  test('a host that is no node', async () => {
    const homelab = fakeHomelab(two, { upses: ['rack', 'shelf'], hosts: ['nas'] })
    await using it = startAgent(homelab, {
      upses: ['rack', 'shelf'],
      ups: verified,
      node: () => ({ feed: { any: ['rack'] } }),
      hosts: [{ ...nas, feed: { any: ['rack', 'shelf'] } }],
    })
    await it.reads(online, 0, 'shelf')
    await fails(it, 'rack')
    expect(running(homelab)).toEqual([])
    expect(homelab.hosts.get('nas')?.up).toBe(true)
    expect(cuts(homelab)).toEqual([])
  })

  test('only those of the UPS that fails are switched off, where each has machines of its own', async () => {
    const { homelab, it } = start({ any: ['shelf'] })
    await using _ = it
    await it.reads(online, 0, 'shelf')
    await fails(it, 'rack')
    expect(running(homelab)).toEqual(['cp-1'])
    expect(cuts(homelab)).toEqual(['shutdown.return rack'])
  })
})

test('outlets of a UPS that is on mains stay on, though all that it feeds went down with another one', async () => {
  const homelab = fakeHomelab(two, { upses: ['rack', 'shelf'] })
  await using it = startAgent(homelab, {
    upses: ['rack', 'shelf'],
    ups: verified,
    node: (name) => ({ feed: name === 'w-1' ? { all: ['rack', 'shelf'] } : { any: ['shelf'] } }),
  })
  await it.reads(online, 0, 'rack')
  await fails(it, 'shelf')
  expect(running(homelab)).toEqual([])
  expect(cuts(homelab)).toEqual(['shutdown.return shelf'])
})

describe('outlets stay on where a person requested the shutdown', () => {
  test('on mains', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, { ups: verified })
    await it.reads(online)
    await personAt(homelab, it).shutDown()
    await waitFor('everything to be off', 5_000, () => running(homelab).length === 0)
    await it.agent.idle()
    expect(cuts(homelab)).toEqual([])
  })

  test('although the battery gets low while it is carried out: with mains the UPS would start what is to stay off', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, { ups: verified })
    await it.reads(online)
    homelab.before = async (entry) => {
      if (entry === 'cordon w-1') await it.reads(low)
    }
    await personAt(homelab, it).shutDown()
    await waitFor('everything to be off', 5_000, () => running(homelab).length === 0)
    await it.agent.idle()
    expect(it.agent.guard.power.upses.get('ups')?.mode).toBe('critical')
    expect(downs(homelab)).toEqual(['shut-down w-1', 'shut-down cp-1'])
    expect(cuts(homelab)).toEqual([])
  })

  test('although the battery was low before they did', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, { ups: verified })
    await it.reads(online)
    homelab.before = async (entry) => {
      if (entry === 'cordon w-1') await personAt(homelab, it).shutDown()
    }
    await it.reads(low)
    await waitFor('everything to be off', 5_000, () => running(homelab).length === 0)
    await it.agent.idle()
    expect(cuts(homelab)).toEqual([])
  })
})

test('a UPS that promises more once its load is gone gives no phase more time than the first figure did', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  homelab.before = async (entry) => {
    // Three readings alike: the best of three counts.
    if (entry === 'cordon w-1')
      for (let reading = 0; reading < 3; reading++) await it.reads({ ...low, runtime: 9_000_000 })
  }
  await it.reads({ ...low, runtime: 600_000 })
  await it.agent.idle()
  const said = homelab.ports.journal
    .entries(200)
    .flatMap(({ text }) => /the battery has (\d+ \w+) left/.exec(text)?.[1] ?? [])
  expect(said.length).toBeGreaterThan(1)
  for (const left of said) expect(left).toMatch(/^(10 min|[1-5]?\d?\d s)$/)
})
