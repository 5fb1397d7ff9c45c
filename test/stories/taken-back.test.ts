import { describe, expect, test } from 'vitest'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import type { Person } from '../fakes/person.ts'
import { begin, finish, offered, texts } from '../fakes/rollout.ts'
import { remembered } from '../../src/operations/facts.ts'
import { onBattery, online, three, two } from '../fakes/stories.ts'

/** Nodes that a person wants back on what they ran before, in states in which that is easily done wrong. */

const threeControlPlanes = { 'cp-1': 'controlplane', 'cp-2': 'controlplane', 'cp-3': 'controlplane' } as const

/** Stops the upgrade of a node between its installation and its reboot: another node is ill meanwhile. */
async function arm(homelab: FakeHomelab, it: Awaited<ReturnType<typeof begin>>, node: string, ill: string) {
  homelab.before = (entry) => {
    if (entry === `install ${node}`) homelab.machine(ill).kubeletIll = true
  }
  expect(await it.next()).toContain("it can't go down now")
  homelab.before = undefined
  homelab.machine(ill).kubeletIll = false
  expect(homelab.machine(node).installed.version).toBe('v1.14.1')
}

describe('an armed node is disarmed, and that is seen to have worked', () => {
  test.each(['w-1', 'cp-2'])('although it has fallen ill since: %s', async (node) => {
    const homelab = fakeHomelab(node === 'w-1' ? two : threeControlPlanes, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '30ms' } })
    await arm(homelab, it, node, node === 'w-1' ? 'cp-1' : 'cp-3')
    homelab.machine(node).kubeletIll = true
    expect(await it.control.rollback(node, false)).toEqual({
      changed: true,
      said: `${node} is disarmed: it reboots into the release that it runs`,
    })
    await it.next()
    homelab.machine(node).kubeletIll = false
    await it.next()
    await it.next()
    expect(homelab.machine(node)).toMatchObject({ version: 'v1.13.9', unschedulable: false })
    expect(texts(homelab, 'alert').join()).not.toContain('Talos switched back')
  })

  test('by an agent that dies before the order, where only our mark tells that it is armed', async () => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').bootloader = 'grub'
    const first = await begin(homelab)
    await arm(homelab, first, 'w-1', 'cp-1')
    await first.control.rollback('w-1', false)
    homelab.diary.splice(0)
    homelab.before = (entry) => {
      if (entry === 'drain w-1') first.die()
    }
    void first.next()
    await expect.poll(() => homelab.diary).toContain('drain w-1')
    homelab.before = undefined
    await using second = await begin(homelab)
    await second.next()
    await second.next()
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', unschedulable: false })
    expect(texts(homelab, 'alert').join()).not.toContain('Talos switched back')
  })

  test('again where the first reboot failed: a control plane needs no force for it', async () => {
    const homelab = fakeHomelab(threeControlPlanes, offered)
    await using it = await begin(homelab)
    await arm(homelab, it, 'cp-2', 'cp-3')
    await it.control.rollback('cp-2', false)
    homelab.machine('cp-2').kexecRefused = true
    await it.next()
    expect(await it.next()).toMatch(/^stuck: the rollback of cp-2 failed: .*try again with `caretaker rollback cp-2`/)
    expect(await it.control.rollback('cp-2', false)).toMatchObject({
      said: 'cp-2 will be rolled back from v1.14.1 to v1.13.9',
    })
    await it.next()
    expect(homelab.machine('cp-2')).toMatchObject({ version: 'v1.13.9', unschedulable: false })
  })

  test('once more where a person has begun the rollout anew before the order', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    await arm(homelab, it, 'w-1', 'cp-1')
    await it.control.rollback('w-1', false)
    homelab.before = async (entry) => {
      if (entry === 'drain w-1') await it.reads(onBattery)
    }
    await it.next()
    homelab.before = undefined
    await it.reads(online, 60_000)
    await it.reads(online, 60_000)
    await it.control.start()
    // What mains power has woken lets go of the cluster first.
    await it.agent.idle()
    expect(await it.next()).toBe('w-1, which is being rolled back, is armed: disarm it with `caretaker rollback w-1`')
    await it.control.rollback('w-1', false)
    await it.next()
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', unschedulable: false })
  })
})

describe('a rollback is refused at once', () => {
  test('where the address leads to another machine, whose boot says nothing of the one that is meant', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    await it.next()
    homelab.addresses.set('w-1', 'w-2').set('w-2', 'w-1')
    await expect(it.control.rollback('w-1', true)).rejects.toThrow(
      /^w-1 can't be rolled back: it is not the machine that answers at its address: that is w-2 /,
    )
    homelab.addresses.clear()
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('where an upgrade is staged on the node, which its next boot installs', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    await it.next()
    homelab.machine('w-1').stagedUpgrade = 'v1.14.1'
    await expect(it.control.rollback('w-1', false)).rejects.toThrow(
      "w-1 can't be rolled back: any next boot installs the upgrade that is staged on it. Remove it with `talosctl -n w-1 meta delete 0x07`",
    )
  })

  test('where the node has fallen back by itself: the other boot entry is the release that failed', async () => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').rollsBack = true
    await using it = await begin(homelab)
    await it.next()
    await expect(it.control.rollback('w-1', false)).rejects.toThrow(
      'w-1 runs v1.13.9 already, the release before the upgrade: let it be upgraded again with `caretaker retry w-1`',
    )
  })
})

test('a node that the rollout has not reached yet is not brought forward right after it was taken back', async () => {
  const homelab = fakeHomelab(three, offered)
  homelab.machine('w-2').before = { version: 'v1.13.8', schematic: 'a'.repeat(64) }
  await using it = await begin(homelab)
  await it.next()
  await it.control.rollback('w-2', false)
  for (let run = 0; run < 4; run++) await it.next()
  expect(homelab.machine('w-2')).toMatchObject({ version: 'v1.13.8', unschedulable: false })
})

test('whoever insists on a rollback hears what etcd loses by it', async () => {
  const homelab = fakeHomelab(threeControlPlanes, offered)
  await using it = await begin(homelab)
  await it.next()
  const [taken, off] = homelab.machine('cp-1').version === 'v1.14.1' ? ['cp-1', 'cp-2'] : ['cp-2', 'cp-1']
  homelab.machine(off).up = false
  const { said } = await it.control.rollback(taken, true)
  expect(said).toMatch(
    / will be rolled back from v1\.14\.1 to v1\.13\.9, although etcd would be left with 1 of 3 members healthy, but needs 2$/,
  )
})

test('an approval of what does not exist is refused, and one that changes nothing for now says so', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.1', 'v1.14.2-rc.0', 'v1.15.0'] })
  await using it = await begin(homelab, { upgrade: { skip: ['v1.15.0'] } })
  const approve = async (version: string) => (await it.control.approve(version)).said
  expect(await approve('v1.14.1')).toBe('v1.14.1 is approved')
  await expect(approve('v9.9.9')).rejects.toMatchObject({
    code: 'not-found',
    message: 'the Image Factory does not offer v9.9.9; the newest that it offers is v1.15.0',
  })
  expect((await it.control.rollout()).approved).toBe('v1.14.1')
  expect(await approve('v1.15.0')).toBe(
    'v1.15.0 is approved in place of v1.14.1, but v1.15.0 is skipped by upgrade.skip',
  )
  remembered.withdrawn.remember(homelab.ports.journal, ['v1.14.1'])
  expect(await approve('v1.14.1')).toBe(
    'v1.14.1 is approved in place of v1.15.0, but it is withdrawn: no node is upgraded to it',
  )
})

test.each([
  { request: 'start', ask: (person: Person) => person.start() },
  { request: 'retry', ask: (person: Person) => person.retry('w-1') },
])(
  'a rollback that reboots its node already is not called cancelled by a $request: it is finished',
  async ({ ask }) => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    await it.next()
    expect(homelab.machine('w-1').version).toBe('v1.14.1')
    await it.control.rollback('w-1')
    let said = ''
    homelab.before = async (entry) => {
      if (entry === 'roll-back w-1') ({ said } = await ask(it.control))
    }
    await it.next()
    homelab.before = undefined
    expect(said).toContain('; the rollback of w-1 is under way, and is finished first')
    expect(said).not.toContain('cancelled the request to roll back w-1')
    expect(homelab.diary).toContain('roll-back w-1')
  },
)
