import { describe, expect, test } from 'vitest'
import upgradeNode from '../../jobs/upgrade-node.ts'
import type { CordonMark } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { remembered } from '../../src/operations/facts.ts'
import { controlPlanes, worker } from '../core/cluster/nodes.ts'
import { calm } from '../core/upgrade/rollout.ts'
import { onBattery, type Scene, upgrades } from '../operations/upgrading.ts'

// One run of the job that upgrades: what it does to which node in which order, and what ends it.

const minute = 60_000
const inMs = (ms: number) => new Date(calm.now.getTime() + ms)
const there = { talos: { version: 'v1.13.9' } } as const
const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' }
const ours = { kubernetes: { unschedulable: true, cordon: mark } } as const
const refused = (text: string) => new AgentError('rejected', text)
/** One worker is to go, and the control plane runs the release already. */
const last = [...controlPlanes(there), worker('w-1')]
const onW1 = [
  'cordon: cordon w-1',
  'drain: drain w-1',
  'confirm: confirm that w-1 may go down',
  'install: install v1.13.9 on w-1',
  'confirm: confirm that w-1 may go down',
  'reboot: reboot w-1',
  'verify-boot: wait until w-1 is upgraded',
  'settle: wait for w-1 to settle',
  'uncordon: uncordon w-1',
]

describe('one node', () => {
  test('is brought to the release from the cordon to the uncordon, and the next run follows at once', async () => {
    const ran = await upgrades({ nodes: last })
    expect(ran.told).toEqual(['pull-images: pull v1.13.9 on w-1', ...onW1])
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'w-1 runs v1.13.9; on to the next', at: inMs(0) })
    expect(ran.events).toEqual([
      { type: 'rollout.started', version: 'v1.13.9' },
      { type: 'node.upgraded', node: 'w-1', version: 'v1.13.9' },
    ])
    expect(ran.record).toMatchObject({ release: 'v1.13.9', nodes: { 'w-1': { from: 'v1.13.8', outcome: 'upgraded' } } })
    expect(ran.lines).toEqual([])
  })

  test('that is a control plane goes when etcd is on our disk, and alone', async () => {
    const file = '/snapshots/1'
    const nodes = [...controlPlanes({}, {}, {}), worker('w-1', there)]
    const ran = await upgrades({ nodes, upgrade: { parallel: 3 }, snapshots: [file, '/snapshots/0'] })
    expect(ran.told.slice(0, 3)).toEqual([
      'pull-images: pull v1.13.9 on cp-2, pull v1.13.9 on cp-3, pull v1.13.9 on cp-1',
      'snapshot-etcd: snapshot etcd on cp-2',
      'cordon: cordon cp-2',
    ])
    expect(ran.told.filter((line) => /cp-[13]$/.test(line)).slice(1)).toEqual([])
    expect(ran.record?.snapshot).toBe(file)
  })

  test.each([
    { name: 'is given back as it is while rollouts are paused', node: ours, paused: 'by me', is: /pause|by me/ },
    {
      name: 'that somebody uncordoned is given back',
      node: { kubernetes: { leftover: mark } },
      is: /uncordoned by someone else/,
    },
  ])('$name, and that is the reason', async ({ node, paused, is }) => {
    const nodes = [...controlPlanes(there), worker('w-1', node)]
    const ran = await upgrades({ nodes, ...(paused ? { paused } : {}) })
    expect(ran.told).toEqual(['uncordon: uncordon w-1'])
    expect(ran.outcome).toEqual({ kind: 'later', reason: expect.stringMatching(is) as string, at: inMs(0) })
    expect(ran.events).toEqual([])
  })
})

describe('several workers at once', () => {
  const nodes = [...controlPlanes(there), worker('w-1'), worker('w-2'), worker('w-3')]
  const upgrade = { parallel: 2, retryAfter: '5m' }

  test('go together, no more than are allowed, and the run tells of each', async () => {
    const ran = await upgrades({ nodes, systems: [], upgrade })
    expect(ran.told).toContain('reboot: reboot w-1')
    expect(ran.told).toContain('reboot: reboot w-2')
    expect(ran.told.filter((line) => line.endsWith('w-3')).slice(1)).toEqual([])
    const reason = 'w-1 runs v1.13.9; on to the next; w-2 runs v1.13.9; on to the next'
    expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(0) })
  })

  test('of which one fails keep the other going, and the next run follows as soon as one is to', async () => {
    const ran = await upgrades({ nodes, systems: [], upgrade, fails: { 'reboot w-1': refused('no') } })
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'no; w-2 runs v1.13.9; on to the next', at: inMs(0) })
    expect(ran.record?.nodes).toMatchObject({ 'w-1': { outcome: 'failed' }, 'w-2': { outcome: 'upgraded' } })
  })

  test('that fail are tried again after the while that is set', async () => {
    const fails = { 'drain w-1': refused('one'), 'drain w-2': refused('two') }
    const ran = await upgrades({ nodes, systems: [], upgrade, fails })
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'one; two', at: inMs(5 * minute) })
  })

  test.each([
    {
      name: 'a bug',
      ends: () => {
        throw new TypeError('a bug')
      },
      is: 'a bug',
    },
    { name: 'an agent that stops', ends: ({ stop }: Scene) => stop(), is: 'the agent stops' },
  ])('end together: $name at one ends no run while another node is being changed', async ({ ends, is }) => {
    const order: string[] = []
    const let2 = Promise.withResolvers<void>()
    const during = {
      'drain: drain w-1': (scene: Scene) => {
        order.push('w-1 ends')
        // The other one ends when everything has happened that follows from that.
        setImmediate(() => setImmediate(let2.resolve))
        ends(scene)
      },
      'drain: drain w-2': async () => {
        await let2.promise
        order.push('w-2 ends')
      },
    }
    const ran = await upgrades({ nodes, systems: [], upgrade, during })
    order.push('the run ends')
    expect(order).toEqual(['w-1 ends', 'w-2 ends', 'the run ends'])
    expect(ran.outcome).toMatchObject({ message: is })
  })
})

describe('what is done before any node is touched', () => {
  const pull = 'pull-images: pull v1.13.9 on w-1'
  const upgrade = { retryAfter: '5m' }

  test('and fails is no fault of a node, and is tried again after a while', async () => {
    const ran = await upgrades({ nodes: last, upgrade, fails: { 'pull v1.13.9 on w-1': refused('no such image') } })
    expect(ran.told).toEqual([pull])
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'no such image', at: inMs(5 * minute) })
    expect(ran.lines).toEqual(["rollout.failed: the rollout can't continue: no such image"])
    expect(ran.record?.nodes).toEqual({})
  })

  test.each([
    {
      name: 'power that fails',
      during: { [pull]: ({ reads }: Scene) => reads(onBattery) },
      is: 'the UPS is on battery',
    },
    {
      name: 'a person',
      during: { [pull]: ({ journal }: Scene) => remembered.paused.remember(journal, 'by me') },
      is: 'by me',
    },
  ])('is stopped by $name before the next of it', async ({ during, is }) => {
    const nodes = [...controlPlanes({}), worker('w-1', there)]
    const before = Object.fromEntries(Object.values(during).map((happens) => [pull.replace('w-1', 'cp-1'), happens]))
    const ran = await upgrades({ nodes, upgrade, during: before })
    expect(ran.told).toHaveLength(1)
    const reason = expect.stringMatching(`^stopped before .*: (rollouts are paused: )?${is}$`) as string
    expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(5 * minute) })
  })

  test.each([
    {
      name: 'a bug',
      during: {
        [pull]: () => {
          throw new TypeError('a bug')
        },
      },
      is: { message: 'a bug' },
    },
    {
      name: 'an agent that stops',
      during: { [pull]: ({ stop }: Scene) => stop() },
      is: { message: 'the agent stops' },
    },
    {
      name: 'an agent that stops, whatever else fails by that',
      during: {
        [pull]: ({ stop }: Scene) => {
          stop()
          throw refused('cut off')
        },
      },
      is: { message: 'cut off' },
    },
  ])('and is ended by $name ends the run, and is no alert', async ({ during, is }) => {
    const ran = await upgrades({ nodes: last, upgrade, during })
    expect(ran.outcome).toBeInstanceOf(Error)
    expect(ran.outcome).toMatchObject(is)
    expect([ran.told, ran.lines]).toEqual([[pull], []])
  })
})

describe('a node that fails', () => {
  const upgrade = { retryAfter: '5m', draining: { whenBlocked: 'skip' } }
  const blockedIn = (ran: Awaited<ReturnType<typeof upgrades>>) => remembered.blocked.recall(ran.journal)

  test('is an alert, is noted on it, and is tried again after a while', async () => {
    const ran = await upgrades({ nodes: last, upgrade, fails: { 'install v1.13.9 on w-1': refused('exit 1') } })
    expect(ran.told.slice(-2)).toEqual(['install: install v1.13.9 on w-1', 'annotate: record the failure on w-1'])
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'exit 1', at: inMs(5 * minute) })
    expect(ran.lines).toEqual(['rollout.failed: the upgrade of w-1 failed: exit 1'])
    expect(ran.record?.nodes).toMatchObject({ 'w-1': { outcome: 'failed' } })
    expect(blockedIn(ran)).toBeUndefined()
  })

  test('to be drained lets others go before it, where that is the policy', async () => {
    const ran = await upgrades({ nodes: last, upgrade, fails: { 'drain w-1': new AgentError('timed-out', 'db-0') } })
    expect(blockedIn(ran)).toMatchObject({ 'w-1': { why: 'db-0' } })
  })

  test.each([
    { name: 'the power fails', happens: ({ reads }: Scene) => reads(onBattery), is: 'the UPS is on battery' },
    {
      name: 'a person wants it to go back',
      happens: ({ journal }: Scene) =>
        remembered.rollbacks.remember(journal, [{ node: 'w-1', bootId: 'boot-1', force: false }]),
      is: 'a rollback of w-1 was requested',
    },
    {
      name: 'the release is withdrawn',
      happens: ({ journal }: Scene) => remembered.withdrawn.remember(journal, ['v1.13.9']),
      is: 'v1.13.9 was withdrawn by the Image Factory',
    },
  ])('to go on because $name was not refused its drain: nothing goes before it', async ({ happens, is }) => {
    const ran = await upgrades({ nodes: last, upgrade, during: { 'drain: drain w-1': happens } })
    expect(ran.told.at(-1)).toBe(
      is.includes('withdrawn') ? 'confirm: confirm that w-1 may go down' : 'drain: drain w-1',
    )
    expect(ran.outcome).toMatchObject({ kind: 'later', reason: expect.stringMatching(`: ${is}$`) as string })
    expect(blockedIn(ran)).toBeUndefined()
  })

  test('because of a rollback of another one goes on', async () => {
    const during = {
      'drain: drain w-1': ({ journal }: Scene) =>
        remembered.rollbacks.remember(journal, [{ node: 'cp-1', bootId: 'boot-1', force: false }]),
    }
    expect((await upgrades({ nodes: last, during })).told).toContain('uncordon: uncordon w-1')
  })

  test.each([
    {
      name: 'a bug',
      happens: () => {
        throw new TypeError('a bug')
      },
      is: 'a bug',
    },
    { name: 'an agent that stops', happens: ({ stop }: Scene) => stop(), is: 'the agent stops' },
    {
      name: 'what an agent that stops breaks off',
      happens: ({ stop }: Scene) => {
        stop()
        throw refused('cut off')
      },
      is: 'cut off',
    },
  ])('by $name ends the run, and nothing is held against it', async ({ happens, is }) => {
    const ran = await upgrades({ nodes: last, upgrade, during: { 'install: install v1.13.9 on w-1': happens } })
    expect(ran.outcome).toBeInstanceOf(Error)
    expect(ran.outcome).toMatchObject({ message: is })
    expect([ran.told.at(-1), ran.lines]).toEqual(['install: install v1.13.9 on w-1', []])
    expect(ran.record?.nodes['w-1']?.outcome).toBeUndefined()
  })
})

describe('a homelab without a node', () => {
  test.each([
    { name: 'has nothing to upgrade', nodes: [], is: 'done' },
    { name: 'is none as soon as there is one', nodes: [{ name: 'w-1' }], is: undefined },
  ])('$name', async ({ nodes, is }) => {
    const outcome = await upgradeNode.idle!({ config: { nodes } } as unknown as JobContext)
    expect(outcome?.kind).toBe(is)
  })
})
