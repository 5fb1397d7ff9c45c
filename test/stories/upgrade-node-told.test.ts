import { describe, expect, test } from 'vitest'
import type { CordonMark } from '../../src/core/cluster/cluster.ts'
import { beginRollout, withNodeStarted } from '../../src/core/upgrade/record.ts'
import { remembered } from '../../src/operations/facts.ts'
import { armedEntries, controlPlanes, worker } from '../core/cluster/nodes.ts'
import { calm } from '../core/upgrade/rollout.ts'
import { type Course, upgrades } from '../operations/upgrading.ts'

// What a run of the job that upgrades says, writes down and asks for, where nothing is done to a node.

const hour = 3_600_000
const inMs = (ms: number) => new Date(calm.now.getTime() + ms)
const there = { talos: { version: 'v1.13.9' } } as const
const arrived = [...controlPlanes(there), worker('w-1', there)]
const last = [...controlPlanes(there), worker('w-1')]
const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' }
const failed = { release: 'v1.13.9', count: 2, failure: 'exit 1' }
const started = beginRollout('v1.13.9', calm.now)
const begun = withNodeStarted(started, { name: 'w-1', role: 'worker', from: 'v1.13.8' }, calm.now)

describe('where every node runs the release', () => {
  test('the rollout is over, and what held it up is settled with that', async () => {
    const ran = await upgrades({
      nodes: arrived,
      times: 2,
      alerts: ['rollout.failed'],
      remembers: (journal) => journal.saveRollout(started),
    })
    expect(ran.outcome).toEqual({ kind: 'done', summary: 'every node runs v1.13.9' })
    expect(ran.record).toMatchObject({ release: 'v1.13.9', outcome: 'done' })
    expect(ran.events).toEqual([{ type: 'rollout.finished', version: 'v1.13.9' }])
    expect(ran.lines).toEqual([])
    expect(ran.endings).toEqual(['settled: rollout.failed; every node runs v1.13.9'])
  })

  test.each<{ name: string; version: string; withdrawn?: string; is: string }>([
    { name: 'but one of no official release', version: 'v1.13.9-dirty', is: 'w-1 (v1.13.9-dirty)' },
    {
      name: 'but one of a release that was withdrawn',
      version: 'v1.14.0',
      withdrawn: 'v1.14.0',
      is: 'w-1 (v1.14.0 was withdrawn by the Image Factory)',
    },
  ])('$name, that one is named', async ({ version, withdrawn, is }) => {
    const ran = await upgrades({
      nodes: [...controlPlanes(there), worker('w-1', { talos: { version } }), worker('w-2', there)],
      ...(withdrawn ? { remembers: (journal) => remembered.withdrawn.remember(journal, [withdrawn]) } : {}),
    })
    expect(ran.outcome).toEqual({ kind: 'done', summary: `every node runs v1.13.9, except ${is}` })
    expect(ran.told).toEqual([])
  })
})

describe('a run that waits', () => {
  const cordoned = worker('w-1', { kubernetes: { unschedulable: true, cordon: mark }, talos: 'silent' })
  test.each<{ name: string; course: Course; is: object; at: Date }>([
    {
      name: 'for a window asks again when that opens',
      course: { nodes: last, upgrade: { windows: [{ days: ['sat'], from: '05:00', to: '06:00' }] } },
      is: { reason: expect.stringMatching(/window/) as string },
      at: inMs(2 * hour),
    },
    {
      name: 'for what comes at no known time asks again after a while',
      course: { nodes: last, paused: 'by me', upgrade: { retryAfter: '5m' } },
      is: { reason: expect.stringMatching(/by me$/) as string },
      at: inMs(hour / 12),
    },
  ])('$name', async ({ course, is, at }) => {
    const { outcome, told, lines } = await upgrades(course)
    expect(outcome).toEqual({ kind: 'later', at, ...is })
    expect([told, lines]).toEqual([[], []])
  })

  test('while a node is cordoned by us says why, and writes down at what it waits', async () => {
    const ran = await upgrades({ nodes: [...controlPlanes(there), cordoned] })
    expect(ran.lines).toEqual([expect.stringMatching(/^rollout\.held: w-1 stays cordoned: /)])
    expect(remembered.waitsAt.recall(ran.journal)).toBe('node')
  })
})

describe('a rollout that is stuck', () => {
  const nodes = [...controlPlanes({}), worker('w-1', { kubernetes: { attempts: failed } })]
  const stuck = /^w-1 failed 2 times to upgrade to v1\.13\.9 \(exit 1\): /

  test('is an alert and an event, once, and waits for a person', async () => {
    const ran = await upgrades({ nodes, times: 3 })
    expect(ran.outcome).toEqual({ kind: 'stuck', summary: expect.stringMatching(stuck) as string })
    expect(ran.events).toEqual([{ type: 'rollout.stuck', node: 'w-1', reason: expect.stringMatching(stuck) as string }])
    expect(ran.lines).toEqual([expect.stringMatching(/^rollout\.stuck: the rollout is stuck: w-1 failed 2 times/)])
    expect(ran.told).toEqual([])
  })

  test('asks for no approval meanwhile', async () => {
    const ran = await upgrades({ nodes, upgrade: { approval: 'always' } })
    expect(ran.lines.map((line) => line.split(':')[0])).toEqual(['rollout.stuck'])
  })
})

test('a release that waits for approval asks for it, once', async () => {
  const ran = await upgrades({ nodes: last, upgrade: { approval: 'always' }, times: 3 })
  expect(ran.events).toEqual([{ type: 'approval.needed', version: 'v1.13.9' }])
  expect(ran.lines).toEqual(['rollout.approval: v1.13.9 waits for approval'])
  expect(ran.told).toEqual([])
})

describe('whatever is decided', () => {
  const pausedAt = (course: Partial<Course>) => upgrades({ nodes: last, paused: 'by me', ...course })

  test('what held up another release is settled', async () => {
    const ran = await pausedAt({
      alerts: ['rollout.stuck'],
      remembers: (journal) => remembered.lookedAt.remember(journal, 'v1.13.7'),
    })
    expect(ran.lines).toEqual([])
    expect(ran.endings).toEqual(['settled: rollout.stuck; v1.13.9 is the target release now'])
  })

  test('a request to go back that was fulfilled is over', async () => {
    const requests = ['boot-0', 'boot-1'].map((bootId) => ({ node: 'w-1', bootId, force: true }))
    const ran = await pausedAt({
      nodes: [...controlPlanes(there), worker('w-1', { talos: 'silent' }), worker('w-2')],
      remembers: (journal) =>
        remembered.rollbacks.remember(journal, [...requests, { node: 'w-2', bootId: 'boot-0', force: true }]),
    })
    expect(remembered.rollbacks.recall(ran.journal)).toEqual(requests)
  })

  test('a node that starts another release by itself is told', async () => {
    const ran = await pausedAt({ nodes: [...controlPlanes(there), worker('w-1', { talos: { ...armedEntries } })] })
    expect(ran.lines).toContainEqual(expect.stringMatching(/^node\.armed:w-1: w-1 starts another release/))
  })

  test('a machine that is another one is told', async () => {
    const identity = { kind: 'another', as: 'w-9', machineId: 'f'.repeat(32) } as const
    const ran = await pausedAt({ nodes: [...controlPlanes(there), worker('w-1', { identity })] })
    expect(ran.lines).toContainEqual(expect.stringMatching(/^node\.identity:w-1: w-1 /))
  })

  test('at which gate it waits is written down, and what an open window waits for', async () => {
    const ran = await pausedAt({ upgrade: { windows: [{ days: ['sat'], from: '03:00', to: '06:00' }] } })
    expect(remembered.waitsAt.recall(ran.journal)).toBe('paused')
    expect(remembered.windowWaits.recall(ran.journal)).toEqual({
      closesAt: inMs(3 * hour).getTime(),
      reason: expect.stringMatching(/by me$/) as string,
    })
  })

  test('a node that was finished by an agent before us is on record', async () => {
    const nodes = [...controlPlanes({}), worker('w-1', there)]
    const ran = await pausedAt({ nodes, remembers: (journal) => journal.saveRollout(begun) })
    expect(ran.record?.nodes['w-1']).toMatchObject({ outcome: 'upgraded' })
  })

  test('a rollout whose release every node runs is over, whatever is the next', async () => {
    const nodes = [...controlPlanes({}), worker('w-1')]
    const ran = await pausedAt({
      nodes,
      remembers: (journal) => journal.saveRollout(beginRollout('v1.13.8', calm.now)),
    })
    expect(ran.events).toEqual([{ type: 'rollout.finished', version: 'v1.13.8' }])
  })
})

test('the first node of a release starts its record, and ends that of the one before', async () => {
  const ran = await upgrades({
    nodes: [...controlPlanes({ talos: { version: 'v1.13.7' } }), worker('w-1')],
    remembers: (journal) => journal.saveRollout(beginRollout('v1.13.6', inMs(-hour))),
  })
  expect(ran.events).toContainEqual({ type: 'rollout.started', version: 'v1.13.9' })
  expect(ran.journal.rollouts(2).map(({ release, outcome }) => [release, outcome])).toEqual([
    ['v1.13.9', undefined],
    ['v1.13.6', 'superseded'],
  ])
})
