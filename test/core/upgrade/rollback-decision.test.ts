import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import type { UpgradeDecision } from '../../../src/core/upgrade/decision.ts'
import type { Circumstances, RollbackRequest } from '../../../src/core/upgrade/gates.ts'
import type { Rollout } from '../../../src/core/upgrade/record.ts'
import { barrierOf, decideRollback, otherEntryOf } from '../../../src/core/upgrade/rollback.ts'
import { armedEntries, clusterOf, controlPlanes, type NodeChoices, schematic, worker } from '../cluster/nodes.ts'
import { calm, policy, summary } from './rollout.ts'

const asks = (node: string, changed: Partial<RollbackRequest> = {}): RollbackRequest => ({
  node,
  bootId: 'boot-1',
  force: false,
  ...changed,
})
function decide(
  nodes: readonly Node[],
  rollbacks: readonly RollbackRequest[],
  circumstances: Partial<Circumstances> = {},
  changed = {},
): UpgradeDecision | undefined {
  return decideRollback(clusterOf(...nodes), { ...calm, ...circumstances, rollbacks }, { ...policy, ...changed })
}
const said = (decision: UpgradeDecision | undefined) => decision && summary(decision)
const intentOf = (decision: UpgradeDecision | undefined) =>
  decision?.kind === 'go' ? decision.nodes[0]?.intent : undefined

const upgrading: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-0' }
const goingBack: CordonMark = {
  ...upgrading,
  release: 'v1.13.8',
  schematic,
  bootId: 'boot-1',
  back: true,
  rebooting: true,
}
const closed = (cordon: CordonMark, talos: NodeChoices['talos'] = {}): NodeChoices => ({
  talos,
  kubernetes: { unschedulable: true, cordon },
})
const off = { talos: 'silent' } as const

describe('a request to roll back a worker', () => {
  const three = controlPlanes({}, {}, {})

  test('is carried out where nothing is in its way, and nobody asked for more', () => {
    const decision = decide([...three, worker('w-1'), worker('w-2')], [asks('w-2')])
    expect(said(decision)).toBe('go w-2')
    expect(intentOf(decision)).toBe('rollback')
    expect(decide([...three, worker('w-1')], [])).toBeUndefined()
    expect(decide([...three, worker('w-1')], [asks('gone')])).toBeUndefined()
  })

  test('is fulfilled by any boot after it', () => {
    expect(decide([...three, worker('w-1', { talos: { bootId: 'boot-2' } })], [asks('w-1')])).toBeUndefined()
  })

  test('waits while the node is silent, on battery, cordoned by somebody else, or has the wrong role', () => {
    expect(said(decide([...three, worker('w-1', off)], [asks('w-1')]))).toBe(
      'wait: the rollback of w-1 waits: it does not answer (no route to host)',
    )
    expect(said(decide([...three, worker('w-1')], [asks('w-1')], { powerObstacle: 'on battery' }))).toBe(
      'wait: on battery',
    )
    expect(said(decide([...three, worker('w-1', { kubernetes: { unschedulable: true } })], [asks('w-1')]))).toBe(
      'wait: the rollback of w-1 waits: it was cordoned by someone else; uncordon it to continue',
    )
    expect(said(decide([...three, { ...worker('w-1'), configuredRole: 'controlplane' }], [asks('w-1')]))).toMatch(
      /^wait: w-1 is configured as a controlplane/,
    )
  })

  test('does not need Kubernetes, nor that the node is well', () => {
    for (const kubernetes of ['silent', { ready: false }] as const)
      expect(said(decide([...three, worker('w-1', { kubernetes })], [asks('w-1')]))).toBe('go w-1')
  })

  test('waits while another machine answers at its address', () => {
    const identity = { kind: 'another', as: 'w-2', machineId: '0123456789abcdef' } as const
    const renamed = { kind: 'renamed', as: 'w-9', machineId: '0123456789abcdef' } as const
    expect(said(decide([...three, worker('w-1', { identity: renamed })], [asks('w-1')]))).toBe('go w-1')
    expect(said(decide([...three, worker('w-1', { identity })], [asks('w-1')]))).toMatch(
      /^wait: the rollback of w-1 waits: it is not the machine that answers at its address/,
    )
  })

  test('goes before that of a node that is well where it is not, and one that waits keeps nobody else', () => {
    const ill = worker('w-2', { kubernetes: { ready: false } })
    expect(said(decide([...three, worker('w-1'), ill], [asks('w-1'), asks('w-2')]))).toBe('go w-2')
    expect(said(decide([...three, worker('w-1', off), worker('w-2')], [asks('w-1'), asks('w-2')]))).toBe('go w-2')
  })

  test('that has to wait lets what is under way be finished first; one that can go does not wait for that', () => {
    const finishing = worker('w-2', closed(upgrading))
    expect(decide([...three, worker('w-1', off), finishing], [asks('w-1')])).toBeUndefined()
    const back = worker('w-2', closed(goingBack))
    expect(said(decide([...three, worker('w-1', off), back], [asks('w-1')]))).toMatch(/^wait: the rollback of w-1/)
  })

  test('comes after the uncordoning of a node that is only closed, for its pods have to go somewhere', () => {
    const decision = decide([...three, worker('w-1'), worker('w-2', closed(upgrading))], [asks('w-1')])
    expect([said(decision), intentOf(decision)]).toEqual(['go w-2', 'release'])
    for (const closedNode of [
      worker('w-2', closed(upgrading, { ...armedEntries })),
      worker('w-2', closed(goingBack)),
      worker('w-2', closed(upgrading, { stage: 'booting' })),
    ])
      expect(said(decide([...three, worker('w-1'), closedNode], [asks('w-1')]))).toBe('go w-1')
    expect(intentOf(decide([...three, worker('w-1', closed(upgrading))], [asks('w-1')]))).toBe('rollback')
  })
})

describe('a request to roll back a control plane', () => {
  const to = 'v1.13.7'

  test('is carried out where the others carry the quorum', () => {
    expect(said(decide(controlPlanes({}, {}, {}), [asks('cp-2', { to })]))).toBe('go cp-2')
  })

  test('waits while etcd would lose its quorum, unless a person insists', () => {
    const nodes = controlPlanes({}, {}, off)
    expect(said(decide(nodes, [asks('cp-2', { to })]))).toBe(
      "wait: cp-2 can't be rolled back yet: etcd would be left with 1 of 3 members healthy, but needs 2",
    )
    expect(said(decide(nodes, [asks('cp-2', { to, force: true })]))).toBe('go cp-2')
  })

  test('waits where etcd has two members, unless a person lets one of two go', () => {
    const nodes = controlPlanes({}, {})
    expect(said(decide(nodes, [asks('cp-2', { to })]))).toMatch(
      /^wait: cp-2 can't be rolled back yet: etcd has two members/,
    )
    expect(said(decide(nodes, [asks('cp-2', { to })], {}, { twoMembers: 'allow' }))).toBe('go cp-2')
  })

  test('is refused where its etcd could not read the data, unless a person insists', () => {
    const nodes = controlPlanes({}, { etcd: { storageVersion: '3.7.0' } }, {})
    expect(said(decide(nodes, [asks('cp-2', { to })]))).toMatch(
      /^stuck: cp-2 can't be rolled back: the etcd data is written by 3\.7/,
    )
    expect(said(decide(nodes, [asks('cp-2', { to, force: true })]))).toBe('go cp-2')
  })

  test('goes by what the request says it goes back to, and then by our mark', () => {
    const came = closed({ ...upgrading, from: 'v1.9.0' }, { bootId: 'boot-1' })
    const nodes = controlPlanes({}, came, {})
    expect(said(decide(nodes, [asks('cp-2', { to })]))).toBe('go cp-2')
    expect(barrierOf(nodes[1]!, to)).toBeUndefined()
    expect(barrierOf(nodes[1]!, undefined)).toMatch(/and v1\.9\.0 comes with 3\.5, which refuses it/)
    expect(barrierOf(controlPlanes(off)[0]!, undefined)).toBeUndefined()
    expect(said(decide(controlPlanes({}, {}, {}), [asks('cp-2')]))).toMatch(/would roll back to is unknown/)
  })
})

describe('a node that is on its way back', () => {
  const three = controlPlanes({}, {}, {})
  const at = (talos: NodeChoices['talos'], mark: CordonMark = goingBack) =>
    decide([...three, worker('w-1', closed(mark, talos))], [asks('w-1')])

  test('is waited for while it is silent, leaves, or has booted what it was to boot', () => {
    for (const talos of ['silent', { stage: 'rebooting' }, { bootId: 'boot-2', version: 'v1.13.7' }] as const) {
      const decision = at(talos)
      expect([talos, said(decision), intentOf(decision)]).toEqual([talos, 'go w-1', 'rollback'])
      expect(decision?.kind === 'go' && decision.nodes[0]?.reason).toBe('w-1 is being rolled back')
    }
  })

  test('is stuck where it has booted what it was to leave', () => {
    expect(said(at({ bootId: 'boot-2' }))).toMatch(/^stuck: the rollback of w-1 failed: it booted v1\.13\.8 again/)
  })

  test('begins once more where the order to reboot had no effect, or was not given', () => {
    const { rebooting: _, ...notRebooting } = goingBack
    const begins = 'w-1 is being rolled back from v1.13.8'
    for (const mark of [goingBack, notRebooting]) {
      const decision = at({}, mark)
      expect(decision?.kind === 'go' && decision.nodes[0]?.reason).toBe(begins)
    }
    expect(said(at('silent', notRebooting))).toMatch(/^wait: the rollback of w-1 waits/)
    expect(said(at('silent', upgrading))).toBeUndefined()
  })
})

describe('what the other boot entry holds, by the records of rollouts', () => {
  const rollout = (release: string, node?: object) =>
    ({ release, nodes: node ? { 'w-1': node } : {} }) as unknown as Rollout
  const upgraded = { from: 'v1.13.8', outcome: 'upgraded', phases: {} }
  const [back, forward] = [
    { release: 'v1.13.8', isForward: false },
    { release: 'v1.13.9', isForward: true },
  ]
  test.for([
    { name: 'what it came from, after an upgrade', rollouts: [rollout('v1.13.9', upgraded)], expected: back },
    {
      name: 'nothing known, where somebody else has changed it since',
      rollouts: [rollout('v1.13.7', upgraded)],
      expected: undefined,
      at: 'v1.13.9',
    },
    {
      name: 'what it has gone back from, after a rollback',
      rollouts: [rollout('v1.13.9', { ...upgraded, outcome: 'rolled-back' })],
      expected: forward,
      at: 'v1.13.8',
    },
    {
      name: 'nothing known, where it runs neither after a rollback',
      rollouts: [rollout('v1.13.9', { ...upgraded, outcome: 'rolled-back' })],
      expected: undefined,
      at: 'v1.13.7',
    },
    {
      name: 'nothing known, where it runs after a rollback what it went back from',
      rollouts: [rollout('v1.13.8', { ...upgraded, outcome: 'rolled-back' })],
      expected: undefined,
      at: 'v1.13.8',
    },
    {
      name: 'what was installed, where that failed after the installer',
      rollouts: [rollout('v1.13.9', { ...upgraded, outcome: 'failed', phases: { install: 1 } })],
      expected: forward,
      at: 'v1.13.8',
    },
    {
      name: 'what an earlier rollout says, where the last one failed before the installer, or left this node out',
      rollouts: [
        rollout('v1.14.1'),
        rollout('v1.14.0', { from: 'v1.13.9', outcome: 'failed', phases: {} }),
        rollout('v1.13.9', upgraded),
      ],
      expected: back,
    },
    { name: 'nothing known without a record', rollouts: [], expected: undefined },
    {
      name: 'nothing known while it is under way',
      rollouts: [rollout('v1.13.9', { from: 'v1.13.8', phases: { install: 1 } })],
      expected: undefined,
    },
  ])('$name', ({ rollouts, expected, at = 'v1.13.9' }) => {
    expect(otherEntryOf('w-1', at, rollouts)).toEqual(expected)
  })
})
