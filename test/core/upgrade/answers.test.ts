import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import { planAnswerOf } from '../../../src/core/upgrade/answers.ts'
import { comingRelease } from '../../../src/core/upgrade/coming.ts'
import { estimateRollout, neededFor } from '../../../src/core/upgrade/estimate.ts'
import type { UpgradePreview } from '../../../src/core/upgrade/preview.ts'
import { rolloutKind } from '../../../src/core/upgrade/rollout-kind.ts'
import { clusterOf, controlPlanes, worker } from '../cluster/nodes.ts'
import { policy } from './rollout.ts'

const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' }
const marked = (cordon: CordonMark) => worker('w-2', { kubernetes: { cordon } })
const until = new Date('2026-03-09T03:00:00Z')
const preview: UpgradePreview = {
  cluster: clusterOf(worker('w-1')),
  release: { kind: 'current', reason: 'v1.13.8 is the newest' },
  held: ['paused by me'],
  version: 'v1.13.8',
  decision: { kind: 'upgraded' },
  order: ['w-1'],
  takes: 900_000,
  toApprove: [],
  warnings: ['the canary is no node'],
}

describe('the release that a person means who names none', () => {
  const current = { kind: 'current', reason: '' } as const
  const soaks = { kind: 'wait', version: 'v1.14.1', reason: '' } as const
  test.each<{ name: string; of: Partial<UpgradePreview>; nodes?: readonly Node[]; open?: string; expected?: string }>([
    {
      name: 'is the one that nodes are brought to',
      of: { version: 'v1.13.9', order: ['w-1'], release: soaks },
      expected: 'v1.13.9',
    },
    {
      name: 'is the one that the last node is finished with',
      of: { version: 'v1.13.9', order: [], release: soaks },
      nodes: [worker('w-1'), marked(mark)],
      expected: 'v1.13.9',
    },
    {
      name: 'is the one that soaks, where every node has the other',
      of: { version: 'v1.13.9', order: [], release: soaks },
      expected: 'v1.14.1',
    },
    {
      name: 'is not one that a node is on its way back from',
      of: { version: 'v1.13.9', order: [], release: soaks },
      nodes: [marked({ ...mark, back: true })],
      expected: 'v1.14.1',
    },
    {
      name: 'is not one that another node is marked for',
      of: { version: 'v1.13.8', order: [], release: soaks },
      nodes: [marked(mark)],
      expected: 'v1.14.1',
    },
    {
      name: 'is not one that the power has cordoned a node in',
      of: { version: 'v1.13.9', order: [], release: soaks },
      nodes: [marked({ ...mark, why: 'power' })],
      expected: 'v1.14.1',
    },
    {
      name: 'is the one that soaks, where Kubernetes is silent',
      of: { version: 'v1.13.9', order: [], release: soaks },
      nodes: [worker('w-1', { kubernetes: 'silent' })],
      expected: 'v1.14.1',
    },
    {
      name: 'is the one that soaks, where no node tells what it runs',
      of: { version: undefined, order: ['w-1'], release: soaks },
      expected: 'v1.14.1',
    },
    {
      name: 'is the one whose record is open, where none is to come',
      of: { version: 'v1.13.9', order: [], release: current },
      open: 'v1.13.9',
      expected: 'v1.13.9',
    },
    { name: 'is none, where all is done', of: { version: 'v1.13.9', order: [], release: current } },
  ])('$name', ({ of, nodes = [worker('w-1')], open, expected }) => {
    expect(comingRelease({ ...preview, ...of, cluster: clusterOf(...nodes) }, open)).toBe(expected)
  })
})

describe('the plan as it is answered', () => {
  const { cluster: _, decision: __, release: ___, takes: ____, ...rest } = preview
  test('tells all but the cluster', () => {
    expect(planAnswerOf(preview)).toStrictEqual({
      ...rest,
      release: preview.release,
      takesMs: 900_000,
      decision: { kind: 'upgraded' },
    })
  })

  test('tells until when is waited, in ISO 8601', () => {
    const release = { kind: 'wait', version: 'v1.14.1', reason: 'it soaks' } as const
    const waits = { kind: 'wait', reason: 'no window is open', gate: 'window' } as const
    const base = { ...rest, takesMs: 900_000 }
    const both = { ...preview, release: { ...release, until: until.getTime() }, decision: { ...waits, until } }
    expect(planAnswerOf(both)).toStrictEqual({
      ...base,
      release: { ...release, until: until.toISOString() },
      decision: { kind: 'wait', reason: 'no window is open', until: until.toISOString() },
    })
    expect(planAnswerOf({ ...preview, release, decision: waits })).toStrictEqual({
      ...base,
      release,
      decision: { kind: 'wait', reason: 'no window is open' },
    })
  })
})

describe('how long nodes take', () => {
  const times = { worker: { typical: 100, longest: 200, samples: 3 } }
  const four = [worker('w-1'), worker('w-2'), worker('w-3'), worker('w-4')]
  const all = [...controlPlanes({}, {}, {}), ...four]

  test('is what they took before and a margin, but no more than four times what is configured', () => {
    expect(neededFor('worker', times, policy)).toBe(250)
    expect(neededFor('controlplane', times, policy)).toBe(policy.nodeEstimate)
    expect(neededFor('worker', { worker: { ...times.worker, longest: 1e9 } }, policy)).toBe(4 * policy.nodeEstimate)
  })

  test('is the sum of them, workers as many at once as may be', () => {
    const known = { ...times, controlplane: { typical: 7, longest: 9, samples: 1 } }
    expect(estimateRollout(all, all, known, policy)).toBe(4 * 100 + 3 * 7)
    expect(estimateRollout(all, all, known, { ...policy, parallel: 3 })).toBe(2 * 100 + 3 * 7)
    expect(estimateRollout(four.slice(2), all, known, policy)).toBe(2 * 100)
    expect(estimateRollout(all, all, {}, policy)).toBe(7 * policy.nodeEstimate)
  })
})

describe('the record of a rollout', () => {
  const node = { role: 'worker', from: 'v1.13.8', startedAt: '2026-03-07T03:00:00.000Z', failures: [], phases: {} }
  const rollout = { id: '1', release: 'v1.13.9', startedAt: '2026-03-07T03:00:00.000Z', nodes: { 'w-1': node } }

  test('is read with each outcome that there is, and with no other', () => {
    const read = (changed: object) => rolloutKind.parse({ ...rollout, ...changed })
    const asNode = (changed: object) => read({ nodes: { 'w-1': { ...node, ...changed } } }).nodes['w-1']?.outcome
    for (const outcome of ['upgraded', 'failed', 'released', 'rolled-back']) expect(asNode({ outcome })).toBe(outcome)
    expect(asNode({ outcome: 'given-back' })).toBe('released')
    expect(() => asNode({ outcome: 'lost' })).toThrow('is not one of upgraded, failed')
    for (const outcome of ['done', 'aborted', 'superseded']) expect(read({ outcome })).toMatchObject({ outcome })
    expect(() => read({ outcome: 'lost' })).toThrow('is not one of done, aborted, superseded')
    for (const role of ['worker', 'controlplane'])
      expect(read({ nodes: { 'w-1': { ...node, role } } }).nodes['w-1']?.role).toBe(role)
  })

  test('is open until it ends', () => {
    const read = rolloutKind.parse(rollout)
    expect(rolloutKind.isOpen?.(read)).toBe(true)
    expect(rolloutKind.isOpen?.({ ...read, endedAt: '2026-03-07T04:00:00.000Z' })).toBe(false)
    expect([rolloutKind.name, rolloutKind.keyOf(read)]).toEqual(['rollout', '1'])
  })
})
