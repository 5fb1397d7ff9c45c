import { describe, expect, test } from 'vitest'
import type { Cluster, Node } from '../../../src/core/cluster/cluster.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import { upgradeOrder } from '../../../src/core/upgrade/order.ts'
import { installerImage } from '../../../src/core/upgrade/preparation.ts'
import { armedEntries, clusterOf, controlPlanes, schematic, worker } from '../cluster/nodes.ts'
import { calm, policy, stepsOf, summary, target } from './rollout.ts'

const upgraded = { version: 'v1.13.9' }
const current = controlPlanes({ talos: upgraded }, { talos: upgraded }, { talos: upgraded })
const decide = (cluster: Cluster, circumstances = calm, changed = policy, goal = target) =>
  decideUpgrade(cluster, goal, circumstances, changed)

describe('a cluster', () => {
  test.each<{ name: string; nodes: Node[]; expected: string }>([
    {
      name: 'that runs the release is upgraded',
      nodes: [...current, worker('w-1', { talos: upgraded })],
      expected: 'upgraded',
    },
    { name: 'of one is upgraded too', nodes: controlPlanes({}), expected: 'go cp-1' },
    { name: 'with an old node is not', nodes: [...current, worker('w-1')], expected: 'go w-1' },
    {
      name: 'with an old schematic is not',
      nodes: [...current, worker('w-1', { talos: { ...upgraded, schematic: 'f'.repeat(64) } })],
      expected: 'go w-1',
    },
    {
      name: 'with an image from elsewhere is not',
      nodes: [...current, worker('w-1', { talos: { ...upgraded, schematic: undefined } })],
      expected: 'go w-1',
    },
    {
      name: 'with a silent node is not known to be',
      nodes: [...current, worker('w-1', { talos: 'silent' })],
      expected: 'wait: w-1 does not answer (no route to host)',
    },
    {
      name: 'that Kubernetes does not tell of is not known to be, for a node may carry our mark',
      nodes: [...current, worker('w-1', { talos: upgraded, kubernetes: 'silent' })],
      expected: 'wait: w-1 could not be read from Kubernetes (connection refused)',
    },
    {
      name: 'with a node ahead of the release is upgraded, and the node stays ahead',
      nodes: [...current, worker('w-1', { talos: { version: 'v1.14.0' } })],
      expected: 'upgraded',
    },
  ])('$name', ({ nodes, expected }) => {
    expect(summary(decide(clusterOf(...nodes)))).toBe(expected)
  })
})

describe('what comes first', () => {
  const nodes = [...controlPlanes({}, {}, {}), worker('w-1'), worker('w-2')]
  test('workers come after the leader of etcd, wherever they stand in the configuration', () => {
    const order = upgradeOrder(clusterOf(worker('w-1'), ...controlPlanes({}, {}, {})), target, {
      ...policy,
      order: 'control-planes-first',
    })
    expect(order.map(({ name }) => name)).toEqual(['cp-2', 'cp-3', 'cp-1', 'w-1'])
  })

  test.each<['workers-first' | 'control-planes-first', string[]]>([
    ['workers-first', ['w-1', 'w-2', 'cp-2', 'cp-3', 'cp-1']],
    ['control-planes-first', ['cp-2', 'cp-3', 'cp-1', 'w-1', 'w-2']],
  ])('%s, and the leader of etcd as the last of its kind', (order, expected) => {
    expect(upgradeOrder(clusterOf(...nodes), target, { ...policy, order }).map(({ name }) => name)).toEqual(expected)
    expect(summary(decide(clusterOf(...nodes), calm, { ...policy, order }))).toBe(`go ${expected[0]}`)
  })

  test('is never a node that answers nothing, or is ahead', () => {
    const mixed = clusterOf(
      worker('w-1', { talos: 'silent' }),
      worker('w-2', { talos: { version: 'v1.13.10' } }),
      worker('w-3'),
    )
    expect(upgradeOrder(mixed, target, policy).map(({ name }) => name)).toEqual(['w-3'])
  })

  test.each(['v1.13.8-k7.1.9', 'v1.11.5-1-gab12cd3', 'v1.13.8-dirty', 'nightly'])(
    'is never a node that runs %s, which is not an official release',
    (version) => {
      const mixed = clusterOf(...controlPlanes({}, {}, {}), worker('w-1', { talos: { version } }), worker('w-2'))
      expect(upgradeOrder(mixed, target, policy).map(({ name }) => name)).toEqual(['w-2', 'cp-2', 'cp-3', 'cp-1'])
      expect(summary(decide(mixed))).toBe('go w-2')
    },
  )

  test('is the node that lags behind, in a cluster that was upgraded in part by hand', () => {
    const goal = { ...target, version: 'v1.12.11' }
    const mixed = clusterOf(worker('w-1', { talos: upgraded }), ...controlPlanes({ talos: { version: 'v1.12.5' } }))
    expect(summary(decide(mixed, calm, policy, goal))).toBe('go cp-1')
  })
})

describe('nothing begins', () => {
  const fine = [...controlPlanes({}, {}, {}), worker('w-1'), worker('w-2')]
  const withW2 = (choice: Parameters<typeof worker>[1]) => [
    ...controlPlanes({}, {}, {}),
    worker('w-1'),
    worker('w-2', choice),
  ]
  test.each<{
    name: string
    nodes: Node[]
    circumstances?: Partial<typeof calm>
    changed?: Partial<typeof policy>
    expected: string
  }>([
    {
      name: 'while a person has paused it',
      nodes: fine,
      circumstances: { paused: 'paused by me' },
      expected: 'wait: paused by me',
    },
    {
      name: 'while the power speaks against it',
      nodes: fine,
      circumstances: { powerObstacle: 'the UPS is on battery' },
      expected: 'wait: the UPS is on battery',
    },
    {
      name: 'outside the window',
      nodes: fine,
      changed: { windows: [{ days: ['sun'], from: '02:00', to: '06:00' }] },
      expected: 'wait: the next window opens on 2026-03-08 02:00 CET',
    },
    {
      name: 'with too little of the window left',
      nodes: fine,
      changed: { windows: [{ days: ['sat'], from: '02:00', to: '04:10' }] },
      expected: 'wait: the window closes on 2026-03-07 04:10 CET, and a node takes up to 15 min',
    },
    {
      name: 'while a node is silent',
      nodes: withW2({ talos: 'silent' }),
      expected: 'wait: w-2 does not answer (no route to host)',
    },
    { name: 'while a node boots', nodes: withW2({ talos: { stage: 'booting' } }), expected: 'wait: w-2 is booting' },
    {
      name: 'while a node is not Ready',
      nodes: withW2({ kubernetes: { ready: false } }),
      expected: 'wait: w-2 is not Ready in Kubernetes',
    },
    {
      name: 'while somebody else has armed a node',
      nodes: withW2({ talos: { ...armedEntries } }),
      expected:
        'wait: w-2 has an upgrade installed that Caretaker did not start: its next boot starts another release. Reboot it, or disarm it with `caretaker rollback w-2`',
    },
    {
      name: 'on a node that somebody else cordoned',
      nodes: [worker('w-1', { kubernetes: { unschedulable: true } })],
      expected: 'wait: w-1 was cordoned by someone else: uncordon it to continue',
    },
    {
      name: 'on a node that a power cut left cordoned',
      nodes: [
        worker('w-1', { kubernetes: { unschedulable: true, cordon: { why: 'power', at: '2026-03-01T00:00:00Z' } } }),
      ],
      expected: 'wait: w-1 is still cordoned from a power cut',
    },
    {
      name: 'on a node that would lose an argument that shells act on',
      nodes: [
        worker('w-1', {
          talos: { provides: { kernelArguments: ["a='$b'", 'c=d,e'], overlay: undefined, embeddedConfig: false } },
        }),
      ],
      expected:
        "wait: w-1 would lose a='$b', c=d,e, which the configured schematic lacks: add it to config/schematics, or accept the loss with `caretaker approve v1.13.9 --losing 'a='\\''$b'\\'',c=d,e'`",
    },
    {
      name: 'on a node that would lose an extension',
      nodes: [worker('w-1', { talos: { extensions: ['siderolabs/i915', 'siderolabs/zfs'] } })],
      expected:
        'wait: w-1 would lose siderolabs/zfs, which the configured schematic lacks: add it to config/schematics, or accept the loss with `caretaker approve v1.13.9 --losing siderolabs/zfs`',
    },
    {
      name: 'on a control plane of two',
      nodes: controlPlanes({}, {}),
      expected:
        'wait: etcd has two members, and neither can go without losing quorum: add or remove one, or set upgrade.twoMembers: allow',
    },
    {
      name: 'on a control plane while a member of etcd learns',
      nodes: controlPlanes({}, {}, { etcd: { learner: true } }),
      expected: 'wait: etcd on cp-3 is still a learner',
    },
  ])('$name', ({ nodes, circumstances = {}, changed = {}, expected }) => {
    expect(summary(decide(clusterOf(...nodes), { ...calm, ...circumstances }, { ...policy, ...changed }))).toBe(
      expected,
    )
  })

  test('and when the window opens is told', () => {
    const windows = [{ days: ['sun'], from: '02:00', to: '06:00' }] as const
    expect(decide(clusterOf(...fine), calm, { ...policy, windows })).toMatchObject({
      until: new Date('2026-03-08T01:00:00Z'),
    })
  })

  test('that a worker that somebody else cordoned would hold up, unless it is its turn', () => {
    const nodes = [worker('w-1'), worker('w-2', { kubernetes: { unschedulable: true } })]
    expect(summary(decide(clusterOf(...nodes)))).toBe('go w-1')
  })
})

describe('attempts', () => {
  const attempted = (count: number, failure?: string, release = 'v1.13.9') =>
    worker('w-1', { kubernetes: { attempts: { release, count, ...(failure ? { failure } : {}) } } })
  const stuck =
    'stuck: w-1 failed 2 times to upgrade to v1.13.9 (rolled back): find out why, then try again with `caretaker retry w-1`'
  test.each<{ name: string; node: Node; expected: string; count?: number }>([
    { name: 'a first one counts one', node: worker('w-1'), expected: 'go w-1', count: 1 },
    { name: 'one that ended without a failure counts once', node: attempted(1), expected: 'go w-1', count: 1 },
    {
      name: 'one that failed is followed by a second',
      node: attempted(1, 'rolled back'),
      expected: 'go w-1',
      count: 2,
    },
    { name: 'a second that ended without a failure is taken up', node: attempted(2), expected: 'go w-1', count: 2 },
    { name: 'two that failed are enough', node: attempted(2, 'rolled back'), expected: stuck },
    {
      name: 'those at another release do not count',
      node: attempted(2, 'rolled back', 'v1.13.7'),
      expected: 'go w-1',
      count: 1,
    },
  ])('$name', ({ node, expected, count }) => {
    const decision = decide(clusterOf(node))
    expect(summary(decision)).toBe(expected)
    const cordons = stepsOf(decision).flatMap((step) => (step.do === 'cordon' ? [step.attempts] : []))
    expect(cordons).toEqual(count === undefined ? [] : [{ release: 'v1.13.9', count }])
  })

  test('a node that is stuck holds up the others', () => {
    expect(summary(decide(clusterOf(worker('w-0'), attempted(2, 'rolled back'))))).toBe(stuck)
  })

  test('a node that is stuck holds up nobody where it is set aside: our own machine is upgraded by hand', () => {
    const cluster = clusterOf(worker('w-0'), attempted(2, 'rolled back'))
    expect(summary(decide(cluster, { ...calm, ownNode: 'w-1' }))).toBe('go w-0')
  })

  test('a node that is stuck is told even while nothing may begin', () => {
    expect(summary(decide(clusterOf(attempted(2, 'rolled back')), { ...calm, paused: 'paused' }))).toBe(stuck)
  })
})

describe('a mark on a node that somebody else has uncordoned', () => {
  const left = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-0' } as const
  const tidied = worker('w-2', { kubernetes: { leftover: left } })
  const unfinished = worker('w-1', {
    kubernetes: { unschedulable: true, cordon: { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9' } },
  })
  test.each<{ name: string; nodes: Node[]; changed?: Partial<typeof calm> }>([
    { name: 'before anything begins', nodes: [worker('w-1'), tidied] },
    {
      name: 'in a cluster that is upgraded',
      nodes: [worker('w-2', { talos: upgraded, kubernetes: { leftover: left } })],
    },
    { name: 'before our unfinished work', nodes: [unfinished, tidied] },
    { name: 'before a silent node is waited for', nodes: [worker('w-1', { talos: 'silent' }), tidied] },
    {
      name: 'on a node that is silent itself',
      nodes: [worker('w-2', { talos: 'silent', kubernetes: { leftover: left } })],
    },
    {
      name: 'before a node is told to be stuck',
      nodes: [worker('w-1', { kubernetes: { attempts: { release: 'v1.13.9', count: 2, failure: 'no' } } }), tidied],
    },
    { name: 'during a pause', nodes: [tidied], changed: { paused: 'paused by me' } },
    { name: 'on battery', nodes: [tidied], changed: { powerObstacle: 'the UPS is on battery' } },
  ])('is taken away, and nothing else is done, $name', ({ nodes, changed = {} }) => {
    const decision = decide(clusterOf(...nodes), { ...calm, ...changed })
    expect(decision).toMatchObject({
      kind: 'go',
      nodes: [{ node: 'w-2', reason: 'w-2 was uncordoned by someone else, and still carries our annotation' }],
    })
    expect(stepsOf(decision)).toEqual([{ do: 'uncordon', node: 'w-2', why: 'upgrade' }])
  })
})

test.each([
  { platform: 'metal', secureBoot: false, image: `factory.talos.dev/metal-installer/${schematic}:v1.13.9` },
  { platform: 'metal', secureBoot: true, image: `factory.talos.dev/metal-installer-secureboot/${schematic}:v1.13.9` },
  {
    platform: 'digital-ocean',
    secureBoot: false,
    image: `factory.talos.dev/digital-ocean-installer/${schematic}:v1.13.9`,
  },
])('the installer for $platform, with secure boot $secureBoot, is $image', ({ platform, secureBoot, image }) => {
  expect(installerImage({ platform, secureBoot }, target, 'w-1')).toBe(image)
})
