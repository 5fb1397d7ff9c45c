import { describe, expect, test } from 'vitest'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { begin, finish, offered, texts } from '../fakes/rollout.ts'
import { three, two } from '../fakes/stories.ts'

/** The machine that is meant, the role that it runs in, and what its next boot starts. */

const orders = (homelab: FakeHomelab) =>
  homelab.diary.filter((entry) => /^(cordon|drain|install|reboot|roll-back|shut-down)/.test(entry))

describe('what the next boot starts', () => {
  test('is remembered on a node whose boot loader does not tell: it is not installed twice', async () => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').bootloader = 'grub'
    {
      await using first = await begin(homelab)
      homelab.before = (entry) => {
        if (entry === 'reboot w-1') first.die()
      }
      await Promise.race([first.next(), diaryHas(homelab, 'reboot w-1')])
    }
    homelab.before = undefined
    Object.assign(homelab.machine('w-1'), {
      version: 'v1.13.9',
      installed: { version: 'v1.14.1', schematic: homelab.machine('w-1').schematic },
      boots: 1,
    })
    await using second = await begin(homelab)
    expect(await finish(second)).toBe('every node runs v1.14.1')
    expect(homelab.diary.filter((entry) => entry === 'install w-1')).toHaveLength(1)
  })

  test('by somebody else holds upgrades, and is told with the entry', async () => {
    const homelab = fakeHomelab(three, offered)
    homelab.machine('w-2').installed = { version: 'v1.12.11', schematic: 'b'.repeat(64) }
    await using it = await begin(homelab)
    expect(await it.next()).toMatch(/^w-2 has an upgrade installed that Caretaker did not start/)
    expect(orders(homelab)).toEqual([])
    expect(texts(homelab, 'alert').join()).toContain('w-2 starts another release at the next boot')
  })

  test('is verified after a rollback: a reboot that fails switches back, and a person hears of it', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.before = async (entry) => {
      if (entry === 'install w-1') await it.control.abort()
      if (entry === 'install w-1') homelab.machine('cp-1').kubeletIll = true
    }
    await it.next()
    homelab.before = undefined
    homelab.machine('cp-1').kubeletIll = false
    expect(homelab.machine('w-1').installed.version).toBe('v1.14.1')
    await it.control.rollback('w-1', false)
    homelab.machine('w-1').kexecRefused = true
    expect(await it.next()).toBe(
      'wait until w-1 is rolled back: the rollback failed: it booted v1.14.1, but should still run v1.13.9',
    )
    expect(await it.next()).toMatch(/^stuck: the rollback of w-1 failed: .*try again with `caretaker rollback w-1`/)
    expect(homelab.machine('w-1').unschedulable).toBe(true)
    // As the message says.
    await it.control.rollback('w-1', true)
    for (let run = 0; run < 3; run++) await it.next()
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', unschedulable: false })
  })

  test('and a rollback that did not work is left as it is when a person says so', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.before = async (entry) => {
      if (entry === 'install w-1') homelab.machine('cp-1').kubeletIll = true
    }
    await it.next()
    homelab.before = undefined
    homelab.machine('cp-1').kubeletIll = false
    await it.control.rollback('w-1', false)
    homelab.machine('w-1').kexecRefused = true
    await it.next()
    await it.control.retry('w-1')
    await it.next()
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.14.1', unschedulable: false })
  })
})

describe('a rollback and the quorum', () => {
  const roles = { 'cp-1': 'controlplane', 'cp-2': 'controlplane', 'cp-3': 'controlplane' } as const

  test('waits where an ill kubelet hides a member that carries it', async () => {
    const homelab = fakeHomelab(roles, offered)
    await using it = await begin(homelab)
    expect(await finish(it)).toBe('every node runs v1.14.1')
    homelab.storageVersion = '3.6.0'
    homelab.machine('cp-2').up = false
    homelab.machine('cp-1').kubeletIll = true
    const { said } = await it.control.rollback('cp-1', false)
    expect(said).toBe(
      "cp-1 will be rolled back from v1.14.1 to v1.13.9; waiting: cp-1 can't be rolled back yet: etcd would be left with 1 of 3 members healthy, but needs 2",
    )
    expect(await it.next()).toBe(
      "cp-1 can't be rolled back yet: etcd would be left with 1 of 3 members healthy, but needs 2",
    )
    expect(homelab.diary).not.toContain('roll-back cp-1')
    homelab.machine('cp-2').up = true
    for (let run = 0; run < 3; run++) await it.next()
    expect(homelab.machine('cp-1').version).toBe('v1.13.9')
  })

  test('is asked once more right before the order: a member that goes away meanwhile stops it', async () => {
    const homelab = fakeHomelab(roles, offered)
    await using it = await begin(homelab)
    expect(await finish(it)).toBe('every node runs v1.14.1')
    homelab.storageVersion = '3.6.0'
    await it.control.rollback('cp-1', false)
    homelab.before = (entry) => {
      if (entry === 'drain cp-1') homelab.machine('cp-2').up = false
    }
    expect(await it.next()).toContain("cp-1 can't be rolled back now: etcd would be left with 1 of 3 members healthy")
    expect(homelab.diary).not.toContain('roll-back cp-1')
  })
})

describe('what an upgrade would take away', () => {
  const fitted = () => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').provides = { kernelArguments: ['net.ifnames=0'], overlay: undefined, embeddedConfig: false }
    return homelab
  }

  test('is refused by name, and goes on once a person has agreed to it', async () => {
    const homelab = fitted()
    await using it = await begin(homelab)
    expect(await it.next()).toContain('w-1 would lose net.ifnames=0')
    expect(orders(homelab)).toEqual([])
    expect(await it.control.approve('v1.14.1', ['net.ifnames=0'])).toEqual({
      changed: true,
      said: 'v1.14.1 is approved, and nodes may lose net.ifnames=0',
    })
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('may be agreed to in the configuration', async () => {
    const homelab = fitted()
    await using it = await begin(homelab, { upgrade: { mayLose: ['net.ifnames=0'] } })
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('is agreed to for that release alone', async () => {
    const homelab = fitted()
    homelab.versions.unshift('v1.14.0')
    await using it = await begin(homelab)
    await it.control.approve('v1.14.0', ['net.ifnames=0'])
    expect(await it.next()).toContain('w-1 would lose net.ifnames=0')
  })
})

test('a node that runs a signed image gets the installer of signed ones, whatever its firmware enforces', async () => {
  const homelab = fakeHomelab(two, offered)
  homelab.machine('w-1').secureBoot = true
  await using it = await begin(homelab)
  await it.next()
  expect(homelab.machine('w-1').version).toBe('v1.14.1')
  expect(homelab.pulled.find(([node]) => node === 'w-1')?.[1]).toContain('/metal-installer-secureboot/')
})

function diaryHas({ diary }: FakeHomelab, entry: string): Promise<void> {
  return new Promise((resolve) => {
    const check = () => (diary.includes(entry) ? resolve() : setTimeout(check, 1))
    check()
  })
}
