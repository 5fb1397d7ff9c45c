import { describe, expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import { clusterOf, controlPlanes, worker } from '../cluster/nodes.ts'
import { calm, policy, stepsOf, summary, target } from './rollout.ts'

const three = controlPlanes({}, {}, {})
const canary = { node: 'w-2', watch: 3_600_000 }
const upgraded = { talos: { version: 'v1.13.9' } } as const
const decide = (nodes: readonly Node[], circumstances: Partial<Circumstances> = {}, changed = {}) =>
  decideUpgrade(clusterOf(...nodes), target, { ...calm, ...circumstances }, { ...policy, canary, ...changed })

describe('a canary that is a worker', () => {
  const all = [...three, worker('w-1'), worker('w-2'), worker('w-3')]

  test('goes first and alone, whoever else may go', () => {
    expect(summary(decide(all, {}, { parallel: 3 }))).toBe('go w-2')
  })

  test('is waited for while it can’t go: the others would be the canary', () => {
    const others = [...three, worker('w-1')]
    const first = (node: Node) => summary(decide([...others, node]))
    expect(first(worker('w-2', { talos: 'silent' }))).toBe(
      'wait: the canary must be upgraded first: w-2 does not answer (no route to host)',
    )
    expect(first(worker('w-2', { kubernetes: { paused: 'a guest' } }))).toBe(
      'wait: the canary must be upgraded first: w-2 is paused (a guest): resume it with `caretaker resume w-2`',
    )
  })

  test('that has the release lets the others go, and so does one that is no node', () => {
    expect(summary(decide([...three, worker('w-1'), worker('w-2', upgraded)]))).toBe('go w-1')
    expect(summary(decide([...three, worker('w-1')]))).toBe('go w-1')
    expect(summary(decide([...three, worker('w-1')], {}, { canary: undefined }))).toBe('go w-1')
  })

  test('that has the release is asked nothing more, paused or not', () => {
    const paused = worker('w-2', { ...upgraded, kubernetes: { paused: 'a guest' } })
    expect(summary(decide([...three, worker('w-1'), paused]))).toBe('go w-1')
  })

  test('is not held up by its own watch, where it needs the release once more', () => {
    const canaryDoneAt = new Date(calm.now.getTime() - 60_000)
    expect(summary(decide(all, { canaryDoneAt }))).toBe('go w-2')
    expect(summary(decide([...three, worker('w-1'), worker('w-2', upgraded)], { canaryDoneAt }))).toMatch(
      /^wait: the canary w-2 is watched/,
    )
  })
})

test('images are fetched on nodes that are well, once each', () => {
  const nodes = [...three, worker('w-1'), worker('w-2'), worker('w-3', { kubernetes: { ready: false } })]
  const decision = decide(nodes, {}, { parallel: 3, canary: undefined })
  expect(summary(decision)).toBe('go w-1, w-2')
  const pulls = stepsOf(decision).flatMap((step) => (step.do === 'pull-image' ? [step.node] : []))
  expect(new Set(pulls).size).toBe(pulls.length)
  expect(pulls).not.toContain('w-3')
  expect(pulls.toSorted()).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2'])
})
