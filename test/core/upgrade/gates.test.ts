import { describe, expect, test } from 'vitest'
import { type Node, observed, notObserved } from '../../../src/core/cluster/cluster.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import type { UpgradePolicy, UpgradeTarget } from '../../../src/core/upgrade/policy.ts'
import { armedEntries, clusterOf, controlPlanes, type NodeChoices, schematic, worker } from '../cluster/nodes.ts'
import { calm, outline, policy, summary, target } from './rollout.ts'

const three = (choice: NodeChoices = {}) => controlPlanes({}, choice, {})
const decide = (
  nodes: readonly Node[],
  circumstances: Partial<Circumstances> = {},
  changed: Partial<UpgradePolicy> = {},
  goal: Partial<UpgradeTarget> = {},
) =>
  decideUpgrade(clusterOf(...nodes), { ...target, ...goal }, { ...calm, ...circumstances }, { ...policy, ...changed })
const all = [...three(), worker('w-1'), worker('w-2')]
const at = (iso: string) => new Date(iso)
const [hour, minute] = [3_600_000, 60_000]
const now = calm.now.getTime()
const saturday = [{ days: ['sat'], from: '02:00', to: '06:00' }] as const

type Row = [string, readonly Node[], Partial<Circumstances>, Partial<UpgradePolicy>, string]

describe('what a person has said counts', () => {
  test.each<Row>([
    [
      'a release that was aborted is not begun again by itself',
      all,
      { aborted: 'v1.13.9' },
      {},
      'wait: the rollout of v1.13.9 was aborted: `caretaker rollout start` begins it anew',
    ],
    ['another one was aborted', all, { aborted: 'v1.13.7' }, {}, 'go w-1'],
    ['no approval is asked for', all, {}, { approval: 'none' }, 'go w-1'],
    ['a patch needs none where only minors do', all, {}, { approval: 'minor' }, 'go w-1'],
    [
      'every release needs one',
      all,
      {},
      { approval: 'always' },
      'wait: v1.13.9 waits for approval: `caretaker approve v1.13.9`',
    ],
    ['it was approved', all, { approved: 'v1.13.9' }, { approval: 'always' }, 'go w-1'],
    [
      'an older one was approved',
      all,
      { approved: 'v1.13.8' },
      { approval: 'always' },
      'wait: v1.13.9 waits for approval: `caretaker approve v1.13.9`',
    ],
    [
      'a minor version needs one',
      [worker('w-1', { talos: { version: 'v1.12.11' } }), ...upgraded(three())],
      {},
      { approval: 'minor' },
      'wait: v1.13.9 waits for approval: `caretaker approve v1.13.9`',
    ],
    [
      'nodes of that minor version do not wait for it',
      [worker('w-1', { talos: { version: 'v1.12.11' } }), worker('w-2'), ...three()],
      {},
      { approval: 'minor' },
      'go w-2',
    ],
    [
      'control planes neither',
      [worker('w-1', { talos: { version: 'v1.12.11' } }), ...three()],
      {},
      { approval: 'minor' },
      'go cp-2',
    ],
    [
      'a node that has the new minor version already asks for nobody else',
      [worker('w-1', { talos: { version: 'v1.14.0' } }), ...three()],
      {},
      { approval: 'minor' },
      'go cp-2',
    ],
    [
      'every step of theirs needs one where every release does',
      [worker('w-1', { talos: { version: 'v1.12.11' } }), worker('w-2'), ...three()],
      {},
      { approval: 'always' },
      'wait: v1.13.9 waits for approval: `caretaker approve v1.13.9`',
    ],
    [
      'a canary waits for its own approval',
      [worker('w-1', { talos: { version: 'v1.12.11' } }), worker('w-2'), ...three()],
      {},
      { approval: 'minor', canary: { node: 'w-1', watch: hour } },
      'wait: v1.13.9 waits for approval: `caretaker approve v1.13.9`',
    ],
    [
      'what is approved for some and paused on another goes on with those',
      [worker('w-1', { talos: { version: 'v1.12.11' }, kubernetes: { paused: 'a guest' } }), ...upgraded(three())],
      {},
      { approval: 'minor' },
      'wait: w-1 is paused (a guest): `caretaker resume w-1` lets it go on',
    ],
    [
      'a paused node lets others go before it',
      [...three(), worker('w-1', { kubernetes: { paused: 'a guest needs it' } }), worker('w-2')],
      {},
      {},
      'go w-2',
    ],
    [
      'a paused node does so even where it has failed for the last time',
      [
        ...three(),
        worker('w-1', { kubernetes: { paused: 'it fails', attempts: { release: 'v1.13.9', count: 2, failure: 'x' } } }),
        worker('w-2'),
      ],
      {},
      {},
      'go w-2',
    ],
    [
      'and is waited for when it is the last',
      [worker('w-1', { kubernetes: { paused: 'a guest needs it' } }), ...upgraded(three())],
      {},
      {},
      'wait: w-1 is paused (a guest needs it): `caretaker resume w-1` lets it go on',
    ],
    ['the machine that this agent runs on is left to the end', all, { ownNode: 'w-1' }, {}, 'go w-2'],
    [
      'and is not done at all',
      [worker('w-1'), ...upgraded(three())],
      { ownNode: 'w-1' },
      {},
      'wait: w-1 is the machine that Caretaker itself runs on: upgrade it by hand, or run Caretaker elsewhere',
    ],
    [
      'two members of etcd are upgraded where a person wants it',
      controlPlanes({}, {}),
      {},
      { twoMembers: 'allow' },
      'go cp-2',
    ],
  ])('%s', (_, nodes, circumstances, changed, expected) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('the time must be right', () => {
  test.each<Row>([
    [
      'nothing is touched in a blackout, whatever the windows say',
      all,
      { blackouts: observed([{ from: now - hour, to: now + hour, reason: 'holidays' }]) },
      {},
      'wait: nothing is touched now: holidays',
    ],
    [
      'one that is over, and one to come, are none',
      all,
      {
        blackouts: observed([
          { from: now - hour, to: now, reason: 'holidays' },
          { from: now + 1, to: now + hour, reason: 'guests' },
        ]),
      },
      {},
      'go w-1',
    ],
    [
      'a calendar that is not known is no permission',
      all,
      { blackouts: notObserved('holidays.ics is not there') },
      {},
      'wait: the calendar of blackouts is not known (holidays.ics is not there)',
    ],
    [
      'what nodes have taken here says whether one more fits',
      all,
      { now: at('2026-03-07T04:30:00Z'), times: { worker: { typical: 6 * minute, longest: 20 * minute, samples: 9 } } },
      { windows: [...saturday] },
      'go w-1',
    ],
    [
      'and that it does not, with a margin',
      all,
      { now: at('2026-03-07T04:36:00Z'), times: { worker: { typical: 6 * minute, longest: 20 * minute, samples: 9 } } },
      { windows: [...saturday] },
      'wait: the window closes in 24 min, and a node takes up to 25 min',
    ],
    [
      'control planes have a history of their own',
      [...three(), ...upgraded([worker('w-1')])],
      {
        now: at('2026-03-07T04:36:00Z'),
        times: { worker: { typical: 6 * minute, longest: 20 * minute, samples: 9 } },
      },
      { windows: [...saturday] },
      'go cp-2',
    ],
    [
      'a window that was opened by hand is one',
      all,
      { now: at('2026-03-04T12:00:00Z'), openUntil: at('2026-03-04T14:00:00Z') },
      { windows: [...saturday] },
      'go w-1',
    ],
    [
      'and ends like one',
      all,
      { now: at('2026-03-04T12:00:00Z'), openUntil: at('2026-03-04T12:10:00Z') },
      { windows: [...saturday] },
      'wait: the window closes in 10 min, and a node takes up to 15 min',
    ],
    [
      'it makes a regular one longer',
      all,
      { now: at('2026-03-07T04:58:00Z'), openUntil: at('2026-03-07T06:00:00Z') },
      { windows: [...saturday] },
      'go w-1',
    ],
    [
      'and is over when it is over',
      all,
      { now: at('2026-03-04T14:00:00Z'), openUntil: at('2026-03-04T14:00:00Z') },
      { windows: [...saturday] },
      'wait: the next window opens Sat 02:00',
    ],
  ])('%s', (_, nodes, circumstances, changed, expected) => {
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
    ['storage that is whole', all, { storage: storage([]) }, {}, 'go w-1'],
    [
      'storage that is being rebuilt',
      all,
      { storage: storage(['longhorn volume pvc-1 is degraded']) },
      {},
      'wait: storage is not healthy: longhorn volume pvc-1 is degraded',
    ],
    [
      'storage that is being rebuilt, which a person has accepted for now',
      all,
      {
        storage: storage(['longhorn volume pvc-1 is degraded']),
        acceptedStorage: [{ name: 'pvc-1', until: calm.now.getTime() + 1 }],
      },
      {},
      'go w-1',
    ],
    [
      'storage that is accepted, and the node to come has the last good copy',
      all,
      {
        storage: storage(['longhorn volume pvc-1 is degraded'], [['w-1', ['pvc-1']]]),
        acceptedStorage: [{ name: 'pvc-1', until: calm.now.getTime() + 1 }],
      },
      {},
      'wait: w-1 holds the last healthy replica of pvc-1',
    ],
    [
      'storage that is whole, and the node to come has the last good copy',
      all,
      { storage: storage([], [['w-1', ['pvc-1']]]) },
      {},
      'wait: w-1 holds the last healthy replica of pvc-1',
    ],
    [
      'storage that does not tell',
      all,
      { storage: notObserved('timed out') },
      {},
      'wait: it is not known whether storage is healthy (timed out)',
    ],
    [
      "a check of the user's that fails",
      all,
      { failedChecks: ['web: HTTP 503 instead of 200'] },
      {},
      'wait: the check web: HTTP 503 instead of 200',
    ],
    [
      'a node whose drain was refused lets others go before it',
      all,
      { blocked: new Map([['w-1', { until: at('2026-03-07T03:30:00Z'), why: 'default/db-0 would not go' }]]) },
      {},
      'go w-2',
    ],
    [
      'until its time has come',
      all,
      { blocked: new Map([['w-1', { until: calm.now, why: 'default/db-0 would not go' }]]) },
      {},
      'go w-1',
    ],
  ])('%s', (_, nodes, circumstances, changed, expected) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('several workers go at once', () => {
  const zone = (name: string) => ({ kubernetes: { zone: name } })
  const four = [worker('w-1'), worker('w-2'), worker('w-3'), worker('w-4')]
  test.each<Row>([
    ['as many as may', [...three(), ...four], {}, { parallel: 2 }, 'go w-1, w-2'],
    ['by a share of them', [...three(), ...four], {}, { parallel: { percent: 75 } }, 'go w-1, w-2, w-3'],
    [
      'fewer where one is away already',
      [...three(), ...four, worker('w-5', { talos: 'silent' })],
      {},
      { parallel: 3 },
      'go w-1, w-2',
    ],
    [
      'none where as many are away as may',
      [...three(), ...four, worker('w-5', { talos: 'silent' })],
      {},
      { parallel: 1 },
      'wait: w-5 does not answer (no route to host)',
    ],
    [
      'one of each zone',
      [...three(), worker('w-1', zone('a')), worker('w-2', zone('a')), worker('w-3', zone('b'))],
      {},
      { parallel: 3 },
      'go w-1, w-3',
    ],
    ['and control planes never', three(), {}, { parallel: 3 }, 'go cp-2'],
    [
      'and one alone where there is storage: two could hold the last two copies',
      [...three(), ...four],
      { storage: observed({ systems: ['longhorn'], unwell: [], lastReplicas: new Map() }) },
      { parallel: 3 },
      'go w-1',
    ],
    [
      'nor workers beside a control plane that comes first',
      [...three(), ...four],
      {},
      { parallel: 3, order: 'control-planes-first' },
      'go cp-2',
    ],
  ])('%s', (_, nodes, circumstances, changed, expected) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('the canary', () => {
  const canary = { node: 'cp-3', watch: hour }
  const proven = [...three().slice(0, 2), ...upgraded([three()[2]!]), worker('w-1')]
  const sick = { ...proven[2]!, kubernetes: worker('x', { kubernetes: { ready: false } }).kubernetes }
  test.each<Row>([
    ['goes first, and alone', all, {}, { canary, parallel: 2 }, 'go cp-3'],
    [
      'is watched',
      proven,
      { canaryDoneAt: new Date(now - 10 * minute) },
      { canary },
      'wait: the canary cp-3 is watched for another 50 min',
    ],
    ['and then lets the others go', proven, { canaryDoneAt: new Date(now - hour) }, { canary }, 'go w-1'],
    [
      'stops everything when it is not well',
      [...proven.slice(0, 2), sick, proven[3]!],
      { canaryDoneAt: new Date(now - 10 * minute) },
      { canary },
      'wait: cp-3 is not Ready in Kubernetes',
    ],
    ['of whom nothing is on record is not watched', proven, {}, { canary }, 'go w-1'],
  ])('%s', (_, nodes, circumstances, changed, expected) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})

describe('with mode: staged', () => {
  const wednesday = at('2026-03-04T12:00:00Z')
  const mode = { mode: 'staged', windows: [...saturday] } as const
  const mark = { why: 'upgrade', at: '2026-03-04T11:00:00Z', release: 'v1.13.9', schematic, bootId: 'boot-1' } as const
  const staged = (name: string, changed: object = {}) =>
    worker(name, { talos: { ...armedEntries }, kubernetes: { staged: { ...mark, ...changed } } })
  test('a node gets its release outside of windows, and stays in service', () => {
    const decision = decide([...three(), worker('w-1'), worker('w-2')], { now: wednesday }, mode)
    expect(summary(decision)).toBe('go w-1')
    expect(outline(decision)).toEqual([
      'pull-images: pull v1.13.9 on w-1',
      'annotate: mark w-1 as staged',
      'install: install v1.13.9 on w-1',
      'annotate: mark w-1 as staged',
    ])
  })
  test('then the next one', () => {
    expect(summary(decide([...three(), staged('w-1'), worker('w-2')], { now: wednesday }, mode))).toBe('go w-2')
  })
  test('and then the window is waited for', () => {
    const rest = upgraded(three())
    expect(summary(decide([...rest, staged('w-1')], { now: wednesday }, mode))).toBe(
      'wait: the next window opens Sat 02:00; it is installed already on w-1',
    )
  })
  test('in the window it is only drained and rebooted', () => {
    expect(outline(decide([...three(), staged('w-1')], {}, mode))).toEqual([
      'pull-images: pull v1.13.9 on w-1, pull v1.13.9 on cp-2, pull v1.13.9 on cp-3, pull v1.13.9 on cp-1',
      'cordon: cordon w-1',
      'drain: drain w-1',
      'confirm: confirm that w-1 may go down',
      'reboot: reboot w-1',
      'verify-boot: wait until w-1 is upgraded',
      'settle: wait for w-1 to settle',
      'uncordon: uncordon w-1',
    ])
  })
  test('what was staged for an older release is installed anew', () => {
    const nodes = [...three(), staged('w-1', { release: 'v1.13.7' })]
    expect(outline(decide(nodes, { now: wednesday }, mode))).toContain('install: install v1.13.9 on w-1')
  })
  test('what somebody else has armed stops everything', () => {
    expect(summary(decide([...three(), staged('w-1', { bootId: 'boot-0' })], { now: wednesday }, mode))).toMatch(
      /^wait: w-1 has an upgrade installed that nobody here began/,
    )
  })
  test('nothing is installed while something speaks against it', () => {
    expect(summary(decide(all, { now: wednesday, powerObstacle: 'the UPS is on battery' }, mode))).toBe(
      'wait: the UPS is on battery',
    )
  })
})

describe('before the first control plane', () => {
  test('etcd is saved', () => {
    expect(outline(decide(three(), { snapshotted: false }))).toContain('snapshot-etcd: snapshot etcd on cp-2')
  })
  test.each([
    ['once', three(), true],
    ['and not for a worker', [...three(), worker('w-1')], false],
  ])('%s', (_, nodes, snapshotted) => {
    expect(outline(decide(nodes, { snapshotted })).join('\n')).not.toContain('snapshot')
  })
})

function upgraded(nodes: readonly Node[]): Node[] {
  return nodes.map((node) =>
    node.talos.ok ? { ...node, talos: observed({ ...node.talos.value, version: 'v1.13.9' }) } : node,
  )
}
