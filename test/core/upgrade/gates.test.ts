import { describe, expect, test } from 'vitest'
import { observed, notObserved } from '../../../src/core/cluster/cluster.ts'
import { controlPlanes, worker } from '../cluster/nodes.ts'
import { calm, outline, summary } from './rollout.ts'
import { three, decide, at, upgraded, type Row } from './gated.ts'

const all = [...three(), worker('w-1'), worker('w-2')]
const [hour, minute] = [3_600_000, 60_000]
const now = calm.now.getTime()

describe('what a person has said counts', () => {
  test.each<Row>([
    {
      name: 'a release that was aborted is not begun again by itself',
      circumstances: { aborted: { release: 'v1.13.9', by: 'admin@nas (unverified)' } },
      expected:
        'wait: the rollout of v1.13.9 was aborted by admin@nas (unverified): start it again with `caretaker rollout start`',
    },
    { name: 'another one was aborted', circumstances: { aborted: { release: 'v1.13.7' } }, expected: 'go w-1' },
    { name: 'no approval is asked for', changed: { approval: 'none' }, expected: 'go w-1' },
    { name: 'a patch needs none where only minors do', changed: { approval: 'minor' }, expected: 'go w-1' },
    {
      name: 'every release needs one',
      changed: { approval: 'always' },
      expected: 'wait: v1.13.9 waits for approval: approve it with `caretaker approve v1.13.9`',
    },
    {
      name: 'it was approved',
      circumstances: { approved: 'v1.13.9' },
      changed: { approval: 'always' },
      expected: 'go w-1',
    },
    {
      name: 'an older one was approved',
      circumstances: { approved: 'v1.13.8' },
      changed: { approval: 'always' },
      expected: 'wait: v1.13.9 waits for approval: approve it with `caretaker approve v1.13.9`',
    },
    {
      name: 'a minor version needs one',
      nodes: [worker('w-1', { talos: { version: 'v1.12.11' } }), ...upgraded(three())],
      changed: { approval: 'minor' },
      expected: 'wait: v1.13.9 waits for approval: approve it with `caretaker approve v1.13.9`',
    },
    {
      name: 'nodes of that minor version do not wait for it',
      nodes: [worker('w-1', { talos: { version: 'v1.12.11' } }), worker('w-2'), ...three()],
      changed: { approval: 'minor' },
      expected: 'go w-2',
    },
    {
      name: 'control planes neither',
      nodes: [worker('w-1', { talos: { version: 'v1.12.11' } }), ...three()],
      changed: { approval: 'minor' },
      expected: 'go cp-2',
    },
    {
      name: 'a node that has the new minor version already asks for nobody else',
      nodes: [worker('w-1', { talos: { version: 'v1.14.0' } }), ...three()],
      changed: { approval: 'minor' },
      expected: 'go cp-2',
    },
    {
      name: 'every step of theirs needs one where every release does',
      nodes: [worker('w-1', { talos: { version: 'v1.12.11' } }), worker('w-2'), ...three()],
      changed: { approval: 'always' },
      expected: 'wait: v1.13.9 waits for approval: approve it with `caretaker approve v1.13.9`',
    },
    {
      name: 'a canary waits for its own approval',
      nodes: [worker('w-1', { talos: { version: 'v1.12.11' } }), worker('w-2'), ...three()],
      changed: { approval: 'minor', canary: { node: 'w-1', watch: hour } },
      expected: 'wait: v1.13.9 waits for approval: approve it with `caretaker approve v1.13.9`',
    },
    {
      name: 'what is approved for some and paused on another goes on with those',
      nodes: [
        worker('w-1', { talos: { version: 'v1.12.11' }, kubernetes: { paused: 'a guest' } }),
        ...upgraded(three()),
      ],
      changed: { approval: 'minor' },
      expected: 'wait: w-1 is paused (a guest): resume it with `caretaker resume w-1`',
    },
    {
      name: 'a paused node lets others go before it',
      nodes: [...three(), worker('w-1', { kubernetes: { paused: 'a guest needs it' } }), worker('w-2')],
      expected: 'go w-2',
    },
    {
      name: 'a paused node does so even where it has failed for the last time',
      nodes: [
        ...three(),
        worker('w-1', { kubernetes: { paused: 'it fails', attempts: { release: 'v1.13.9', count: 2, failure: 'x' } } }),
        worker('w-2'),
      ],
      expected: 'go w-2',
    },
    {
      name: 'and is waited for when it is the last',
      nodes: [worker('w-1', { kubernetes: { paused: 'a guest needs it' } }), ...upgraded(three())],
      expected: 'wait: w-1 is paused (a guest needs it): resume it with `caretaker resume w-1`',
    },
    {
      name: 'the machine that this agent runs on is left to the end',
      circumstances: { ownNode: 'w-1' },
      expected: 'go w-2',
    },
    {
      name: 'and is not done at all',
      nodes: [worker('w-1'), ...upgraded(three())],
      circumstances: { ownNode: 'w-1' },
      expected: 'wait: w-1 is the machine that Caretaker runs on: upgrade it with talosctl, or run Caretaker elsewhere',
    },
    {
      name: 'two members of etcd are upgraded where a person wants it',
      nodes: controlPlanes({}, {}),
      changed: { twoMembers: 'allow' },
      expected: 'go cp-2',
    },
  ])('$name', ({ nodes = all, circumstances = {}, changed = {}, expected }) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('the workloads must be well', () => {
  const storage = (unwell: readonly string[], lastReplicas: readonly [string, readonly string[]][] = []) =>
    observed({
      systems: ['longhorn'],
      unwell: unwell.map((text) => ({ name: 'pvc-1', text, endangers: 'redundancy' as const })),
      lastReplicas: new Map(lastReplicas),
    })
  test.each<Row>([
    { name: 'storage that is whole', circumstances: { storage: storage([]) }, expected: 'go w-1' },
    {
      name: 'storage that is being rebuilt',
      circumstances: { storage: storage(['longhorn volume pvc-1 is degraded']) },
      expected: 'wait: storage is not healthy: longhorn volume pvc-1 is degraded',
    },
    {
      name: 'storage that is being rebuilt, which a person has accepted for now',
      circumstances: {
        storage: storage(['longhorn volume pvc-1 is degraded']),
        acceptedStorage: [{ name: 'pvc-1', until: calm.now.getTime() + 1 }],
      },
      expected: 'go w-1',
    },
    {
      name: 'storage that is accepted, and the node to come has the last good copy',
      circumstances: {
        storage: storage(['longhorn volume pvc-1 is degraded'], [['w-1', ['pvc-1']]]),
        acceptedStorage: [{ name: 'pvc-1', until: calm.now.getTime() + 1 }],
      },
      expected: 'wait: w-1 holds the last healthy replica of pvc-1',
    },
    {
      name: 'storage that is whole, and the node to come has the last good copy',
      circumstances: { storage: storage([], [['w-1', ['pvc-1']]]) },
      expected: 'wait: w-1 holds the last healthy replica of pvc-1',
    },
    {
      name: 'storage that does not tell',
      circumstances: { storage: notObserved('timed out') },
      expected: 'wait: it is unknown whether storage is healthy (timed out)',
    },
    {
      name: "a check of the user's that fails",
      circumstances: { failedChecks: ['web: HTTP 503 instead of 200'] },
      expected: 'wait: the check web: HTTP 503 instead of 200',
    },
    {
      name: 'a node whose drain was refused lets others go before it',
      circumstances: {
        blocked: new Map([['w-1', { until: at('2026-03-07T03:30:00Z'), why: 'default/db-0 would not go' }]]),
      },
      expected: 'go w-2',
    },
    {
      name: 'until its time has come',
      circumstances: { blocked: new Map([['w-1', { until: calm.now, why: 'default/db-0 would not go' }]]) },
      expected: 'go w-1',
    },
  ])('$name', ({ nodes = all, circumstances, changed = {}, expected }) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('several workers go at once', () => {
  const zone = (name: string) => ({ kubernetes: { zone: name } })
  const four = [worker('w-1'), worker('w-2'), worker('w-3'), worker('w-4')]
  test.each<Row>([
    { name: 'as many as may', nodes: [...three(), ...four], changed: { parallel: 2 }, expected: 'go w-1, w-2' },
    {
      name: 'by a share of them',
      nodes: [...three(), ...four],
      changed: { parallel: { percent: 75 } },
      expected: 'go w-1, w-2, w-3',
    },
    {
      name: 'fewer where one is away already',
      nodes: [...three(), ...four, worker('w-5', { talos: 'silent' })],
      changed: { parallel: 3 },
      expected: 'go w-1, w-2',
    },
    {
      name: 'none where as many are away as may',
      nodes: [...three(), ...four, worker('w-5', { talos: 'silent' })],
      changed: { parallel: 1 },
      expected: 'wait: w-5 does not answer (no route to host)',
    },
    {
      name: 'one of each zone',
      nodes: [...three(), worker('w-1', zone('a')), worker('w-2', zone('a')), worker('w-3', zone('b'))],
      changed: { parallel: 3 },
      expected: 'go w-1, w-3',
    },
    { name: 'and control planes never', nodes: three(), changed: { parallel: 3 }, expected: 'go cp-2' },
    {
      name: 'and one alone where there is storage: two could hold the last two copies',
      nodes: [...three(), ...four],
      circumstances: { storage: observed({ systems: ['longhorn'], unwell: [], lastReplicas: new Map() }) },
      changed: { parallel: 3 },
      expected: 'go w-1',
    },
    {
      name: 'nor workers beside a control plane that comes first',
      nodes: [...three(), ...four],
      changed: { parallel: 3, order: 'control-planes-first' },
      expected: 'go cp-2',
    },
  ])('$name', ({ nodes = all, circumstances = {}, changed, expected }) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('the canary', () => {
  const canary = { node: 'cp-3', watch: hour }
  const proven = [...three().slice(0, 2), ...upgraded([three()[2]!]), worker('w-1')]
  const sick = { ...proven[2]!, kubernetes: worker('x', { kubernetes: { ready: false } }).kubernetes }
  test.each<Row>([
    { name: 'goes first, and alone', nodes: all, changed: { canary, parallel: 2 }, expected: 'go cp-3' },
    {
      name: 'is watched',
      circumstances: { canaryDoneAt: new Date(now - 10 * minute) },
      expected: 'wait: the canary cp-3 is watched until 2026-03-07 04:50 CET',
    },
    { name: 'and then lets the others go', circumstances: { canaryDoneAt: new Date(now - hour) }, expected: 'go w-1' },
    {
      name: 'stops everything when it is not well',
      nodes: [...proven.slice(0, 2), sick, proven[3]!],
      circumstances: { canaryDoneAt: new Date(now - 10 * minute) },
      expected: 'wait: cp-3 is not Ready in Kubernetes',
    },
    { name: 'of whom nothing is on record is not watched', expected: 'go w-1' },
  ])('$name', ({ nodes = proven, circumstances = {}, changed = { canary }, expected }) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('before the first control plane', () => {
  test('etcd is saved', () => {
    expect(outline(decide(three(), { snapshotted: false }))).toContain('snapshot-etcd: snapshot etcd on cp-2')
  })
  test.each([
    { name: 'once', nodes: three(), snapshotted: true },
    { name: 'and not for a worker', nodes: [...three(), worker('w-1')], snapshotted: false },
  ])('$name', ({ nodes, snapshotted }) => {
    expect(outline(decide(nodes, { snapshotted })).join('\n')).not.toContain('snapshot')
  })
})
