import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import { clusterOf, controlPlanes, type NodeChoices, worker } from '../cluster/nodes.ts'
import { calm, outline, policy, summary, target } from './rollout.ts'
import { mark, reached, rebooting } from './unfinished.ts'

const carrying = (cordon: CordonMark, talos: NodeChoices['talos'] = {}, facts: object = {}): NodeChoices => ({
  talos,
  kubernetes: { unschedulable: true, cordon, ...facts },
})
/** It has left its boot, and is to come back. */
const leaving = carrying(rebooting, 'silent')
/** It is back, and only to be uncordoned. */
const back = carrying(rebooting, { ...reached, bootId: 'boot-2' })
const given = { kubernetes: { unschedulable: true, cordon: mark }, talos: 'silent' } as const
const failed = { release: 'v1.13.9', count: 2, failure: 'it is not ready' }
const stuck = carrying(rebooting, { ...reached, bootId: 'boot-2' }, { attempts: failed })

const decide = (nodes: readonly Node[], parallel: number, changed: Partial<typeof calm> = {}) =>
  decideUpgrade(clusterOf(...nodes), target, { ...calm, ...changed }, { ...policy, parallel })
const workers = (...choices: readonly NodeChoices[]) => choices.map((choice, at) => worker(`w-${at + 1}`, choice))

describe('of several nodes that carry our mark', () => {
  test.each<{ name: string; nodes: readonly Node[]; parallel: number; expected: string }>([
    {
      name: 'workers are finished together, as many as may be away',
      nodes: workers(leaving, leaving, leaving),
      parallel: 2,
      expected: 'go w-1, w-2',
    },
    {
      name: 'one worker is finished alone, where one may be away',
      nodes: workers(leaving, leaving),
      parallel: 1,
      expected: 'go w-1',
    },
    {
      name: 'what is away comes first: nothing else can go on before it is back',
      nodes: workers(back, leaving),
      parallel: 1,
      expected: 'go w-2',
    },
    {
      name: 'each is finished once',
      nodes: workers(back, leaving, back),
      parallel: 5,
      expected: 'go w-2, w-1, w-3',
    },
    {
      name: 'a control plane that comes first is finished alone',
      nodes: [...controlPlanes({}, leaving, {}), ...workers(leaving, leaving)],
      parallel: 3,
      expected: 'go cp-2',
    },
    {
      name: 'a control plane is never finished beside workers',
      nodes: [...workers(leaving, leaving), ...controlPlanes({}, leaving, {})],
      parallel: 3,
      expected: 'go w-1, w-2',
    },
    {
      name: 'one that waits keeps no other from being finished',
      nodes: workers(given, leaving),
      parallel: 1,
      expected: 'go w-2',
    },
    {
      name: 'one that needs a person is named before one that is waited for',
      nodes: workers(given, stuck),
      parallel: 1,
      expected:
        'stuck: w-2 runs v1.13.9, but failed verification (it is not ready): accept it with `kubectl uncordon w-2`, verify it again with `caretaker retry w-2`, or roll it back with `caretaker rollback w-2`',
    },
    {
      name: 'the first one is named where all are waited for',
      nodes: workers(given, carrying(mark, { ready: false })),
      parallel: 1,
      expected: 'wait: w-1, which is being upgraded, does not answer (no route to host)',
    },
  ])('$name', ({ nodes, parallel, expected }) => {
    expect(summary(decide(nodes, parallel))).toBe(expected)
  })

  test('images are pulled for each of those that go on', () => {
    const decision = decide(workers(carrying(mark), carrying(mark)), 2)
    expect(decision.kind === 'go' && decision.first.flatMap(({ steps }) => steps)).toMatchObject([
      { do: 'pull-image', node: 'w-1' },
      { do: 'pull-image', node: 'w-2' },
    ])
  })
})

test('etcd is saved before a control plane goes on, where that has not been done for this rollout', () => {
  const nodes = controlPlanes({}, carrying(mark), {})
  expect(outline(decide(nodes, 1))[1]).toBe('cordon: cordon cp-2')
  expect(outline(decide(nodes, 1, { snapshotted: false })).slice(0, 3)).toEqual([
    'pull-images: pull v1.13.9 on cp-2',
    expect.stringMatching(/^snapshot-etcd: /),
    'cordon: cordon cp-2',
  ])
})
