import { describe, expect, test } from 'vitest'
import { fakeHomelab } from '../fakes/homelab.ts'
import { begin, finish, offered, texts } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'

describe('windows', () => {
  const upgrade = { windows: [{ days: ['sat'], from: '02:00', to: '06:00' }], timeZone: 'UTC', nodeEstimate: '5m' }
  const at = (iso: string) => new Date(iso)

  test('one that closes with nodes still to come is told of, with what it waited for', async () => {
    const homelab = fakeHomelab(two, offered)
    let now = at('2026-03-07T03:00:00Z')
    await using it = await begin(homelab, { upgrade, now: () => now })
    homelab.storage = {
      systems: ['longhorn'],
      unwell: [{ name: 'pvc-1', text: 'volume pvc-1 is degraded', endangers: 'redundancy' }],
      lastReplicas: new Map(),
    }
    expect(await it.next()).toBe('storage is not healthy: volume pvc-1 is degraded')
    now = at('2026-03-07T06:10:00Z')
    await it.next()
    await it.next()
    const missed = texts(homelab, 'event').filter((text) => text.startsWith('the window closed'))
    expect(missed).toEqual([
      'the window closed with 2 nodes left to upgrade, because storage is not healthy: volume pvc-1 is degraded; continue outside of windows with `caretaker run-now`',
    ])
  })

  test('one that did its work is not missed', async () => {
    const homelab = fakeHomelab(two, offered)
    let now = at('2026-03-07T03:00:00Z')
    await using it = await begin(homelab, { upgrade, now: () => now })
    expect(await finish(it)).toBe('every node runs v1.14.1')
    now = at('2026-03-07T06:10:00Z')
    await it.next()
    expect(texts(homelab, 'event').filter((text) => text.startsWith('the window closed'))).toEqual([])
  })

  test('one can be opened by hand', async () => {
    const homelab = fakeHomelab(two, offered)
    const today = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][(new Date().getUTCDay() + 3) % 7]
    await using it = await begin(homelab, {
      upgrade: { ...upgrade, windows: [{ ...upgrade.windows[0], days: [today] }] },
    })
    expect(await it.next()).toMatch(/^the next window opens/)
    expect((await it.control.runNow(3_600_000)).said).toMatch(/^a window is open for 1 h, until /)
    expect(await finish(it)).toBe('every node runs v1.14.1')
  })
})

describe('the Lease', () => {
  const other = { holder: 'another', purpose: 'upgrade', lasts: 60_000 } as const

  test('of another agent keeps this one from working, and names it', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.lease = { ...other, until: Date.now() + 42_000 }
    expect(await it.next()).toBe('another holds the Lease (upgrade)')
    homelab.lease = { ...other, until: Date.now() - 1 }
    expect(await finish(it)).toBe('every node runs v1.14.1')
    expect(homelab.lease).toBeUndefined()
  })

  test('is kept between one node and the next, so that nobody slips in', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    await it.next()
    expect(homelab.lease).toMatchObject({ holder: 'caretaker', purpose: 'upgrade' })
  })

  test('is taken by a power cut, whoever has it', async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.lease = { ...other, until: Date.now() + 42_000 }
    await it.reads({ status: ['OB', 'LB'], runtime: 600_000 })
    await it.agent.idle()
    expect(homelab.diary).toContain('shut-down cp-1')
  })
})

test('with mode: staged a release is installed before the window, and rebooted in it', async () => {
  const homelab = fakeHomelab(two, offered)
  let now = new Date('2026-03-06T12:00:00Z')
  const windows = [{ days: ['sat'], from: '02:00', to: '06:00' }]
  await using it = await begin(homelab, { upgrade: { windows, mode: 'staged' }, now: () => now })
  await it.next()
  await it.next()
  expect(await it.next()).toBe('the next window opens on 2026-03-07 02:00 UTC; it is already installed on w-1, cp-1')
  expect(homelab.machine('w-1')).toMatchObject({ boots: 1, installed: { version: 'v1.14.1' }, unschedulable: false })
  now = new Date('2026-03-07T02:01:00Z')
  expect(await finish(it)).toBe('every node runs v1.14.1')
  expect(homelab.diary.filter((entry) => entry.startsWith('install'))).toEqual(['install w-1', 'install cp-1'])
  expect(homelab.machine('w-1')).toMatchObject({ boots: 2, staged: undefined, unschedulable: false })
})

test('no control plane is touched while etcd can not be saved', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  await it.next()
  homelab.before = (entry) => {
    if (entry.startsWith('snapshot-etcd')) throw new Error('disk full')
  }
  await it.next()
  expect(homelab.machine('cp-1')).toMatchObject({ unschedulable: false, boots: 1 })
})

test("the user's own checks stop the next node, and hold back the end of this one", async () => {
  const homelab = fakeHomelab(two, offered)
  const checks = [{ name: 'web', http: { url: 'http://web.test/' } }]
  await using it = await begin(homelab, { upgrade: { checks, checksTimeout: '20ms' } })
  homelab.failingChecks.set('web', 'web: HTTP 503 instead of 200')
  expect(await it.next()).toBe('the check web: HTTP 503 instead of 200')
  homelab.failingChecks.clear()
  homelab.before = (entry) => {
    if (entry === 'uncordon w-1') homelab.failingChecks.set('web', 'web: HTTP 503 instead of 200')
  }
  expect(await it.next()).toMatch(
    /^wait until the checks pass on w-1: waited 0 s for the checks to pass: web: HTTP 503/,
  )
  expect(await it.next()).toBe('the check web: HTTP 503 instead of 200')
  expect(homelab.machine('cp-1').boots).toBe(1)
})

test('another machine at the address of a node is not taken for it', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry !== 'reboot w-1') return
    Object.assign(homelab.machine('w-1'), { uuid: 'uuid-of-the-spare', machineId: undefined })
  }
  expect(await it.next()).toBe(
    'wait until w-1 is upgraded: another machine answers at its address: its UUID is uuid-of-the-spare, and was uuid-w-1',
  )
  expect(homelab.machine('w-1').unschedulable).toBe(true)
})

test('a reboot that Talos accepts and does not begin is told again, and is no failed attempt', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab, { upgrade: { rebootTimeout: '60ms' } })
  homelab.machine('w-1').rebootIgnored = true
  expect(await it.next()).toBe('wait until w-1 is upgraded: the reboot never started: it is requested again')
  expect(await it.next()).toBe('w-1 runs v1.14.1; on to the next')
  expect(homelab.ports.journal.rollouts(1)[0]!.nodes['w-1']).toMatchObject({ outcome: 'upgraded', failures: [] })
})

test('a node whose drain is refused lets others go first, where that is the policy', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab, {
    upgrade: { drainTimeout: '20ms', draining: { whenBlocked: 'skip', blockedTimeout: '1h' } },
  })
  homelab.machine('w-1').stubborn = true
  expect(await it.next()).toContain('still on the node: default/db-0')
  await it.next()
  expect(homelab.machine('w-1')).toMatchObject({ unschedulable: false, mark: undefined })
  expect(await it.next()).toBe('cp-1 runs v1.14.1; on to the next')
  expect(await it.next()).toMatch(/^w-1 is postponed: drain w-1: .*default\/db-0/)
})
