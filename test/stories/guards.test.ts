import { describe, expect, test } from 'vitest'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { begin, finish, offered, texts } from '../fakes/rollout.ts'
import { onBattery, online, two } from '../fakes/stories.ts'

/** What is looked at once more right before each step that can't be taken back. */

const five = {
  'cp-1': 'controlplane',
  'cp-2': 'controlplane',
  'cp-3': 'controlplane',
  'w-1': 'worker',
} as const

/** Runs `then` once, just before the n-th time that a node is confirmed: storage is asked for that after the drain. */
function atConfirm(homelab: FakeHomelab, nth: number, then: () => void | Promise<void>): void {
  const { kubernetes } = homelab.ports
  const { storage } = kubernetes
  let seen = 0
  Object.assign(kubernetes, {
    storage: async (signal: AbortSignal) => {
      const isConfirm = homelab.diary.some((entry) => entry.startsWith('drain '))
      if (isConfirm && ++seen === nth) await then()
      return storage(signal)
    },
  })
}

describe('a UPS on battery keeps from beginning', () => {
  test.each<{ phase: string; after: string | number; never: string; node?: string }>([
    { phase: 'the snapshot of etcd', after: 'pull-image cp-1 v1.14.1', never: 'snapshot-etcd', node: 'cp-2' },
    { phase: 'the cordon', after: 'pull-image cp-1 v1.14.1', never: 'cordon w-1' },
    { phase: 'the drain', after: 'cordon w-1', never: 'drain w-1' },
    { phase: 'the confirmation', after: 'drain w-1', never: 'install w-1' },
    { phase: 'the installer', after: 1, never: 'install w-1' },
    { phase: 'the confirmation of an armed node', after: 'install w-1', never: 'reboot w-1' },
    { phase: 'the reboot', after: 2, never: 'reboot w-1' },
    {
      phase: "the handover of etcd's leadership",
      after: 'install cp-1',
      never: 'forfeit-leadership cp-1',
      node: 'cp-1',
    },
  ])('$phase', async ({ after, never, node = 'w-1' }) => {
    const homelab = fakeHomelab(five, offered)
    await using it = await begin(homelab)
    // What comes before this node is done already.
    const order = ['w-1', 'cp-2', 'cp-3', 'cp-1']
    for (const name of order.slice(0, order.indexOf(node))) expect(await it.next()).toContain(`${name} runs v1.14.1`)
    const { snapshot: _, ...record } = homelab.ports.journal.openRollout() ?? {}
    if ('id' in record && node === 'cp-2') homelab.ports.journal.saveRollout(record)
    homelab.diary.splice(0)
    const fails = () => it.reads(onBattery)
    if (typeof after === 'number') atConfirm(homelab, after, fails)
    else
      homelab.before = async (entry) => {
        if (entry === after) await fails()
      }
    expect(await it.next()).toContain('the UPS is on battery')
    expect(homelab.diary.filter((entry) => entry.startsWith(never))).toEqual([])
    homelab.before = undefined
    await it.reads(online, 60_000)
    await it.reads(online, 60_000)
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('a rollback that was requested', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    await it.next()
    await it.control.rollback('w-1', false)
    homelab.before = async (entry) => {
      if (entry === 'drain w-1') await it.reads(onBattery)
    }
    await it.next()
    expect(homelab.diary).not.toContain('roll-back w-1')
  })
})

test('a node that turns out to hold the last replica of a volume after its drain is not installed', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry !== 'drain w-1') return
    homelab.storage = {
      ...homelab.storage,
      systems: ['longhorn'],
      lastReplicas: new Map([['w-1', ['pvc-1 (media/films)']]]),
    }
  }
  expect(await it.next()).toContain('it holds the last healthy replica of pvc-1 (media/films)')
  expect(homelab.diary).not.toContain('install w-1')
})

describe('a node that has another boot than the one that was to end', () => {
  const rebooted = (homelab: FakeHomelab) => {
    const machine = homelab.machine('w-1')
    Object.assign(machine, {
      before: { version: machine.version, schematic: machine.schematic },
      ...machine.installed,
      boots: machine.boots + 1,
    })
  }

  test('is not rebooted once more on its way forward', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    atConfirm(homelab, 2, () => rebooted(homelab))
    expect(await it.next()).toBe('w-1 runs v1.14.1; on to the next')
    expect(homelab.diary).not.toContain('reboot w-1')
    expect(homelab.machine('w-1').boots).toBe(2)
  })

  test('is not upgraded by the one call of Talos 1.12 once more', async () => {
    const homelab = fakeHomelab(two, { version: 'v1.12.11', versions: ['v1.12.11', 'v1.13.9'] })
    homelab.kubernetesVersion = 'v1.35.4'
    await using it = await begin(homelab)
    atConfirm(homelab, 1, () => {
      homelab.machine('w-1').installed = { ...homelab.machine('w-1').installed, version: 'v1.13.9' }
      rebooted(homelab)
    })
    expect(await it.next()).toBe('w-1 runs v1.13.9; on to the next')
    expect(homelab.diary).not.toContain('install-and-reboot w-1')
  })

  test('is not rolled back once more', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    await it.next()
    await it.control.rollback('w-1', false)
    homelab.before = (entry) => {
      if (entry !== 'drain w-1') return
      const machine = homelab.machine('w-1')
      Object.assign(machine, { ...machine.before, installed: machine.before, boots: machine.boots + 1 })
    }
    await it.next()
    await it.next()
    expect(homelab.diary).not.toContain('roll-back w-1')
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', unschedulable: false })
  })
})

test('a rollback waits for another agent that holds the Lease', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  await it.next()
  homelab.lease = { holder: 'another', purpose: 'upgrade', lasts: 60_000, until: Date.now() + 60_000 }
  await it.control.rollback('w-1', false)
  expect(await it.next()).toContain('another holds the Lease (upgrade)')
  expect(homelab.diary).not.toContain('roll-back w-1')
  expect(texts(homelab, 'alert').join()).toContain('another holds the Lease')
  homelab.lease = undefined
  await it.next()
  expect(homelab.machine('w-1').version).toBe('v1.13.9')
})

describe('a node that is on its way down by somebody else’s hand', () => {
  test('is not told to reboot', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '30ms' } })
    atConfirm(homelab, 2, () => void (homelab.machine('w-1').stage = 'shutting down'))
    expect(await it.next()).toContain('it has not rebooted, and is shutting down')
    expect(homelab.diary).not.toContain('reboot w-1')
  })

  test('is not rolled back', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '30ms' } })
    await it.next()
    await it.control.rollback('w-1', false)
    homelab.before = (entry) => {
      if (entry === 'drain w-1') homelab.machine('w-1').stage = 'shutting down'
    }
    await it.next()
    expect(homelab.diary).not.toContain('roll-back w-1')
  })
})

test('a node remembers that an installer runs on it before that begins', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  const marks: unknown[] = []
  homelab.before = (entry) => {
    if (entry === 'install w-1') marks.push(homelab.machine('w-1').mark?.installer)
  }
  await it.next()
  expect(marks).toEqual(['started'])
})

test('a node that runs the release, and boots another one next, is not taken back into service', async () => {
  const homelab = fakeHomelab(two, offered)
  const { talos } = homelab.ports
  const { observe } = talos
  Object.assign(talos, {
    observe: async (...given: Parameters<typeof observe>) => {
      const facts = await observe(...given)
      return facts.version === 'v1.14.1' ? { ...facts, defaultEntry: 'Talos-v1.13.9.efi' } : facts
    },
  })
  await using it = await begin(homelab)
  expect(await it.next()).toContain('it runs v1.14.1 (Talos-v1.14.1.efi), but its next boot starts Talos-v1.13.9.efi')
  expect(homelab.machine('w-1').unschedulable).toBe(true)
})
