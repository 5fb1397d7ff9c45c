import { describe, expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import { armedEntries, worker } from '../cluster/nodes.ts'
import { outline, summary } from './rollout.ts'
import {
  mark,
  rebooting,
  reached,
  unfinished,
  decide,
  finish,
  rebootOnly,
  uncordonOnly,
  noteAndUncordon,
} from './unfinished.ts'

describe('when the power fails, or a person pauses, in the middle of an upgrade', () => {
  const power = { powerObstacle: 'the UPS is on battery' }
  const paused = { paused: 'paused by me' }
  const armed = unfinished(mark, { ...armedEntries })
  test.each<{ name: string; circumstances: Partial<Circumstances>; node: Node; expected: string; phases: string[] }>([
    {
      name: 'a node that was cordoned is uncordoned',
      circumstances: power,
      node: unfinished(mark),
      expected: 'go w-2',
      phases: uncordonOnly,
    },
    {
      name: 'a node that is armed stays cordoned',
      circumstances: power,
      node: armed,
      expected: 'wait: the UPS is on battery',
      phases: [],
    },
    {
      name: 'a node that is ill stays cordoned',
      circumstances: power,
      node: unfinished(mark, { ready: false }),
      expected: 'wait: the UPS is on battery',
      phases: [],
    },
    {
      name: 'a node that rebooted is finished',
      circumstances: power,
      node: unfinished(rebooting, 'silent'),
      expected: 'go w-2',
      phases: finish,
    },
    {
      name: 'a node that is done is taken back',
      circumstances: power,
      node: unfinished(mark, { ...reached, bootId: 'boot-2' }),
      expected: 'go w-2',
      phases: finish,
    },
    {
      name: 'a node that rolled back is noted as such and uncordoned',
      circumstances: power,
      node: unfinished(rebooting, { bootId: 'boot-2' }),
      expected: 'go w-2',
      phases: noteAndUncordon,
    },
    {
      name: 'a node that was cordoned is uncordoned',
      circumstances: paused,
      node: unfinished(mark),
      expected: 'go w-2',
      phases: uncordonOnly,
    },
    {
      name: 'a node that is ill stays cordoned',
      circumstances: paused,
      node: unfinished(mark, { ready: false }),
      expected: 'wait: w-2, which is being upgraded, is not ready (no reason given)',
      phases: [],
    },
    {
      name: 'a node that is not Ready stays cordoned',
      circumstances: paused,
      node: unfinished(mark, {}, { ready: false }),
      expected: 'wait: w-2, which is being upgraded, is not Ready in Kubernetes',
      phases: [],
    },
    {
      name: 'a node that rolled back is noted as such and uncordoned',
      circumstances: paused,
      node: unfinished(rebooting, { bootId: 'boot-2' }),
      expected: 'go w-2',
      phases: noteAndUncordon,
    },
    {
      name: 'a node that is armed is finished: it must not stay so',
      circumstances: paused,
      node: armed,
      expected: 'go w-2',
      phases: rebootOnly,
    },
    {
      name: 'a node that rebooted is finished',
      circumstances: paused,
      node: unfinished(rebooting, 'silent'),
      expected: 'go w-2',
      phases: finish,
    },
  ])('$name: $circumstances', ({ circumstances, node, expected, phases }) => {
    const decision = decide(node, circumstances)
    expect(summary(decision)).toBe(expected)
    expect(outline(decision)).toEqual(phases)
  })
})

test('a rollback waits for the power before anything is done to the node', () => {
  const node = worker('w-2', { talos: reached })
  const decision = decide(node, {
    powerObstacle: 'the UPS is on battery',
    rollbacks: [{ node: 'w-2', bootId: 'boot-1', force: true }],
  })
  expect(summary(decision)).toBe('wait: the UPS is on battery')
})

test('nothing goes on while another node runs in another role than the configured one', () => {
  const misplaced: Node = { ...worker('w-3'), configuredRole: 'controlplane' }
  expect(summary(decide(unfinished(mark), {}, misplaced))).toBe(
    'wait: w-3 is configured as a controlplane, and runs as a worker: correct its role in caretaker.yaml',
  )
})
