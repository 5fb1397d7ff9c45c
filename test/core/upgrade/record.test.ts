import { describe, expect, test } from 'vitest'
import type { Role } from '../../../src/core/cluster/cluster.ts'
import {
  beginRollout,
  endRollout,
  fromFormerRollout,
  nodeTimes,
  type NodeOutcome,
  type Rollout,
  withNodeEnded,
  withNodeStarted,
  withPhase,
} from '../../../src/core/upgrade/record.ts'

const start = Date.parse('2026-11-22T02:00:00Z')
/** So many minutes after the rollout has begun. */
const at = (minutes: number) => new Date(start + minutes * 60_000)
const minute = 60_000
const w1 = { name: 'w-1', role: 'worker', from: 'v1.13.8' } as const
const begun = beginRollout('v1.13.9', at(0))

describe('the record of a rollout', () => {
  test('begins with a name that no other has, and without nodes', () => {
    expect(begun).toEqual({
      id: '2026-11-22T02:00:00.000Z',
      release: 'v1.13.9',
      startedAt: '2026-11-22T02:00:00.000Z',
      nodes: {},
    })
  })

  test('tells of a node when it was taken away and came back, and how long each phase took', () => {
    let rollout = withNodeStarted(begun, w1, at(1))
    expect(rollout.nodes['w-1']).toEqual({
      role: 'worker',
      from: 'v1.13.8',
      startedAt: '2026-11-22T02:01:00.000Z',
      failures: [],
      phases: {},
    })
    rollout = withPhase(rollout, 'w-1', 'drain', 2 * minute)
    rollout = withPhase(rollout, 'w-1', 'reboot', 3 * minute)
    rollout = withNodeEnded(rollout, 'w-1', { outcome: 'upgraded' }, at(9))
    expect(rollout.nodes['w-1']).toEqual({
      role: 'worker',
      from: 'v1.13.8',
      startedAt: '2026-11-22T02:01:00.000Z',
      endedAt: '2026-11-22T02:09:00.000Z',
      outcome: 'upgraded',
      tookMs: 8 * minute,
      failures: [],
      phases: { drain: 2 * minute, reboot: 3 * minute },
    })
    expect(begun.nodes).toEqual({})
  })

  test('adds up a phase that was gone through twice', () => {
    const rollout = withPhase(withPhase(withNodeStarted(begun, w1, at(1)), 'w-1', 'drain', 10), 'w-1', 'drain', 5)
    expect(rollout.nodes['w-1']!.phases).toEqual({ drain: 15 })
  })

  test('goes on with an attempt that has not ended, as after a restart of the agent', () => {
    const before = withPhase(withNodeStarted(begun, w1, at(1)), 'w-1', 'drain', minute)
    // It has been installed in the meantime.
    const after = withNodeStarted(before, { ...w1, from: 'v1.13.9' }, at(5))
    expect(after).toEqual(before)
    expect(withNodeEnded(after, 'w-1', { outcome: 'upgraded' }, at(9)).nodes['w-1']!.tookMs).toBe(8 * minute)
  })

  test('counts a node that failed before by its last attempt, and keeps why it failed and where it came from', () => {
    let rollout = withPhase(withNodeStarted(begun, w1, at(0)), 'w-1', 'reboot', 30 * minute)
    rollout = withNodeEnded(rollout, 'w-1', { outcome: 'failed', failure: 'w-1 does not come back' }, at(30))
    expect(rollout.nodes['w-1']).toMatchObject({ outcome: 'failed', failures: ['w-1 does not come back'] })
    rollout = withNodeStarted(rollout, { ...w1, from: 'v1.13.9' }, at(60))
    expect(rollout.nodes['w-1']).toEqual({
      role: 'worker',
      from: 'v1.13.8',
      startedAt: at(60).toISOString(),
      failures: ['w-1 does not come back'],
      phases: {},
    })
    rollout = withNodeEnded(rollout, 'w-1', { outcome: 'upgraded' }, at(64))
    expect(rollout.nodes['w-1']).toMatchObject({ tookMs: 4 * minute, failures: ['w-1 does not come back'] })
    expect(nodeTimes([rollout], 'worker')).toEqual({ typical: 4 * minute, longest: 4 * minute, samples: 1 })
  })

  test('does not grow with a node that fails for weeks', () => {
    let rollout = begun
    for (let attempt = 1; attempt <= 25; attempt++)
      rollout = withNodeEnded(
        withNodeStarted(rollout, w1, at(attempt)),
        'w-1',
        { outcome: 'failed', failure: `no. ${attempt}` },
        at(attempt),
      )
    expect(rollout.nodes['w-1']!.failures).toEqual(Array.from({ length: 10 }, (_, index) => `no. ${index + 16}`))
  })

  test('takes no negative time where the clock was set back', () => {
    const rollout = withNodeEnded(withNodeStarted(begun, w1, at(5)), 'w-1', { outcome: 'upgraded' }, at(1))
    expect(rollout.nodes['w-1']!.tookMs).toBe(0)
  })

  test('knows nothing of a node that was not begun, whatever its name', () => {
    for (const name of ['w-2', 'constructor', '__proto__']) {
      expect(withPhase(begun, name, 'drain', 1)).toEqual(begun)
      expect(withNodeEnded(begun, name, { outcome: 'upgraded' }, at(1))).toEqual(begun)
      const rollout = withNodeStarted(begun, { ...w1, name }, at(1))
      expect(Object.keys(rollout.nodes)).toEqual([name])
      expect(withPhase(rollout, name, 'drain', 5).nodes[name]!.phases).toEqual({ drain: 5 })
    }
  })

  test('ends once', () => {
    const aborted = endRollout(begun, 'aborted', at(3))
    expect(aborted).toEqual({ ...begun, outcome: 'aborted', endedAt: at(3).toISOString() })
    expect(endRollout(aborted, 'done', at(4))).toEqual(aborted)
  })
})

type Attempt = readonly [name: string, role: Role, took: number, outcome?: NodeOutcome]

/** Nodes one after another, an hour apart, each taking so many minutes; without an outcome it is still under way. */
function rolloutOf(hours: number, ...attempts: readonly Attempt[]): Rollout {
  return attempts.reduce<Rollout>(
    (rollout, [name, role, took, outcome], index) => {
      const from = (hours + index) * 60
      const started = withNodeStarted(rollout, { name, role, from: 'v1.13.8' }, at(from))
      return outcome ? withNodeEnded(started, name, { outcome }, at(from + took)) : started
    },
    beginRollout('v1.13.9', at(hours * 60)),
  )
}
const many = (count: number, took: number): Attempt[] =>
  Array.from({ length: count }, (_, index) => [`w-${index}`, 'worker', took, 'upgraded'])

test.each<{ name: string; rollouts: Rollout[]; role: Role; expected: ReturnType<typeof nodeTimes> }>([
  { name: 'nothing where there was no rollout', rollouts: [], role: 'worker', expected: undefined },
  {
    name: 'nothing of the other role',
    rollouts: [rolloutOf(0, ['w-1', 'worker', 5, 'upgraded'])],
    role: 'controlplane',
    expected: undefined,
  },
  {
    name: 'nothing of nodes that failed, were released or rolled back, or are under way',
    rollouts: [
      rolloutOf(
        0,
        ['w-1', 'worker', 50, 'failed'],
        ['w-2', 'worker', 5, 'released'],
        ['w-3', 'worker', 5, 'rolled-back'],
        ['w-4', 'worker', 5],
      ),
    ],
    role: 'worker',
    expected: undefined,
  },
  {
    name: 'one node as it is',
    rollouts: [rolloutOf(0, ['w-1', 'worker', 5, 'upgraded'], ['cp-1', 'controlplane', 9, 'upgraded'])],
    role: 'worker',
    expected: { typical: 5 * minute, longest: 5 * minute, samples: 1 },
  },
  {
    name: 'the middle of three, and not their mean',
    rollouts: [
      rolloutOf(0, ['a', 'worker', 4, 'upgraded'], ['b', 'worker', 50, 'upgraded'], ['c', 'worker', 5, 'upgraded']),
    ],
    role: 'worker',
    expected: { typical: 5 * minute, longest: 50 * minute, samples: 3 },
  },
  {
    name: 'between the two in the middle of an even number, over several rollouts',
    rollouts: [
      rolloutOf(24, ['a', 'worker', 4, 'upgraded'], ['b', 'worker', 8, 'upgraded']),
      rolloutOf(0, ['a', 'worker', 6, 'upgraded'], ['b', 'worker', 20, 'upgraded']),
    ],
    role: 'worker',
    expected: { typical: 7 * minute, longest: 20 * minute, samples: 4 },
  },
  {
    name: 'the ten newest, in whatever order the rollouts come',
    rollouts: [rolloutOf(0, ['slow', 'worker', 55, 'upgraded'], ...many(3, 40)), rolloutOf(100, ...many(8, 5))],
    role: 'worker',
    expected: { typical: 5 * minute, longest: 40 * minute, samples: 10 },
  },
])('the time that a node takes is known from before: $name', ({ rollouts, role, expected }) => {
  expect(nodeTimes(rollouts, role)).toEqual(expected)
})

describe('a rollout that 0.1.0 wrote down', () => {
  const former = {
    ...begun,
    nodes: {
      'w-1': {
        role: 'worker' as const,
        from: 'v1.13.8',
        startedAt: at(1).toISOString(),
        endedAt: at(9).toISOString(),
        outcome: 'given-back' as const,
        tookMs: 8 * minute,
        failures: ['drain w-1: refused'],
        phases: { close: 1_000, empty: 2_000, note: 300, 'note installed': 40, 'hand over': 5, unheard: 7 },
      },
      'w-2': { role: 'worker' as const, from: 'v1.13.8', startedAt: at(2).toISOString(), failures: [], phases: {} },
    },
  }

  test('is read in the words of today, and what they do not know is left out', () => {
    expect(fromFormerRollout(former)).toEqual({
      ...former,
      nodes: {
        'w-1': {
          ...former.nodes['w-1'],
          outcome: 'released',
          phases: { cordon: 1_000, drain: 2_000, annotate: 340, 'forfeit-leadership': 5 },
        },
        'w-2': former.nodes['w-2'],
      },
    })
  })

  test('is not changed by being read once more', () => {
    const read = fromFormerRollout(former)
    expect(fromFormerRollout(read)).toEqual(read)
  })
})
