import { expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { describeLagging } from '../../../src/core/upgrade/lagging.ts'
import { beginRollout, withNodeEnded, withNodeStarted } from '../../../src/core/upgrade/record.ts'
import { clusterOf, worker } from '../cluster/nodes.ts'

const at = new Date('2026-03-07T03:00:00Z')
const runs = (name: string, version: string) => worker(name, { talos: { version } })
const begun = withNodeStarted(beginRollout('v1.14.1', at), { name: 'w-1', role: 'worker', from: 'v1.13.9' }, at)
const wentBack = withNodeEnded(begun, 'w-1', { outcome: 'rolled-back' }, at)
const start = 'start it again with `caretaker rollout start`'

interface Case {
  readonly name: string
  readonly nodes: readonly Node[]
  readonly target?: string
  readonly aborted?: readonly string[]
  readonly rollouts?: readonly (typeof begun)[]
  readonly explained?: readonly string[]
  readonly says: readonly string[]
}

test.each<Case>([
  {
    name: 'a node that was rolled back, when the others run the release',
    nodes: [runs('w-1', 'v1.13.9'), runs('w-2', 'v1.14.1')],
    rollouts: [wentBack],
    says: [`w-1 was rolled back, and stays at v1.13.9, because the rollout of v1.14.1 was aborted: ${start}`],
  },
  {
    name: 'nodes that an abort has left behind, together',
    nodes: [runs('w-1', 'v1.13.9'), runs('w-2', 'v1.13.9'), runs('w-3', 'v1.14.1')],
    says: [`w-1 and w-2 stay at v1.13.9, because the rollout of v1.14.1 was aborted: ${start}`],
  },
  {
    name: 'all nodes, when the target was aborted before it began',
    nodes: [runs('w-1', 'v1.13.9')],
    target: 'v1.14.1',
    says: [`w-1 stays at v1.13.9, because the rollout of v1.14.1 was aborted: ${start}`],
  },
  {
    name: 'nobody where nothing was aborted',
    nodes: [runs('w-1', 'v1.13.9')],
    aborted: [],
    target: 'v1.14.1',
    says: [],
  },
  {
    name: 'nobody where the release that was aborted runs nowhere and is not the target any more',
    nodes: [runs('w-1', 'v1.13.9'), runs('w-2', 'v1.13.9')],
    target: 'v1.14.2',
    says: [],
  },
  {
    name: 'nobody of whom it is said already why they stay',
    nodes: [runs('w-1', 'v1.13.9'), runs('w-2', 'v1.14.1')],
    explained: ['w-1'],
    says: [],
  },
  {
    name: 'nobody whose release is not an official one, or who does not answer',
    nodes: [runs('w-1', 'v1.13.9-k7'), worker('w-2', { talos: 'silent' }), runs('w-3', 'v1.14.1')],
    says: [],
  },
])('status names $name', ({ nodes, target, aborted = ['v1.14.1'], rollouts = [], explained = [], says }) => {
  let asked = 0
  const situation = {
    aborted: aborted.map((release) => ({ release })),
    rollouts: () => {
      asked += 1
      return rollouts
    },
    explained: new Set(explained),
  }
  expect(describeLagging(clusterOf(...nodes), target, situation)).toEqual(says)
  // Everybody who looks at the state of the homelab asks.
  expect(asked).toBe(says.length > 0 ? 1 : 0)
})
