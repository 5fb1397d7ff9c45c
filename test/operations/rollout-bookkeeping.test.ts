import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../src/core/cluster/cluster.ts'
import type { UpgradeDecision } from '../../src/core/upgrade/decision.ts'
import type { RollbackRequest } from '../../src/core/upgrade/gates.ts'
import type { UpgradePreview } from '../../src/core/upgrade/preview.ts'
import {
  beginRollout,
  endRollout,
  type Rollout,
  withNodeEnded,
  withNodeStarted,
} from '../../src/core/upgrade/record.ts'
import type { Window } from '../../src/core/upgrade/window.ts'
import { abortRelease } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { JobContext } from '../../src/operations/job.ts'
import {
  beginRecord,
  endRecord,
  noteArrival,
  noteFinished,
  noteSnapshot,
  noteWait,
  noteWindow,
  tidyRollbacks,
} from '../../src/operations/rollout-bookkeeping.ts'
import { clusterOf, type NodeChoices, worker } from '../core/cluster/nodes.ts'
import { memoryJournal } from '../fakes/journal.ts'

/** A Saturday, 04:00 in Warsaw. */
const at = new Date('2026-03-07T03:00:00Z')
const earlier = new Date('2026-03-07T02:00:00Z')
const mark: CordonMark = { why: 'upgrade', at: earlier.toISOString(), release: 'v1.13.9', bootId: 'boot-1' }
const reached = { talos: { version: 'v1.13.9' } } as const
const wait: UpgradeDecision = { kind: 'wait', reason: 'no window is open', gate: 'window' }
const go = (intent: 'upgrade' | 'stage' | 'resume' | 'rollback'): UpgradeDecision => ({
  kind: 'go',
  first: [],
  nodes: [{ node: 'w-1', intent, reason: '', plan: [] }],
})
const previewOf = (nodes: readonly Node[], changed: Partial<UpgradePreview> = {}) =>
  ({ cluster: clusterOf(...nodes), decision: wait, version: 'v1.13.9', order: ['w-1'], ...changed }) as UpgradePreview

function agentAt(records: readonly Rollout[] = [], windows: readonly Window[] = [], now = at) {
  const journal = memoryJournal(() => now)
  for (const record of records) journal.saveRollout(record)
  const events: string[] = []
  const context = {
    config: { upgrade: { windows, timeZone: 'Europe/Warsaw' } },
    ports: { journal, snapshots: { list: async () => [{ file: 'etcd.snapshot' }, { file: 'older.snapshot' }] } },
    now: () => now,
    emit: async (event: { type: string }) => void events.push(JSON.stringify(event)),
    ownNode: undefined,
  } as unknown as JobContext
  const told = () => journal.rollouts(9).map(({ release, outcome = 'open' }) => `${release} ${outcome}`)
  return { context, journal, events, told }
}
const open = beginRollout('v1.13.9', earlier)

describe('a request to roll back stays open', () => {
  const request: RollbackRequest = { node: 'w-1', bootId: 'boot-1', force: false }
  const never = { hasOtherEntry: false } as const
  const back: CordonMark = { ...mark, back: true }
  const cases: { name: string; nodes: readonly Node[]; force?: true; stays: boolean }[] = [
    { name: 'in the boot that it is about', nodes: [worker('w-1')], stays: true },
    { name: 'not after another boot', nodes: [worker('w-1', { talos: { bootId: 'boot-2' } })], stays: false },
    {
      name: 'after another boot while the node carries our mark for it',
      nodes: [worker('w-1', { talos: { bootId: 'boot-2' }, kubernetes: { cordon: back } })],
      stays: true,
    },
    {
      name: 'not after another boot, where the node is being upgraded',
      nodes: [worker('w-1', { talos: { bootId: 'boot-2' }, kubernetes: { cordon: mark } })],
      stays: false,
    },
    { name: 'while the node is silent', nodes: [worker('w-1', { talos: 'silent' })], stays: true },
    {
      name: 'while Kubernetes is silent, whatever has booted',
      nodes: [worker('w-1', { talos: { bootId: 'boot-2' }, kubernetes: 'silent' })],
      stays: true,
    },
    {
      name: 'while another machine answers, whatever that has booted',
      nodes: [
        worker('w-1', {
          talos: { bootId: 'boot-2' },
          identity: { kind: 'another', as: 'w-2', machineId: 'a1'.repeat(16) },
        }),
      ],
      stays: true,
    },
    { name: 'not where the node is gone', nodes: [worker('w-2')], stays: false },
    { name: 'not where the node has nothing to boot', nodes: [worker('w-1', { talos: never })], stays: false },
    {
      name: 'where it has nothing to boot and a person insists',
      nodes: [worker('w-1', { talos: never })],
      force: true,
      stays: true,
    },
    {
      name: 'where it has nothing to boot, and is to be uncordoned first',
      nodes: [worker('w-1', { talos: never, kubernetes: { cordon: mark } })],
      stays: true,
    },
  ]
  test.each(cases)('$name: $stays', ({ nodes, force = false, stays }) => {
    const { journal } = agentAt()
    remembered.rollbacks.remember(journal, [{ ...request, force }])
    tidyRollbacks(previewOf(nodes), journal)
    expect(remembered.rollbacks.recall(journal)).toEqual(stays ? [{ ...request, force }] : [])
  })
})

describe('the gate that is waited at', () => {
  test.each<{ name: string; decision: UpgradeDecision; gate: string | undefined }>([
    { name: 'is told', decision: wait, gate: 'window' },
    { name: 'is the node that is under way', decision: { kind: 'wait', reason: '' }, gate: 'node' },
    { name: 'is a person', decision: { kind: 'stuck', node: 'w-1', reason: '' }, gate: 'stuck' },
    { name: 'is none', decision: go('upgrade'), gate: undefined },
  ])('$name', ({ decision, gate }) => {
    const { journal } = agentAt()
    remembered.waitsAt.remember(journal, 'paused')
    noteWait(journal, decision)
    expect(remembered.waitsAt.recall(journal)).toBe(gate)
  })
})

describe('a window that closes', () => {
  const windows: readonly Window[] = [{ days: ['sat'], from: '02:00', to: '06:00' }]
  const closesAt = Date.parse('2026-03-07T05:00:00Z')
  const waits = { closesAt, reason: 'no window is open' }

  test.each<{ name: string; decision: UpgradeDecision; order?: readonly string[]; noted: object | undefined }>([
    { name: 'is remembered with what it waits for', decision: wait, noted: waits },
    { name: 'is not, while it goes on', decision: go('upgrade'), noted: undefined },
    { name: 'is not, where no node is to come', decision: wait, order: [], noted: undefined },
  ])('$name', async ({ decision, order = ['w-1'], noted }) => {
    const { context, journal } = agentAt([], windows)
    await noteWindow(context, previewOf([worker('w-1')], { decision, order }))
    expect(remembered.windowWaits.recall(journal)).toEqual(noted)
  })

  test.each<{ name: string; now: number; order?: readonly string[]; missed: number }>([
    { name: 'is told once it is closed', now: closesAt, missed: 1 },
    { name: 'is not told before', now: closesAt - 1, missed: 0 },
    { name: 'is not told where no node is left', now: closesAt, order: [], missed: 0 },
  ])('with nodes left $name', async ({ now, order = ['w-1'], missed }) => {
    const { context, journal, events } = agentAt([], windows, new Date(now))
    remembered.windowWaits.remember(journal, waits)
    const preview = previewOf([worker('w-1')], { order })
    await noteWindow(context, preview)
    if (now >= closesAt) await noteWindow(context, preview)
    expect(events).toEqual(
      missed > 0 ? [JSON.stringify({ type: 'window.missed', nodes: 1, reason: 'no window is open' })] : [],
    )
  })

  test('that never closes is not remembered', async () => {
    const { context, journal } = agentAt()
    await noteWindow(context, previewOf([worker('w-1')]))
    expect(remembered.windowWaits.recall(journal)).toBeUndefined()
  })
})

describe('a rollout whose way leads on to another release', () => {
  const on = (nodes: readonly Node[], version = 'v1.14.1', records = [open]) => {
    const agent = agentAt(records)
    return noteArrival(agent.context, previewOf(nodes, { version })).then(() => [...agent.told(), ...agent.events])
  }
  test.each<{ name: string; nodes: readonly Node[]; version?: string; done: boolean }>([
    {
      name: 'is done where every node runs its release',
      nodes: [worker('w-1', reached), worker('w-2', reached)],
      done: true,
    },
    { name: 'is not while one runs another', nodes: [worker('w-1', reached), worker('w-2')], done: false },
    {
      name: 'is not while one is silent',
      nodes: [worker('w-1', reached), worker('w-2', { talos: 'silent' })],
      done: false,
    },
    { name: 'is not while all are', nodes: [worker('w-1', { talos: 'silent' })], done: false },
    {
      name: 'is not ended by that where it is the one to come',
      nodes: [worker('w-1', reached)],
      version: 'v1.13.9',
      done: false,
    },
  ])('$name', async ({ nodes, version, done }) => {
    const finished = JSON.stringify({ type: 'rollout.finished', version: 'v1.13.9' })
    expect(await on(nodes, version)).toEqual(done ? ['v1.13.9 done', finished] : ['v1.13.9 open'])
  })

  test('is nothing without a record', async () => {
    expect(await on([worker('w-1', reached)], 'v1.14.1', [])).toEqual([])
  })
})

describe('a node that another agent has upgraded and could not record', () => {
  const started = withNodeStarted(open, { name: 'w-1', role: 'worker', from: 'v1.13.8' }, earlier)
  const outcomeOf = (choices: NodeChoices, record = started) => {
    const { context, journal } = agentAt([record])
    noteFinished(context, previewOf([worker('w-1', choices)]))
    return journal.openRollout()?.nodes['w-1']?.outcome
  }
  test('is recorded once it runs the release and carries no mark', () => {
    expect(outcomeOf(reached)).toBe('upgraded')
    expect(outcomeOf({})).toBeUndefined()
    expect(outcomeOf({ ...reached, kubernetes: { cordon: mark } })).toBeUndefined()
    expect(outcomeOf({ ...reached, kubernetes: 'silent' })).toBeUndefined()
    expect(outcomeOf({ talos: 'silent' })).toBeUndefined()
  })

  test('is not where it was never begun, or has ended already', () => {
    expect(outcomeOf(reached, open)).toBeUndefined()
    expect(outcomeOf(reached, withNodeEnded(started, 'w-1', { outcome: 'released' }, earlier))).toBe('released')
  })
})

describe('the record of a rollout', () => {
  const begins = async (changed: Partial<UpgradePreview>, records: readonly Rollout[] = [], aborted?: string) => {
    const agent = agentAt(records)
    if (aborted !== undefined) abortRelease(agent.journal, aborted, { by: 'me', at: earlier.toISOString() })
    await beginRecord(agent.context, previewOf([worker('w-1')], changed))
    return [...agent.told(), ...agent.events]
  }
  const started = JSON.stringify({ type: 'rollout.started', version: 'v1.13.9' })
  const former = beginRollout('v1.13.8', earlier)

  test.each<{ name: string; changed: Partial<UpgradePreview>; records?: Rollout[]; aborted?: string; told: string[] }>([
    { name: 'begins with the first node', changed: { decision: go('upgrade') }, told: ['v1.13.9 open', started] },
    { name: 'begins with one that is armed', changed: { decision: go('stage') }, told: ['v1.13.9 open', started] },
    { name: 'does not with what is finished', changed: { decision: go('resume') }, told: [] },
    { name: 'does not with a rollback', changed: { decision: go('rollback') }, told: [] },
    { name: 'does not while it waits', changed: {}, told: [] },
    { name: 'does not without a release', changed: { decision: go('upgrade'), version: undefined }, told: [] },
    { name: 'does not twice', changed: { decision: go('upgrade') }, records: [open], told: ['v1.13.9 open'] },
    { name: 'does not where it was aborted', changed: { decision: go('upgrade') }, aborted: 'v1.13.9', told: [] },
    {
      name: 'takes the place of another one',
      changed: { decision: go('upgrade') },
      records: [former],
      told: ['v1.13.9 open', 'v1.13.8 superseded', started],
    },
    {
      name: 'begins anew after one that has ended',
      changed: { decision: go('upgrade') },
      records: [endRollout(open, 'aborted', earlier)],
      told: ['v1.13.9 open', 'v1.13.9 aborted', started],
    },
  ])('$name', async ({ changed, records, aborted, told }) => {
    expect(await begins(changed, records, aborted)).toEqual(told)
  })

  test('ends when every node runs what it is to run, done or superseded', async () => {
    const ends = async (version: string | undefined, records = [open]) => {
      const agent = agentAt(records)
      await endRecord(agent.context, version)
      return [...agent.told(), ...agent.events]
    }
    expect(await ends('v1.13.9')).toEqual([
      'v1.13.9 done',
      JSON.stringify({ type: 'rollout.finished', version: 'v1.13.9' }),
    ])
    expect(await ends('v1.13.8')).toEqual(['v1.13.9 superseded'])
    expect(await ends(undefined)).toEqual(['v1.13.9 superseded'])
    expect(await ends('v1.13.9', [])).toEqual([])
  })

  test('names the snapshot of etcd that was taken for it, and no other', async () => {
    const snapshot = { id: 'snapshot-etcd', stops: [], steps: [] } as const
    const noted = async (decision: UpgradeDecision, version: string | undefined = 'v1.13.9', records = [open]) => {
      const agent = agentAt(records)
      await noteSnapshot(agent.context, previewOf([worker('w-1')], { decision, version }))
      return agent.journal.openRollout()?.snapshot
    }
    const taken = { ...go('upgrade'), first: [snapshot] } as UpgradeDecision
    expect(await noted(taken)).toBe('etcd.snapshot')
    expect(await noted(go('upgrade'))).toBeUndefined()
    expect(await noted(wait)).toBeUndefined()
    expect(await noted(taken, 'v1.13.8')).toBeUndefined()
    expect(await noted(taken, 'v1.13.9', [])).toBeUndefined()
  })
})
