import { describe, expect, test } from 'vitest'
import { remembered } from '../../src/operations/facts.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { begin, finish, offered, texts } from '../fakes/rollout.ts'
import { three, two } from '../fakes/stories.ts'

/** The machine that is meant, the role that it runs in, and what its next boot starts. */

const orders = (homelab: FakeHomelab) =>
  homelab.diary.filter((entry) => /^(cordon|drain|install|reboot|roll-back|shut-down)/.test(entry))
const swap = ({ addresses }: FakeHomelab, one: string, other: string) => {
  addresses.set(one, other)
  addresses.set(other, one)
}

describe('addresses that lead to other machines', () => {
  test('hold every upgrade, and both machines are named', async () => {
    const homelab = fakeHomelab(three, offered)
    swap(homelab, 'w-1', 'w-2')
    await using it = await begin(homelab)
    expect(await it.next()).toMatch(/^w-1 is not the machine that answers at its address: that is w-2 \(machine id /)
    expect(orders(homelab)).toEqual([])
    expect(texts(homelab, 'alert').join()).toMatch(/w-2 is not the machine .* w-1 .*,w-1 is not the machine .* w-2 /)
    homelab.addresses.clear()
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test.each(['drain w-1', 'install w-1', 'reboot w-1'])(
    'from "%s" on touch no machine but the one that was cordoned',
    async (moment) => {
      const homelab = fakeHomelab(three, offered)
      await using it = await begin(homelab)
      homelab.before = (entry) => {
        if (entry === moment) swap(homelab, 'w-1', 'w-2')
      }
      await it.next()
      homelab.before = undefined
      for (let run = 0; run < 4; run++) await it.next()
      // What is under way at this moment reaches the machine that was meant; nothing reaches the other one.
      expect(orders(homelab).filter((entry) => entry.endsWith(' w-2'))).toEqual([])
      expect(homelab.machine('w-2')).toMatchObject({ boots: 1, installed: { version: 'v1.13.9' } })
      homelab.addresses.clear()
      expect(await finish(it)).toBe('every node runs v1.14.1')
      expect(homelab.machine('w-2').boots).toBe(2)
    },
  )

  test('are no failed attempt and no rollback of the node', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '30ms' } })
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') homelab.machine('w-1').rebootIgnored = true
    }
    await it.next()
    homelab.before = undefined
    swap(homelab, 'w-1', 'w-2')
    for (let run = 0; run < 3; run++) await it.next()
    expect(homelab.machine('w-1').attempts?.failure).toBeUndefined()
    homelab.addresses.clear()
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('by the very reboot of an upgrade are no failure of the release', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab, { upgrade: { attempts: 1 } })
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') swap(homelab, 'w-1', 'w-2')
    }
    expect(await it.next()).toContain('w-1 is upgraded: it is not the machine that answers at its address: that is w-2')
    homelab.before = undefined
    expect(homelab.machine('w-1').attempts?.failure).toBeUndefined()
    homelab.addresses.clear()
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('let no other member of etcd hand its leadership over', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    for (let run = 0; run < 4; run++) await it.next()
    homelab.before = (entry) => {
      if (entry !== 'install cp-1') return
      swap(homelab, 'cp-1', 'cp-2')
      homelab.leader = 'cp-2'
    }
    expect(await it.next()).toContain("it can't go down now: it is not the machine that answers at its address")
    expect(homelab.diary.filter((entry) => entry.startsWith('forfeit'))).toEqual([])
  })

  test('do not send a rollback to the other machine', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    await it.next()
    await it.control.rollback('w-1', false)
    swap(homelab, 'w-1', 'w-2')
    expect(await it.next()).toContain('the rollback of w-1 waits: it is not the machine that answers at its address')
    expect(homelab.diary.filter((entry) => entry.startsWith('roll-back'))).toEqual([])
    homelab.addresses.clear()
    await it.next()
    expect(homelab.machine('w-1').version).toBe('v1.13.9')
  })

  test('keep no power cut from shutting everything down, and nobody from coming back', async () => {
    const homelab = fakeHomelab(three, { versions: ['v1.13.9'] })
    await using it = await begin(homelab)
    await it.reads({ status: ['OB', 'LB'], charge: 5, runtime: 30_000 })
    await it.reads({ status: ['OB', 'LB'], charge: 5, runtime: 30_000 })
    await it.agent.idle()
    expect([...homelab.machines.values()].some(({ up }) => up)).toBe(false)
    swap(homelab, 'w-1', 'w-2')
    await it.reads({ status: ['OL'], charge: 100, runtime: 3_600_000 })
    await it.agent.idle()
    expect([...homelab.machines.values()].every(({ up, unschedulable }) => up && !unschedulable)).toBe(true)
  })
})

describe('a node that comes back under another name in Kubernetes', () => {
  test('is named with both names, and not waited for blindly', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '5s' } })
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') homelab.machine('w-1').hostname = 'talos-x7f'
    }
    expect(await it.next()).toMatch(
      /^wait until w-1 is upgraded: it is registered in Kubernetes as talos-x7f \(the same machine id, [0-9a-f]{8}…\): give it the hostname w-1 again, or rename it in caretaker.yaml$/,
    )
    expect(texts(homelab, 'alert').join()).toContain('talos-x7f')
    homelab.machine('w-1').hostname = 'w-1'
    await it.control.retry('w-1')
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })
})

test('a node that is reinstalled in the middle of its upgrade is named, and taken as it is when a person says so', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry === 'reboot w-1') homelab.machine('w-1').machineId = 'f'.repeat(32)
  }
  await it.next()
  homelab.before = undefined
  expect(await it.next()).toMatch(
    /^stuck: w-1 was replaced or reinstalled after it was cordoned \(.*\): accept it with `kubectl uncordon w-1`$/,
  )
  homelab.machine('w-1').unschedulable = false
  expect(await finish(it)).toBe('every node runs v1.14.1')
})

describe('a kubelet that reports late', () => {
  test('is waited for: what Kubernetes says is of the boot before', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '5s' } })
    const ready: boolean[] = []
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') homelab.machine('w-1').kubeletLate = 3
      if (entry === 'uncordon w-1') ready.push(homelab.machine('w-1').kubeletLate === 0)
    }
    expect(await it.next()).toBe('w-1 runs v1.14.1; on to the next')
    expect(ready).toEqual([true])
  })
})

describe('nodes that run in another role than the configured one', () => {
  const roles = {
    'cp-1': 'controlplane',
    'cp-2': 'controlplane',
    'cp-3': 'controlplane',
    'w-1': 'worker',
  } as const
  const mistaken = (name: string) => (name === 'cp-2' || name === 'cp-3' ? { role: 'worker' } : {})

  test('hold every upgrade, with an alert, while the power is guarded', async () => {
    const homelab = fakeHomelab(roles, offered)
    await using it = await begin(homelab, { upgrade: { parallel: 2 }, node: mistaken })
    expect(await it.next()).toBe(
      'cp-2 is configured as a worker, and runs as a controlplane: correct its role in caretaker.yaml',
    )
    expect(orders(homelab)).toEqual([])
    expect(texts(homelab, 'alert').join()).toContain('cp-2 is configured as a worker')
    await it.reads({ status: ['OB', 'LB'], charge: 5, runtime: 30_000 })
    await it.reads({ status: ['OB', 'LB'], charge: 5, runtime: 30_000 })
    await it.agent.idle()
    expect([...homelab.machines.values()].every(({ up }) => !up)).toBe(true)
  })

  test('are no worker and no control plane by a rollback either', async () => {
    const homelab = fakeHomelab(roles, offered)
    await using it = await begin(homelab)
    await it.next()
    await it.control.rollback('w-1', false)
    homelab.machine('cp-2').machineType = 'worker'
    expect(await it.next()).toContain('cp-2 is configured as a controlplane, and runs as a worker')
    expect(homelab.diary).not.toContain('roll-back w-1')
  })

  test('are noticed in the middle: a node whose role changes after its drain is not rebooted', async () => {
    const homelab = fakeHomelab(roles, offered)
    await using it = await begin(homelab)
    homelab.before = (entry) => {
      if (entry === 'drain w-1') homelab.machine('w-1').machineType = 'controlplane'
    }
    expect(await it.next()).toContain('it runs as a controlplane, not as a worker')
    expect(homelab.diary).not.toContain('install w-1')
    expect(homelab.machine('w-1').attempts?.failure).toBeUndefined()
  })
})

test('a rehearsal of a power cut finds swapped addresses and wrong roles', async () => {
  const homelab = fakeHomelab(three, offered)
  swap(homelab, 'w-1', 'w-2')
  homelab.machine('cp-1').machineType = 'worker'
  await using it = await begin(homelab)
  await it.run('check-power')
  const checks = remembered.drill.recall(homelab.ports.journal)?.checks.filter(({ ok }) => !ok)
  const of = (subject: string) => checks?.flatMap((check) => (check.subject === subject ? [check.text] : [])).join()
  expect(of('w-1')).toContain('is not the machine that answers at its address: that is w-2')
  expect(of('w-2')).toContain('is not the machine that answers at its address: that is w-1')
  expect(of('cp-1')).toContain('runs as a worker and is configured as a controlplane')
})
