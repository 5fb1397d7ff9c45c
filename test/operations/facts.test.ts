import { expect, test } from 'vitest'
import { factKind } from '../../src/core/records.ts'
import { notObserved } from '../../src/core/cluster/cluster.ts'
import type { ReleasePolicy } from '../../src/core/release/policy.ts'
import { beginRollout } from '../../src/core/upgrade/record.ts'
import { chooseTarget, remembered } from '../../src/operations/facts.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { clusterOf, worker } from '../core/cluster/nodes.ts'

const policy: ReleasePolicy = { channel: 'stable', skip: [], soak: 86_400_000 }
const monday = new Date('2026-03-02T10:00:00Z')
const tuesday = new Date('2026-03-03T10:00:00Z')

function journalWith(...versions: string[]) {
  const journal = memoryJournal(() => monday)
  remembered.versions.remember(journal, versions)
  return journal
}

test.each([
  { written: 'v1.14.1', read: ['v1.14.1'] },
  { written: ['v1.14.1', 'v1.14.2'], read: ['v1.14.1', 'v1.14.2'] },
])('an abort that was written as $written is read as $read', ({ written, read }) => {
  const journal = memoryJournal()
  journal.records(factKind('rollout.aborted', (value) => value)).save(written)
  expect(remembered.aborted.recall(journal)).toEqual(read)
})

test('a release soaks from the day on which the journal saw it first', () => {
  const journal = journalWith('v1.13.8', 'v1.13.9')
  const cluster = clusterOf(worker('w-1'))
  expect(chooseTarget(cluster, journal, policy, { now: monday })).toMatchObject({ kind: 'wait', version: 'v1.13.9' })
  expect(chooseTarget(cluster, journal, policy, { now: tuesday })).toMatchObject({ kind: 'target', version: 'v1.13.9' })
})

test('a node that does not answer has no say', () => {
  const journal = journalWith('v1.13.9')
  const cluster = clusterOf(worker('w-1', { talos: { version: 'v1.13.9' } }), worker('w-2', { talos: 'silent' }))
  expect(chooseTarget(cluster, journal, policy, { now: tuesday }).kind).toBe('current')
})

test('a rollout that the journal remembers is not overtaken', () => {
  const journal = journalWith('v1.13.8', 'v1.13.9', 'v1.13.10')
  journal.saveRollout(beginRollout('v1.13.9', new Date()))
  const cluster = clusterOf(worker('w-1', { talos: { version: 'v1.13.9' } }), worker('w-2'))
  const decision = chooseTarget(cluster, journal, { ...policy, soak: 0 }, { now: tuesday })
  expect(decision).toMatchObject({ kind: 'target', version: 'v1.13.9' })
})

test('Kubernetes keeps a release back only while it answers', () => {
  const journal = journalWith('v1.14.0')
  const old = { ...clusterOf(worker('w-1')), kubernetes: { ok: true, value: 'v1.31.0' } as const }
  const atOnce = { ...policy, soak: 0 }
  expect(chooseTarget(old, journal, atOnce, { now: tuesday }).kind).toBe('wait')
  expect(chooseTarget({ ...old, kubernetes: notObserved('no answer') }, journal, atOnce, { now: tuesday }).kind).toBe(
    'target',
  )
})

test('with nothing remembered nothing is decided', () => {
  expect(
    chooseTarget(
      clusterOf(worker('w-1')),
      memoryJournal(() => monday),
      policy,
      { now: monday },
    ).kind,
  ).toBe('current')
})

test.each<{ name: string; decided: string | undefined; begun: string | undefined; kind: string }>([
  { name: 'that was decided on', decided: 'v1.14.1', begun: undefined, kind: 'wait' },
  { name: 'whose rollout has begun', decided: undefined, begun: 'v1.14.1', kind: 'wait' },
  { name: 'that nobody had decided on', decided: 'v1.14.0', begun: undefined, kind: 'target' },
])('a release $name and that vanishes: $kind', ({ decided, begun, kind }) => {
  const journal = journalWith('v1.13.8', 'v1.14.0')
  remembered.vanished.remember(journal, ['v1.14.1'])
  remembered.target.remember(journal, decided)
  if (begun !== undefined) journal.saveRollout(beginRollout(begun, new Date()))
  const cluster = { ...clusterOf(worker('w-1')), kubernetes: { ok: true, value: 'v1.35.0' } as const }
  expect(chooseTarget(cluster, journal, { ...policy, soak: 0 }, { now: tuesday }).kind).toBe(kind)
})

test('what is forgotten is no longer recalled', () => {
  const journal = journalWith('v1.13.9')
  expect(remembered.versions.recall(journal)).toEqual(['v1.13.9'])
  remembered.versions.remember(journal, undefined)
  expect(remembered.versions.recall(journal)).toBeUndefined()
})
