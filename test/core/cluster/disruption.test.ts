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
  test.each<[string, string, Node[], string | undefined]>([
    ['a worker out of a cluster that is well', 'w-1', [...three(), worker('w-1'), worker('w-2')], undefined],
    ['a control plane out of three', 'cp-2', [...three(), worker('w-1')], undefined],
    ['a worker that is itself what is not well', 'w-1', [...three(), worker('w-1', unready)], undefined],
    ['a control plane that is itself not Ready', 'cp-2', three(unready), undefined],
    [
      'a worker where etcd has two members: it is none of them',
      'w-1',
      [...controlPlanes({}, {}), worker('w-1')],
      undefined,
    ],
    [
      'a worker while the etcd of all others is merely not whole',
      'w-1',
      [...three({ etcd: { errors: ['NOSPACE'] } }), worker('w-1')],
      undefined,
    ],
    [
      'not beside a worker that is silent',
      'cp-1',
      [...three(), worker('w-1', silent)],
      'w-1 does not answer (no route to host)',
    ],
    [
      'not beside a worker that is not Ready',
      'w-2',
      [...three(), worker('w-1', unready), worker('w-2')],
      'w-1 is not Ready in Kubernetes',
    ],
    [
      'not a worker beside a silent control plane',
      'w-1',
      [...three(silent), worker('w-1')],
      'cp-2 does not answer (no route to host)',
    ],
    ['not out of an etcd that could lose its quorum', 'cp-1', controlPlanes({}, {}), noQuorum],
    [
      'not out of an etcd that is not whole',
      'cp-1',
      three({ etcd: { errors: ['NOSPACE'] } }),
      'etcd on cp-2 reports NOSPACE',
    ],
    ['not where its own member is ill', 'cp-2', three({ etcd: 'silent' }), 'cp-2 does not tell of its etcd member'],
  ])('%s: %s', (_, leaving, nodes, obstacle) => {
    expect(leavingObstacle(nodes, leaving, one)).toBe(obstacle)
  })
})

describe('several workers may be away at once', () => {
  const [silent, unready] = [{ talos: 'silent' } as const, { kubernetes: { ready: false } }]
  const two: DisruptionPolicy = { ...one, parallel: 2 }
  test.each<[string, string, DisruptionPolicy, Node[], string | undefined]>([
    ['a second one beside one of ours', 'w-2', two, [...three(), worker('w-1', ours), worker('w-2')], undefined],
    [
      'no second one where one at a time is allowed',
      'w-2',
      one,
      [...three(), worker('w-1', ours), worker('w-2')],
      'w-1 is being upgraded',
    ],
    [
      'no third one: who is away for another reason counts too',
      'w-3',
      two,
      [...three(), worker('w-1', ours), worker('w-2', unready), worker('w-3')],
      'w-1 is being upgraded, w-2 is not Ready in Kubernetes: no more than 2 workers may be away at once',
    ],
    [
      'none of the same zone',
      'w-2',
      two,
      [...three(), worker('w-1', inZone('rack-1', ours)), worker('w-2', inZone('rack-1'))],
      'w-1 is being upgraded, and is of the same zone (rack-1)',
    ],
    [
      'one of another zone',
      'w-2',
      two,
      [...three(), worker('w-1', inZone('rack-1', ours)), worker('w-2', inZone('rack-2'))],
      undefined,
    ],
    ['no control plane beside a worker', 'cp-1', two, [...three(), worker('w-1', ours)], 'w-1 is being upgraded'],
    ['no worker beside a control plane', 'w-1', two, [...three(ours), worker('w-1')], 'cp-2 is being upgraded'],
    [
      'of two closed ones the first goes first, or each would wait for the other',
      'cp-2',
      one,
      [...three(ours), worker('w-1', ours)],
      undefined,
    ],
    ['and the second waits for it', 'w-1', one, [...three(ours), worker('w-1', ours)], 'cp-2 is being upgraded'],
    [
      'a closed one counts who is away for another reason beside those before it',
      'w-2',
      two,
      [...three(), worker('w-1', ours), worker('w-2', ours), worker('w-4', silent)],
      'w-1 is being upgraded, w-4 does not answer (no route to host): no more than 2 workers may be away at once',
    ],
    [
      'a closed one is not finished beside one that is away',
      'w-1',
      one,
      [...three(), worker('w-1', ours), worker('w-2', silent)],
      'w-2 does not answer (no route to host)',
    ],
    [
      'a control plane of two members, where a person wants that',
      'cp-1',
      { ...one, twoMembers: 'allow' },
      controlPlanes({}, {}),
      undefined,
    ],
  ])('%s', (_, leaving, policy, nodes, obstacle) => {
    expect(leavingObstacle(nodes, leaving, policy)).toBe(obstacle)
  })

  test.each([
    [3, 7, 3],
    [{ percent: 50 }, 7, 3],
    [{ percent: 10 }, 7, 1],
    [{ percent: 100 }, 7, 7],
  ])('%j of the workers, of %i: %i', (parallel, count, expected) => {
    const workers = Array.from({ length: count }, (_, index) => worker(`w-${index}`))
    expect(workersAtOnce([...three(), ...workers], { parallel })).toBe(expected)
  })
})
