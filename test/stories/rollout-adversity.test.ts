import { describe, expect, test } from 'vitest'
import { fakeHomelab } from '../fakes/homelab.ts'
import { begin, finish, offered, texts } from '../fakes/rollout.ts'
import { three, two } from '../fakes/stories.ts'

/** What a person says at the wrong moment, and what breaks meanwhile. */

describe('a rollback', () => {
  test('begins with the node that is not well: a healthy member that carries the quorum waits for it', async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'cp-2': 'controlplane', 'cp-3': 'controlplane' }, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '30ms' } })
    await it.next()
    homelab.before = (entry) => {
      if (entry === 'reboot cp-3') homelab.machine('cp-3').stuckBooting = true
    }
    await it.next()
    expect(homelab.machine('cp-3').stage).toBe('booting')
    homelab.before = undefined
    await it.control.rollback('cp-2', false)
    expect(await it.next()).not.toContain('cp-2 is being rolled back')
    expect(homelab.diary).not.toContain('roll-back cp-2')
    await it.control.rollback('cp-3', true)
    for (let run = 0; run < 4; run++) await it.next()
    expect(homelab.diary.filter((entry) => entry.startsWith('roll-back'))).toEqual(['roll-back cp-3', 'roll-back cp-2'])
  })

  test('checks etcd against what the node came from, and not against an attempt that changed nothing', async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' }, { versions: ['v1.13.9', 'v1.14.0'] })
    await using it = await begin(homelab)
    expect(await finish(it)).toBe('every node runs v1.14.0')
    homelab.versions.push('v1.14.1')
    await it.run('watch-releases')
    await it.run('stage-image')
    homelab.before = async (entry) => {
      if (entry === 'drain cp-1') await it.control.pause('guests')
    }
    await it.next()
    homelab.before = undefined
    await it.next()
    expect(homelab.ports.journal.rollouts(1)[0]).toMatchObject({
      release: 'v1.14.1',
      nodes: { 'cp-1': { from: 'v1.14.0', outcome: 'released' } },
    })
    await expect(it.control.rollback('cp-1', false)).rejects.toThrow('the etcd data is written by 3.7')
  })

  test.each(['install w-1', 'forfeit', 'confirm'])(
    'that is asked for during "%s" is not overtaken by the reboot forward',
    async (moment) => {
      const homelab = fakeHomelab(two, offered)
      await using it = await begin(homelab)
      homelab.before = async (entry) => {
        if (entry === (moment === 'install w-1' ? 'install w-1' : 'drain w-1')) await it.control.rollback('w-1', false)
      }
      await it.next()
      homelab.before = undefined
      expect(homelab.diary).not.toContain('reboot w-1')
      for (let run = 0; run < 3; run++) await it.next()
      expect(homelab.machine('w-1')).toMatchObject({
        version: 'v1.13.9',
        installed: { version: 'v1.13.9' },
        mark: undefined,
      })
      expect(await it.next()).toContain('the rollout of v1.14.1 was aborted')
      expect(homelab.machine('cp-1').boots).toBe(1)
    },
  )

  test('makes a single control plane whole whose API hangs with it', async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' }, offered)
    await using it = await begin(homelab, { upgrade: { rebootTimeout: '30ms' } })
    homelab.before = (entry) => {
      if (entry === 'reboot cp-1') homelab.machine('cp-1').stuckBooting = true
    }
    await it.next()
    expect(homelab.machine('cp-1').stage).toBe('booting')
    await it.control.rollback('cp-1', true)
    for (let run = 0; run < 3; run++) await it.next()
    expect(homelab.machine('cp-1')).toMatchObject({ version: 'v1.13.9', stage: 'running', unschedulable: false })
    expect(homelab.diary.filter((entry) => entry === 'roll-back cp-1')).toHaveLength(1)
  })

  test('waits for a cordon that is not ours, and keeps nobody else from being finished', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    await it.next()
    homelab.machine('w-1').unschedulable = true
    await it.control.rollback('w-1', false)
    expect(await it.next()).toBe('the rollback of w-1 waits: it was cordoned by someone else; uncordon it to continue')
    homelab.machine('w-1').unschedulable = false
    await it.next()
    expect(homelab.machine('w-1').version).toBe('v1.13.9')
  })

  test('is taken back itself by `retry` of the node', async () => {
    const homelab = fakeHomelab(three, offered)
    await using it = await begin(homelab)
    await it.next()
    homelab.machine('w-1').unschedulable = true
    await it.control.rollback('w-1', false)
    await it.control.retry('w-1')
    homelab.machine('w-1').unschedulable = false
    await it.next()
    expect(homelab.diary).not.toContain('roll-back w-1')
  })
})

test('a node that is installed is finished after an abort, also when something else was in its way first', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry === 'install w-1') homelab.machine('w-2').up = false
  }
  expect(await it.next()).toContain("it can't go down now: w-2 does not answer")
  await it.control.abort()
  homelab.before = undefined
  homelab.machine('w-2').up = true
  expect(await it.next()).toBe('w-1 runs v1.14.1; on to the next')
  expect(homelab.machine('w-1')).toMatchObject({ unschedulable: false, boots: 2 })
  expect(await it.next()).toContain('was aborted')
  expect(homelab.ports.journal.rollouts(5)).toHaveLength(1)
})

test('a node that a person uncordons in the middle is not rebooted with its pods back on it', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry === 'install w-1') homelab.machine('w-1').unschedulable = false
  }
  expect(await it.next()).toContain('our cordon is gone, so its pods may have returned')
  expect(homelab.machine('w-1').boots).toBe(1)
})

test('nodes that were staged for a release that is called off are told of, with what disarms them', async () => {
  const homelab = fakeHomelab(two, offered)
  const windows = [{ days: ['sat'], from: '02:00', to: '06:00' }]
  const now = new Date('2026-03-06T12:00:00Z')
  await using it = await begin(homelab, { upgrade: { windows, mode: 'staged' }, now: () => now })
  await it.next()
  expect(texts(homelab, 'alert')).toEqual([])
  await it.control.abort()
  await it.next()
  expect(texts(homelab, 'alert').join()).toMatch(/^w-1 starts another release at the next boot: .*rollback w-1/)
})

test('a control plane that was upgraded by an agent that died is written down by the next', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  await it.next()
  const [record] = homelab.ports.journal.rollouts(1)
  const { endedAt: _, outcome: __, tookMs: ___, ...open } = record!.nodes['w-1']!
  homelab.ports.journal.saveRollout({ ...record!, nodes: { 'w-1': open } })
  await it.next()
  expect(homelab.ports.journal.rollouts(1)[0]!.nodes['w-1']).toMatchObject({ outcome: 'upgraded' })
})

test('an installer that fails while staging is tried twice, and then a person is asked', async () => {
  const homelab = fakeHomelab(two, offered)
  const windows = [{ days: ['sat'], from: '02:00', to: '06:00' }]
  const now = new Date('2026-03-06T12:00:00Z')
  await using it = await begin(homelab, { upgrade: { windows, mode: 'staged' }, now: () => now })
  homelab.before = (entry) => {
    if (entry === 'install w-1') homelab.machine('w-1').installerExit = 1
  }
  for (let run = 0; run < 4; run++) await it.next()
  expect(await it.next()).toMatch(/^stuck: w-1 failed 2 times to upgrade to v1.14.1/)
})

test('somebody who cordons a node just before us does not make the release a bad one', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.before = (entry) => {
    if (entry.startsWith('pull-image')) homelab.machine('w-1').unschedulable = true
  }
  expect(await it.next()).toContain('was cordoned by someone else')
  expect(homelab.machine('w-1').attempts).toBeUndefined()
})

test('the others wait for the canary, whatever keeps it', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab, { upgrade: { canary: { node: 'w-2', watch: '1h' } } })
  await it.control.pauseNode('w-2', 'a guest needs it')
  expect(await it.next()).toBe(
    'the canary must be upgraded first: w-2 is paused (a guest needs it): resume it with `caretaker resume w-2`',
  )
})

test('a shutdown that is woken when power is back takes the cluster from no rollout', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  const outcomes: string[] = []
  homelab.before = async (entry) => {
    if (entry === 'install w-1') outcomes.push((await it.run('shut-down-cluster')).kind)
  }
  expect(await it.next()).toBe('w-1 runs v1.14.1; on to the next')
  expect(outcomes).toEqual(['done'])
})
