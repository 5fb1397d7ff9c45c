import { expect, test } from 'vitest'
import type { Outcome } from '../../src/core/job.ts'
import { remembered } from '../../src/operations/facts.ts'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeOptions } from '../fakes/homelab.ts'
import { sentence } from '../fakes/rollout.ts'
import { online, three } from '../fakes/stories.ts'

const offered: FakeOptions = { versions: ['v1.13.9', 'v1.14.0', 'v1.14.1', 'v1.15.0-alpha.1'] }
const sentencesOf = (outcomes: readonly Outcome[]) => outcomes.map(sentence)

test('a release is staged first and then reaches every node, workers first and the etcd leader last', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = startAgent(homelab)
  await it.reads(online)
  it.waiting.length = 0
  await it.run('watch-releases')
  await it.runQueue()
  const order = ['w-1', 'w-2', 'cp-2', 'cp-3', 'cp-1']
  const steps = (node: string, index: number) => [
    // All images before the first node is touched; who has one already answers at once.
    ...order.slice(index).map((name) => `pull-image ${name} v1.14.1`),
    ...(node === 'cp-2' ? ['snapshot-etcd cp-2'] : []),
    `cordon ${node}`,
    `drain ${node}`,
    `install ${node}`,
    ...(node === 'cp-1' ? ['forfeit-leadership cp-1'] : []),
    `reboot ${node}`,
    `uncordon ${node}`,
  ]
  const staged = ['stage v1.13.9', 'stage v1.14.1', 'publish v1.13.9']
  expect(homelab.diary.slice(0, 3).toSorted()).toEqual(staged.toSorted())
  expect(homelab.diary.slice(3)).toEqual([...order.flatMap(steps), 'publish v1.14.1'])
  expect([...homelab.machines.values()].map(({ version }) => version)).toEqual(
    Array.from({ length: 5 }, () => 'v1.14.1'),
  )
})

test('nodes older than Talos 1.13 are upgraded by the one call that they know, and minor by minor', async () => {
  const homelab = fakeHomelab(
    { 'cp-1': 'controlplane' },
    { version: 'v1.12.3', versions: ['v1.12.3', 'v1.12.11', 'v1.13.9', 'v1.14.1'] },
  )
  homelab.kubernetesVersion = 'v1.35.4'
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  await it.runQueue()
  expect(homelab.diary.filter((entry) => !/cordon|drain|publish|stage v1.12.3/.test(entry))).toEqual([
    'stage v1.12.11',
    'snapshot-etcd cp-1',
    'install-and-reboot cp-1',
    'stage v1.13.9',
    'snapshot-etcd cp-1',
    'install-and-reboot cp-1',
    'stage v1.14.1',
    'pull-image cp-1 v1.14.1',
    'snapshot-etcd cp-1',
    'install cp-1',
    'reboot cp-1',
  ])
})

test('nothing is begun on battery, and it goes on when mains is back', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = startAgent(homelab, { power: { maxOnBattery: '1h' } })
  await it.reads({ ...online, status: ['OB'] })
  await it.run('watch-releases')
  expect(sentencesOf(await it.runQueue())).toContain('the UPS is on battery')
  expect(homelab.diary.filter((entry) => !/^(stage|publish) /.test(entry))).toEqual([])
  await it.reads(online)
  await it.agent.idle()
  await it.runQueue()
  expect(homelab.machine('cp-1').version).toBe('v1.14.1')
})

test('a UPS that was never heard from keeps nodes as they are', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = startAgent(homelab)
  await it.run('watch-releases')
  expect(sentencesOf(await it.runQueue())).toContain('the UPS has not answered yet')
})

test('a node that does not answer keeps all others as they are', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = startAgent(homelab)
  await it.reads(online)
  homelab.machine('w-2').up = false
  await it.run('watch-releases')
  expect(sentencesOf(await it.runQueue()).at(-1)).toContain('w-2 does not answer')
  expect(homelab.diary.filter((entry) => !/^(stage|publish) /.test(entry))).toEqual([])
})

test("a node that a person has cordoned is not touched, and the person's cordon stays", async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, offered)
  homelab.machine('w-1').unschedulable = true
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  expect(sentencesOf(await it.runQueue()).at(-1)).toBe('w-1 was cordoned by someone else: uncordon it to continue')
  expect(homelab.machine('w-1')).toMatchObject({ unschedulable: true, version: 'v1.13.9' })
})

test('a node that boots its previous release is not tried again by itself: the rollout is stuck and the node works', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, offered)
  await using it = startAgent(homelab)
  await it.reads(online)
  homelab.before = (entry) => void (entry === 'reboot w-1' && (homelab.machine('w-1').rollsBack = true))
  await it.run('watch-releases')
  await it.runQueue()
  const outcomes: Outcome[] = []
  for (let run = 0; run < 4; run++) outcomes.push(await it.run('upgrade-node'))
  expect(homelab.diary.filter((entry) => entry === 'reboot w-1')).toHaveLength(1)
  expect(sentencesOf(outcomes).at(-1)).toMatch(
    /^stuck: w-1 booted its previous release after the upgrade to v1.14.1 \(wait until w-1 is upgraded: rolled back: it rebooted and runs v1.13.9, not v1.14.1\)/,
  )
  expect(homelab.machine('w-1')).toMatchObject({ unschedulable: false, attempts: { release: 'v1.14.1', count: 1 } })
  expect(homelab.machine('cp-1').version).toBe('v1.13.9')
  expect(
    homelab.ports.journal.entries(50).some(({ kind, text }) => kind === 'alert' && text.includes('rolled back')),
  ).toBe(true)
})

test('pods that will not go keep a node from being changed, and are named', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, offered)
  homelab.machine('w-1').stubborn = true
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  expect(sentencesOf(await it.runQueue()).at(-1)).toBe(
    'drain w-1: not done within 0 s: still on the node: default/db-0: its disruption budget',
  )
  expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', installed: { version: 'v1.13.9' } })
})

test('a node that would lose an extension is refused', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, offered)
  homelab.machine('w-1').extensions = ['siderolabs/zfs']
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  expect(sentencesOf(await it.runQueue()).at(-1)).toContain('w-1 would lose siderolabs/zfs')
})

test.each([
  { accepts: false, mayLose: [], says: 'w-1 does not report which extensions its image has', runs: 'v1.13.9' },
  { accepts: true, mayLose: ['extensions'], says: 'every node runs v1.14.1', runs: 'v1.14.1' },
])(
  'a node that does not report its extensions gets another schematic only where a person accepts that: $accepts',
  async ({ mayLose, says, runs }) => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, offered)
    const installed = { version: 'v1.13.9', schematic: 'another' }
    Object.assign(homelab.machine('w-1'), { ...installed, installed, latest: installed, extensions: undefined })
    await using it = startAgent(homelab, { upgrade: { mayLose } })
    await it.reads(online)
    await it.run('watch-releases')
    expect(sentencesOf(await it.runQueue()).join('; ')).toContain(says)
    expect(homelab.machine('w-1').version).toBe(runs)
  },
)

test('a failing battery takes the cluster from an upgrade under way within its grace', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, offered)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  await it.run('stage-image')
  const draining = Promise.withResolvers<void>()
  homelab.ports.kubernetes.drain = async (_node, policy, signal) => {
    if (policy.deleteAfter !== undefined) return
    draining.resolve()
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  }
  const upgrade = it.run('upgrade-node')
  await draining.promise
  await it.reads({ status: ['OB', 'LB'], runtime: 600_000 })
  expect(await upgrade).toMatchObject({ kind: 'later', reason: 'taken over by shutdown' })
  await it.agent.idle()
  expect(homelab.diary.slice(-3)).toEqual(['shut-down w-1', 'shut-down cp-1', 'log-out'])
  // The node remembers that it was being upgraded, and is not opened by the way back.
  expect(homelab.machine('w-1').mark).toMatchObject({ why: 'upgrade', release: 'v1.14.1' })
})

test('a list of releases that shrinks changes nothing but the journal', async () => {
  const homelab = fakeHomelab(three, { versions: ['v1.13.9', 'v1.14.0'], version: 'v1.14.0' })
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.run('watch-releases')
  homelab.versions = ['v1.13.9']
  await it.run('watch-releases')
  expect(remembered.target.recall(homelab.ports.journal)).toBeUndefined()
  expect(homelab.ports.journal.entries(5).map(({ text }) => text)).toContain(
    'the Factory no longer lists v1.14.0; nothing is downgraded',
  )
})

for (const at of [
  'pull-image w-1 v1.14.1',
  'cordon w-1',
  'drain w-1',
  'install w-1',
  'reboot w-1',
  'uncordon w-1',
  'cordon cp-1',
  'install cp-1',
  'reboot cp-1',
  'uncordon cp-1',
]) {
  for (const when of ['before', 'after'] as const) {
    test(`an agent that dies ${when} "${at}" leaves work that the next one finishes, with one reboot a node`, async () => {
      const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, offered)
      {
        await using first = startAgent(homelab)
        await first.reads(online)
        await first.run('watch-releases')
        // What the dead agent would have done next never happens: every call after this one hangs for good.
        const died = Promise.withResolvers<void>()
        let dead = false
        homelab.before = async (entry) => {
          if (dead || (entry === at && when === 'before')) {
            dead = true
            died.resolve()
            await new Promise(() => {})
          }
          if (entry === at) dead = true
        }
        // After the last step there is nothing left to hang on.
        await Promise.race([died.promise, first.runQueue().catch(() => {})])
      }
      homelab.before = undefined
      await using second = startAgent(homelab)
      await second.reads(online)
      for (let run = 0; run < 12; run++) {
        const outcome = await second.run('upgrade-node')
        if (outcome.kind === 'done') break
      }
      expect(
        [...homelab.machines.values()].map(({ version, unschedulable, boots }) => ({ version, unschedulable, boots })),
      ).toEqual([
        { version: 'v1.14.1', unschedulable: false, boots: 2 },
        { version: 'v1.14.1', unschedulable: false, boots: 2 },
      ])
    })
  }
}
