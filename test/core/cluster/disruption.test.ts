import { describe, expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { type DisruptionPolicy, leavingObstacle, workersAtOnce } from '../../../src/core/cluster/disruption.ts'
import { controlPlanes, type NodeChoices, worker } from './nodes.ts'

const three = (choice = {}) => controlPlanes({}, choice, {})

const one: DisruptionPolicy = { parallel: 1, twoMembers: 'refuse' }
const ours: NodeChoices = {
  kubernetes: { unschedulable: true, cordon: { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9' } },
}
const inZone = (zone: string, { kubernetes, ...rest }: NodeChoices = {}): NodeChoices => ({
  ...rest,
  kubernetes: { zone, ...(typeof kubernetes === 'object' ? kubernetes : {}) },
})

describe('a node may be taken away', () => {
  const silent = { talos: 'silent' } as const
  const unready = { kubernetes: { ready: false } }
  const noQuorum =
    'etcd has two members, and neither can go without losing quorum: add or remove one, or set upgrade.twoMembers: allow'
  test.each<{ name: string; leaving: string; nodes: Node[]; obstacle: string | undefined }>([
    {
      name: 'a worker out of a cluster that is well',
      leaving: 'w-1',
      nodes: [...three(), worker('w-1'), worker('w-2')],
      obstacle: undefined,
    },
    { name: 'a control plane out of three', leaving: 'cp-2', nodes: [...three(), worker('w-1')], obstacle: undefined },
    {
      name: 'a worker that is itself what is not well',
      leaving: 'w-1',
      nodes: [...three(), worker('w-1', unready)],
      obstacle: undefined,
    },
    { name: 'a control plane that is itself not Ready', leaving: 'cp-2', nodes: three(unready), obstacle: undefined },
    {
      name: 'a worker where etcd has two members: it is none of them',
      leaving: 'w-1',
      nodes: [...controlPlanes({}, {}), worker('w-1')],
      obstacle: undefined,
    },
    {
      name: 'a worker while the etcd of all others is merely not whole',
      leaving: 'w-1',
      nodes: [...three({ etcd: { errors: ['NOSPACE'] } }), worker('w-1')],
      obstacle: undefined,
    },
    {
      name: 'not beside a worker that is silent',
      leaving: 'cp-1',
      nodes: [...three(), worker('w-1', silent)],
      obstacle: 'w-1 does not answer (no route to host)',
    },
    {
      name: 'not beside a worker that is not Ready',
      leaving: 'w-2',
      nodes: [...three(), worker('w-1', unready), worker('w-2')],
      obstacle: 'w-1 is not Ready in Kubernetes',
    },
    {
      name: 'not a worker beside a silent control plane',
      leaving: 'w-1',
      nodes: [...three(silent), worker('w-1')],
      obstacle: 'cp-2 does not answer (no route to host)',
    },
    {
      name: 'not out of an etcd that could lose its quorum',
      leaving: 'cp-1',
      nodes: controlPlanes({}, {}),
      obstacle: noQuorum,
    },
    {
      name: 'not out of an etcd that is not whole',
      leaving: 'cp-1',
      nodes: three({ etcd: { errors: ['NOSPACE'] } }),
      obstacle: 'etcd on cp-2 reports NOSPACE',
    },
    {
      name: 'not where its own member is ill',
      leaving: 'cp-2',
      nodes: three({ etcd: 'silent' }),
      obstacle: 'cp-2 does not report its etcd member',
    },
  ])('$name: $leaving', ({ leaving, nodes, obstacle }) => {
    expect(leavingObstacle(nodes, leaving, one)).toBe(obstacle)
  })
})

describe('several workers may be away at once', () => {
  const [silent, unready] = [{ talos: 'silent' } as const, { kubernetes: { ready: false } }]
  const two: DisruptionPolicy = { ...one, parallel: 2 }
  test.each<{ name: string; leaving: string; policy: DisruptionPolicy; nodes: Node[]; obstacle: string | undefined }>([
    {
      name: 'a second one beside one of ours',
      leaving: 'w-2',
      policy: two,
      nodes: [...three(), worker('w-1', ours), worker('w-2')],
      obstacle: undefined,
    },
    {
      name: 'no second one where one at a time is allowed',
      leaving: 'w-2',
      policy: one,
      nodes: [...three(), worker('w-1', ours), worker('w-2')],
      obstacle: 'w-1 is being upgraded',
    },
    {
      name: 'no third one: who is away for another reason counts too',
      leaving: 'w-3',
      policy: two,
      nodes: [...three(), worker('w-1', ours), worker('w-2', unready), worker('w-3')],
      obstacle: 'w-1 is being upgraded, w-2 is not Ready in Kubernetes: only 2 workers may be down at once',
    },
    {
      name: 'none of the same zone',
      leaving: 'w-2',
      policy: two,
      nodes: [...three(), worker('w-1', inZone('rack-1', ours)), worker('w-2', inZone('rack-1'))],
      obstacle: 'w-1 is being upgraded, and is in the same zone (rack-1)',
    },
    {
      name: 'one of another zone',
      leaving: 'w-2',
      policy: two,
      nodes: [...three(), worker('w-1', inZone('rack-1', ours)), worker('w-2', inZone('rack-2'))],
      obstacle: undefined,
    },
    {
      name: 'no control plane beside a worker',
      leaving: 'cp-1',
      policy: two,
      nodes: [...three(), worker('w-1', ours)],
      obstacle: 'w-1 is being upgraded',
    },
    {
      name: 'no worker beside a control plane',
      leaving: 'w-1',
      policy: two,
      nodes: [...three(ours), worker('w-1')],
      obstacle: 'cp-2 is being upgraded',
    },
    {
      name: 'of two closed ones the first goes first, or each would wait for the other',
      leaving: 'cp-2',
      policy: one,
      nodes: [...three(ours), worker('w-1', ours)],
      obstacle: undefined,
    },
    {
      name: 'and the second waits for it',
      leaving: 'w-1',
      policy: one,
      nodes: [...three(ours), worker('w-1', ours)],
      obstacle: 'cp-2 is being upgraded',
    },
    {
      name: 'a closed one counts who is away for another reason beside those before it',
      leaving: 'w-2',
      policy: two,
      nodes: [...three(), worker('w-1', ours), worker('w-2', ours), worker('w-4', silent)],
      obstacle: 'w-1 is being upgraded, w-4 does not answer (no route to host): only 2 workers may be down at once',
    },
    {
      name: 'a closed one is not finished beside one that is away',
      leaving: 'w-1',
      policy: one,
      nodes: [...three(), worker('w-1', ours), worker('w-2', silent)],
      obstacle: 'w-2 does not answer (no route to host)',
    },
    {
      name: 'a control plane of two members, where a person wants that',
      leaving: 'cp-1',
      policy: { ...one, twoMembers: 'allow' },
      nodes: controlPlanes({}, {}),
      obstacle: undefined,
    },
  ])('$name', ({ leaving, policy, nodes, obstacle }) => {
    expect(leavingObstacle(nodes, leaving, policy)).toBe(obstacle)
  })

  test.each([
    { parallel: 3, count: 7, expected: 3 },
    { parallel: { percent: 50 }, count: 7, expected: 3 },
    { parallel: { percent: 10 }, count: 7, expected: 1 },
    { parallel: { percent: 100 }, count: 7, expected: 7 },
  ])('$parallel of the workers, of $count: $expected', ({ parallel, count, expected }) => {
    const workers = Array.from({ length: count }, (_, index) => worker(`w-${index}`))
    expect(workersAtOnce([...three(), ...workers], { parallel })).toBe(expected)
  })
})

test('a name that is no node’s any more is in nobody’s way', () => {
  expect(leavingObstacle([...three(), worker('w-1')], 'gone', one)).toBeUndefined()
})
