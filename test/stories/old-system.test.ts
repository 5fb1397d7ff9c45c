import { describe, expect, test } from 'vitest'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import type { FakeMachine } from '../fakes/machine.ts'
import { begin, finish, offered } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

/** A node that booted its previous release after an upgrade: nothing is installed there once more without a person. */

const count = ({ diary }: FakeHomelab, entry: string) => diary.filter((one) => one === entry).length
const stuck =
  /^stuck: w-1 booted its previous release after the upgrade to v1\.14\.1 .*try again with `caretaker retry w-1`$/
/** As when the power came back: what was installed was booted, and fell back. */
const bootsOldSystem = (machine: FakeMachine) => {
  const { version, schematic } = machine
  Object.assign(machine, { boots: machine.boots + 1, installed: { version, schematic } })
}

describe('a node that booted its previous release is tried again when a person says so', () => {
  test('also where that is said before the failure is noted on it', async () => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').rollsBack = true
    await using it = await begin(homelab)
    expect(await it.next()).toContain('rolled back: it rebooted and runs v1.13.9')
    await it.control.retry('w-1')
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })

  test('also where it is ill, and so stays cordoned', async () => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').rollsBack = true
    await using it = await begin(homelab)
    await it.next()
    homelab.machine('w-1').kubeletIll = true
    expect(await it.next()).toBe(
      'stuck: w-1 booted its previous release after the upgrade to v1.14.1 (wait until w-1 is upgraded: rolled back: it rebooted and runs v1.13.9, not v1.14.1), and stays cordoned because it is not ready (services: kubelet not healthy): find out why, then try again with `caretaker retry w-1`',
    )
    homelab.machine('w-1').kubeletIll = false
    await it.control.retry('w-1')
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })
})

describe('nothing is installed a second time by itself', () => {
  test('on a node that a person uncordons before the failure is looked at', async () => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').rollsBack = true
    await using it = await begin(homelab, { upgrade: { attempts: 3 } })
    await it.next()
    homelab.machine('w-1').unschedulable = false
    expect(await finish(it)).toMatch(stuck)
    expect(count(homelab, 'install w-1')).toBe(1)
  })

  test('on a node that a person uncordons while the agent is away', async () => {
    const homelab = fakeHomelab(two, offered)
    const machine = homelab.machine('w-1')
    machine.rollsBack = true
    const first = await begin(homelab)
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') first.die()
    }
    void first.next()
    await expect.poll(() => machine.boots).toBe(2)
    homelab.before = undefined
    machine.unschedulable = false
    await using second = await begin(homelab)
    expect(await finish(second)).toMatch(stuck)
    expect(count(homelab, 'install w-1')).toBe(1)
    await second.control.retry('w-1')
    expect(await finish(second)).toBe('every node runs v1.14.1')
  })

  test('on a node that a person uncordons while it boots', async () => {
    const homelab = fakeHomelab(two, offered)
    const machine = homelab.machine('w-1')
    Object.assign(machine, { rollsBack: true, stuckBooting: true })
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '20ms' } })
    expect(await it.next()).toContain('waited 0 s for w-1 to run v1.14.1: it is booting')
    machine.unschedulable = false
    await it.next()
    expect(machine.mark).toBeUndefined()
    machine.stage = 'running'
    expect(await finish(it)).toMatch(stuck)
    expect(count(homelab, 'install w-1')).toBe(1)
  })

  test('on a node that was armed when a power cut rebooted it', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.before = (entry) => {
      if (entry === 'install w-1') homelab.machine('cp-1').kubeletIll = true
    }
    expect(await it.next()).toContain("it can't go down now: cp-1 is not ready")
    homelab.before = undefined
    homelab.machine('cp-1').kubeletIll = false
    bootsOldSystem(homelab.machine('w-1'))
    expect(await finish(it)).toMatch(stuck)
    expect(count(homelab, 'install w-1')).toBe(1)
  })

  test('on a node that was staged for its window when a power cut rebooted it', async () => {
    const homelab = fakeHomelab(two, offered)
    const now = () => new Date('2026-03-04T12:00:00Z')
    const windows = [{ days: ['sat'], from: '02:00', to: '05:00' }]
    await using it = await begin(homelab, { now, upgrade: { mode: 'staged', windows } })
    expect(await it.next()).toBe('w-1 gets v1.14.1 installed now, and reboots in its window')
    bootsOldSystem(homelab.machine('w-1'))
    expect(await it.next()).toBe('w-1 booted its previous release: rolled back to v1.13.9')
    expect(await it.next()).toMatch(stuck)
    expect(count(homelab, 'install w-1')).toBe(1)
    await it.control.retry('w-1')
    expect(await it.next()).toBe('w-1 gets v1.14.1 installed now, and reboots in its window')
  })
})

describe('the one retry through the firmware is one', () => {
  const upgrade = { afterRollback: 'powercycle', attempts: 5 }

  test.each<[string, (homelab: FakeHomelab, it: Awaited<ReturnType<typeof begin>>) => Promise<void>]>([
    [
      'although its drain is refused first',
      async ({ machine }, it) => {
        machine('w-1').stubborn = true
        expect(await it.next()).toContain('drain w-1')
        machine('w-1').stubborn = false
      },
    ],
    [
      'although its installer fails first',
      async ({ machine }, it) => {
        machine('w-1').installerExit = 4
        expect(await it.next()).toContain('exited with code 4')
      },
    ],
    [
      'although rollouts are paused in the middle of it',
      async (homelab, it) => {
        homelab.before = async (entry) => {
          if (entry === 'drain w-1') await it.control.pause('guests')
        }
        await it.next()
        expect(await it.next()).toContain('being uncordoned')
        await it.control.resume()
      },
    ],
    [
      'although the rollout is aborted and begun anew in the middle of it',
      async (homelab, it) => {
        homelab.before = async (entry) => {
          if (entry === 'drain w-1') await it.control.abort()
        }
        await it.next()
        await it.next()
        await it.control.start()
      },
    ],
  ])('%s', async (_, interrupt) => {
    const homelab = fakeHomelab(two, offered)
    homelab.machine('w-1').rollsBack = true
    const modes: string[] = []
    const { talos } = homelab.ports
    const { reboot } = talos
    Object.assign(talos, {
      reboot: async (...given: Parameters<typeof reboot>) => {
        if (given[0] === 'w-1') modes.push(given[1])
        return reboot(...given)
      },
    })
    await using it = await begin(homelab, { upgrade })
    expect(await it.next()).toContain('rolled back')
    await interrupt(homelab, it)
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') homelab.machine('w-1').rollsBack = true
    }
    expect(await finish(it)).toMatch(stuck)
    expect(modes).toEqual(['default', 'powercycle'])
  })

  test('also for an agent that dies in the middle of it', async () => {
    const homelab = fakeHomelab(two, offered)
    const machine = homelab.machine('w-1')
    machine.rollsBack = true
    const first = await begin(homelab, { upgrade })
    expect(await first.next()).toContain('rolled back')
    homelab.before = (entry) => {
      if (entry === 'drain w-1') first.die()
    }
    void first.next()
    await expect.poll(() => count(homelab, 'drain w-1')).toBe(2)
    homelab.before = (entry) => {
      if (entry === 'reboot w-1') machine.rollsBack = true
    }
    await using second = await begin(homelab, { upgrade })
    expect(await finish(second)).toMatch(stuck)
    expect(count(homelab, 'reboot w-1')).toBe(2)
  })
})

test('what was installed in another boot than the observed one is not taken for a boot of it', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry === 'drain w-1') homelab.machine('w-1').boots += 1
  }
  expect(await it.next()).toBe('install v1.14.1 on w-1: it has rebooted since it was observed')
  homelab.before = undefined
  expect(await finish(it)).toBe('every node runs v1.14.1')
})

test('a node that a person uncordons while it is armed is known to be armed, where only our mark tells', async () => {
  const homelab = fakeHomelab(two, offered)
  const machine = homelab.machine('w-1')
  machine.bootloader = 'grub'
  await using it = await begin(homelab)
  homelab.before = async (entry) => {
    if (entry === 'install w-1') homelab.machine('cp-1').kubeletIll = true
  }
  await it.next()
  machine.unschedulable = false
  await it.next()
  expect(machine).toMatchObject({ mark: undefined, staged: { release: 'v1.14.1', installer: 'succeeded' } })
  homelab.before = undefined
  homelab.machine('cp-1').kubeletIll = false
  expect(await finish(it)).toBe('every node runs v1.14.1')
  expect(count(homelab, 'install w-1')).toBe(1)
})

test('what somebody else has installed meanwhile is not booted by us: the release is installed anew', async () => {
  const homelab = fakeHomelab(two, offered)
  const machine = homelab.machine('w-1')
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry === 'drain w-1') homelab.machine('cp-1').kubeletIll = true
  }
  expect(await it.next()).toContain("it can't go down now")
  homelab.before = undefined
  homelab.machine('cp-1').kubeletIll = false
  machine.installed = { version: 'v1.12.11', schematic: machine.schematic }
  expect(await finish(it)).toBe('every node runs v1.14.1')
  expect(machine.boots).toBe(2)
  expect(count(homelab, 'install w-1')).toBe(1)
})
