import { describe, expect, test } from 'vitest'
import { fakeHomelab } from '../fakes/homelab.ts'
import { begin, finish, offered, texts } from '../fakes/rollout.ts'
import { three, two } from '../fakes/stories.ts'

/** What a person says to a rollout, and what becomes of it. */

describe('approval', () => {
  test('is asked for once, and a release that has it goes on', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab, { upgrade: { approval: 'minor' } })
    for (let run = 0; run < 3; run++)
      expect(await it.next()).toBe('v1.14.1 waits for approval: approve it with `caretaker approve v1.14.1`')
    expect(texts(homelab, 'event').filter((text) => text.includes('waits for approval'))).toHaveLength(1)
    expect(await it.control.approve()).toMatchObject({ said: 'v1.14.1 is approved' })
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('is for a release, and what is none is refused', async () => {
    await using it = await begin(fakeHomelab(two, offered))
    await expect(it.control.approve('the newest')).rejects.toThrow('the newest is not a Talos release')
  })
})

describe('an abort', () => {
  test('in the middle uncordons a cordoned node, and nothing begins until a person says so', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.before = async (entry) => {
      if (entry === 'drain w-1') await it.control.abort()
    }
    expect(await it.next()).toBe('stopped before install: the rollout of v1.14.1 was aborted')
    homelab.before = undefined
    await it.next()
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', unschedulable: false, boots: 1 })
    expect(await it.next()).toContain('start it again with `caretaker rollout start`')
    expect(homelab.ports.journal.rollouts(1)[0]).toMatchObject({ release: 'v1.14.1', outcome: 'aborted' })
    await it.control.start()
    expect(await finish(it)).toBe('every node runs v1.14.1')
    expect(homelab.ports.journal.rollouts(1)[0]).toMatchObject({ outcome: 'done' })
  })

  test('after the installation lets that node be finished, and no other begin', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.before = async (entry) => {
      if (entry === 'reboot w-1') await it.control.abort()
    }
    expect(await it.next()).toBe('w-1 runs v1.14.1; on to the next')
    expect(await it.next()).toContain('was aborted')
    expect(homelab.machine('cp-1').boots).toBe(1)
  })
})

describe('a rollback', () => {
  test('takes a node back to what it ran, in good order, and the rollout does not bring it forward again', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    await it.next()
    expect(homelab.machine('w-1').version).toBe('v1.14.1')
    const from = homelab.diary.length
    expect(await it.control.rollback('w-1', false)).toMatchObject({
      said: 'w-1 will be rolled back from v1.14.1 to v1.13.9',
    })
    await it.next()
    expect(homelab.diary.slice(from)).toEqual(['cordon w-1', 'drain w-1', 'roll-back w-1', 'uncordon w-1'])
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', unschedulable: false, mark: undefined })
    expect(await it.next()).toContain('the rollout of v1.14.1 was aborted')
    expect(homelab.machine('w-1').boots).toBe(3)
    expect(homelab.ports.journal.rollouts(5)).toMatchObject([
      { release: 'v1.14.1', outcome: 'aborted', nodes: { 'w-1': { outcome: 'rolled-back' } } },
    ])
  })

  test('is refused to a node that has gone back, since it would start the release that was taken back', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    await it.next()
    await it.control.rollback('w-1', false)
    await it.next()
    expect(homelab.machine('w-1').version).toBe('v1.13.9')
    await expect(it.control.rollback('w-1', false)).rejects.toThrow(
      "w-1 can't be rolled back any further: it was rolled back from v1.14.1, which another rollback would boot again. Do so anyway with --force",
    )
    expect(await it.control.rollback('w-1', true)).toMatchObject({
      said: 'w-1 will be rolled back from v1.13.9 to v1.14.1',
    })
    await it.next()
    expect(homelab.machine('w-1').version).toBe('v1.14.1')
  })

  test('lets what is only cordoned go back into service first, so that its pods find a place', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    await it.next()
    homelab.before = async (entry) => {
      if (entry === 'drain w-2') await it.control.rollback('w-1', false)
    }
    expect(await it.next()).toBe('stopped before install: the rollout of v1.14.1 was aborted')
    homelab.before = undefined
    expect(await it.next()).toBe('w-2 is being uncordoned before w-1 is rolled back')
    expect(await it.next()).toBe('w-1 is being rolled back from v1.14.1')
    expect(homelab.ports.journal.rollouts(5)).toMatchObject([
      { outcome: 'aborted', nodes: { 'w-1': { outcome: 'rolled-back' }, 'w-2': { outcome: 'released' } } },
    ])
  })

  test('asks for no health: it is how a broken cluster is made whole', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '30ms' } })
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') homelab.machine('w-1').stuckBooting = true
    }
    expect(await it.next()).toMatch(
      /^wait until w-1 is upgraded: waited 0 s .*it is booting \(services: kubelet not healthy/,
    )
    homelab.machine('w-2').up = false
    await it.control.rollback('w-1', false)
    expect(await it.next()).toBe('w-1 is being rolled back from v1.14.1')
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', stage: 'running', unschedulable: false })
  })

  test('of a control plane is refused when its etcd would refuse the data, unless a person insists', async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' }, offered)
    await using it = await begin(homelab)
    expect(await finish(it)).toBe('every node runs v1.14.1')
    expect(homelab.storageVersion).toBe('3.7.0')
    await expect(it.control.rollback('cp-1', false)).rejects.toThrow(
      "cp-1 can't be rolled back: the etcd data is written by 3.7, and v1.13.9 comes with 3.6, which refuses it. Try anyway with --force",
    )
    expect(homelab.diary).not.toContain('roll-back cp-1')
    await it.control.rollback('cp-1', true)
    await it.next()
    expect(homelab.diary).toContain('roll-back cp-1')
  })

  test.each([
    { what: 'that says so', bootloader: 'systemd-boot', why: 'it has no previous release to boot' },
    { what: 'of which it is unknown', bootloader: 'grub', why: 'it is unknown whether it has a previous release' },
  ] as const)(
    'of a node $what that it has nothing to go back to is refused beforehand',
    async ({ bootloader, why }) => {
      const homelab = fakeHomelab(two, offered)
      homelab.machine('w-1').bootloader = bootloader
      await using it = await begin(homelab)
      await expect(it.control.rollback('w-1', false)).rejects.toMatchObject({
        code: 'rejected',
        message: expect.stringContaining(why),
      })
      expect(homelab.diary.filter((entry) => entry.endsWith('w-1'))).toEqual([])
      expect((await it.control.rollout()).aborted).toEqual([])
    },
  )

  test('of a node that somebody else has upgraded goes back, because the node says that it can', async () => {
    const homelab = fakeHomelab(two, offered)
    const machine = homelab.machine('w-1')
    Object.assign(machine, { before: { version: 'v1.13.8', schematic: machine.schematic } })
    await using it = await begin(homelab)
    expect((await it.control.rollback('w-1', false)).said).toMatch(/^w-1 will be rolled back from v1\.13\.9/)
    await it.next()
    expect(machine).toMatchObject({ version: 'v1.13.8', unschedulable: false })
  })

  test('of a node that is being drained for its first upgrade only stops that', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    let said = ''
    homelab.before = async (entry) => {
      if (entry === 'drain w-1') ({ said } = await it.control.rollback('w-1', false))
    }
    await it.next()
    homelab.before = undefined
    expect(said).toMatch(/^the upgrade of w-1 is stopped: it keeps v1\.13\.9/)
    for (let run = 0; run < 3; run++) await it.next()
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', boots: 1, unschedulable: false })
    expect(homelab.diary).not.toContain('roll-back w-1')
    expect(homelab.diary.filter((entry) => entry === 'drain w-1')).toHaveLength(1)
  })

  test('that is forced on a node that has nothing to go back to is told, and not tried for ever', async () => {
    const homelab = fakeHomelab(two, { versions: ['v1.13.9'] })
    await using it = await begin(homelab)
    await it.control.rollback('w-1', true)
    expect(await it.next()).toBe('roll back w-1: previous UKI not found')
    await it.next()
    expect(homelab.machine('w-1')).toMatchObject({ unschedulable: false, mark: undefined, boots: 1 })
    expect(await it.next()).toBe('every node runs v1.13.9')
  })

  test('of a node that is only armed disarms it', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.machine('w-1').installed = { ...homelab.machine('w-1').installed, version: 'v1.14.1' }
    expect(await it.next()).toContain('w-1 has an upgrade installed that Caretaker did not start')
    await it.next()
    expect(texts(homelab, 'alert')).toEqual([
      'w-1 starts another release at the next boot: an upgrade is installed that Caretaker will not finish. Disarm it with `caretaker rollback w-1`',
    ])
    expect(await it.control.rollback('w-1', false)).toMatchObject({
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    })
    await it.next()
    expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', installed: { version: 'v1.13.9' }, boots: 2 })
  })
})

test('a node that booted its previous release is tried again when a person says so', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry === 'reboot w-1') homelab.machine('w-1').rollsBack = true
  }
  for (let run = 0; run < 4; run++) await it.next()
  expect(await it.next()).toMatch(/^stuck: w-1 booted its previous release .* try again with `caretaker retry w-1`$/)
  expect(texts(homelab, 'event').filter((text) => text.startsWith('the rollout is stuck'))).toHaveLength(1)
  homelab.before = undefined
  await it.control.retry('w-1')
  expect(await finish(it)).toBe('every node runs v1.14.1')
  const { nodes } = homelab.ports.journal.rollouts(1)[0]!
  expect(nodes['w-1']).toMatchObject({ outcome: 'upgraded', from: 'v1.13.9' })
  expect(nodes['w-1']!.failures).toHaveLength(1)
})

test('a node that is paused is left out until it is resumed', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  await it.control.pauseNode('w-1', 'a guest needs it')
  expect(await it.next()).toBe('cp-1 runs v1.14.1; on to the next')
  expect(await it.next()).toBe('w-1 is paused (a guest needs it): resume it with `caretaker resume w-1`')
  await it.control.resumeNode('w-1')
  expect(await finish(it)).toBe('every node runs v1.14.1')
})

test('words about a node that there is not are refused, and name those that there are', async () => {
  await using it = await begin(fakeHomelab(two, offered))
  const message = 'there is no node w-9; there are cp-1 and w-1'
  await expect(it.control.pauseNode('w-9', 'x')).rejects.toThrow(message)
  await expect(it.control.retry('w-9')).rejects.toThrow(message)
  await expect(it.control.rollback('w-9', false)).rejects.toThrow(message)
})

test('several workers go at once, and each is written down', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker', 'w-3': 'worker' }, offered)
  await using it = await begin(homelab, { upgrade: { parallel: 2 } })
  expect(await it.next()).toBe('w-1 runs v1.14.1; on to the next; w-2 runs v1.14.1; on to the next')
  expect(await finish(it)).toBe('every node runs v1.14.1')
  expect(Object.keys(homelab.ports.journal.rollouts(1)[0]!.nodes)).toEqual(['w-1', 'w-2', 'w-3', 'cp-1'])
})

test('what held up the rollout of a release is settled when another one becomes the target', async () => {
  const homelab = fakeHomelab(two, offered)
  // The window that is open now is over when the next release comes.
  let now = new Date('2026-03-07T03:00:00Z')
  const upgrade = { timeZone: 'UTC', windows: [{ days: ['sat'], from: '02:00', to: '05:00' }] }
  await using it = await begin(homelab, { upgrade, now: () => now })
  homelab.machine('w-1').attempts = { release: 'v1.14.1', count: 9, failure: 'no' }
  expect(await it.next()).toMatch(/^stuck: w-1 failed 9 times/)
  const open = () => it.agent.alerts.all.flatMap(({ id }) => (id.startsWith('rollout.') ? [id] : []))
  expect(open()).toEqual(['rollout.stuck'])
  expect(await it.next()).toMatch(/^stuck: /)
  expect(open()).toEqual(['rollout.stuck'])
  homelab.versions.push('v1.14.2')
  now = new Date('2026-03-07T06:00:00Z')
  await it.run('watch-releases')
  await it.run('stage-image')
  expect(await it.next()).toMatch(/^the next window opens on/)
  expect(open()).toEqual([])
})
