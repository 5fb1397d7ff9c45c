import { describe, expect, test } from 'vitest'
import { type Node, notObserved, observed } from '../../../src/core/cluster/cluster.ts'
import {
  approvalObstacle,
  canaryObstacle,
  isStagedFor,
  lossObstacle,
  nodeObstacle,
  startObstacle,
  windowObstacle,
} from '../../../src/core/upgrade/gates.ts'
import { armedEntries, clusterOf, controlPlanes, schematic, worker } from '../cluster/nodes.ts'
import { calm, policy, target } from './rollout.ts'

// Each gate by itself: in a decision another one is often closed as well.
const three = controlPlanes({}, {}, {})
const [hour, minute] = [3_600_000, 60_000]
const now = calm.now.getTime()

describe('nothing starts', () => {
  const start = (nodes: readonly Node[], circumstances: Partial<typeof calm> = {}) =>
    startObstacle(clusterOf(...nodes), target, { ...calm, ...circumstances })

  test('unless all is well', () => {
    expect(start([...three, worker('w-1')])).toBeUndefined()
  })

  test('while something is to be waited for first, and it says until when', () => {
    const hold = { gate: 'release' as const, reason: 'Kubernetes is upgraded first', until: new Date(now + hour) }
    expect(start(three, { hold })).toEqual(hold)
  })

  test('while the clock is not to be believed', () => {
    expect(start(three, { clockFault: 'the clock is 50 years behind' })).toEqual({
      gate: 'clock',
      reason: 'the clock is 50 years behind: no node is upgraded by it',
    })
  })

  test('while a control plane is not well; a worker holds nobody up', () => {
    const ill = { kubernetes: { ready: false } }
    expect(start([...controlPlanes({}, ill, {}), worker('w-1')])).toEqual({
      gate: 'node',
      reason: 'cp-2 is not Ready in Kubernetes',
    })
    expect(start([...three, worker('w-1', ill)])).toBeUndefined()
  })

  test('while another machine answers at the address of a node, a worker’s too', () => {
    const identity = { kind: 'another', as: 'w-2', machineId: '0123456789abcdef' } as const
    expect(start([...three, worker('w-1', { identity })])?.reason).toBe(
      'w-1 is not the machine that answers at its address: that is w-2 (machine id 01234567…). Correct the addresses in caretaker.yaml or in DHCP',
    )
  })

  test('while a node has another role than it is configured with', () => {
    expect(start([...three, { ...worker('w-1'), configuredRole: 'controlplane' }])?.reason).toBe(
      'w-1 is configured as a controlplane, and runs as a worker: correct its role in caretaker.yaml',
    )
  })

  test('in a blackout, from its first moment to before its last, and until the longest of several is over', () => {
    const blackouts = (...all: [from: number, to: number][]) => ({
      blackouts: observed(all.map(([from, to]) => ({ from: now + from, to: now + to, reason: `${from}` }))),
    })
    expect(start(three, blackouts([0, 1]))).toEqual({
      gate: 'blackout',
      reason: 'no upgrades now: 0',
      until: new Date(now + 1),
    })
    expect(start(three, blackouts([-1, 0]))).toBeUndefined()
    const several = blackouts([-3, minute], [-2, hour], [-1, 2 * minute], [1, 2 * hour])
    expect(start(three, several)).toEqual({
      gate: 'blackout',
      reason: 'no upgrades now: -2',
      until: new Date(now + hour),
    })
  })
})

describe('a window', () => {
  // Saturday 02:00 to 06:00 in Warsaw; it is 04:00 there.
  const windows = [{ days: ['sat'], from: '02:00', to: '06:00' }] as const
  const closesAt = Date.parse('2026-03-07T05:00:00Z')
  const at = (ms: number, openUntil?: number) =>
    windowObstacle(
      'worker',
      { ...calm, now: new Date(ms), openUntil: openUntil === undefined ? undefined : new Date(openUntil) },
      { ...policy, windows: [...windows] },
    )

  test('has room for a node to its last ms, and says nothing of the next one while it is open', () => {
    expect(at(closesAt - policy.nodeEstimate)).toBeUndefined()
    expect(at(closesAt - policy.nodeEstimate + 1)).toStrictEqual({
      gate: 'window',
      reason: expect.stringMatching(/^the window closes on .*, and a node takes up to 15 min$/),
    })
  })

  test('that closes before the one that was opened by hand has the room of that one', () => {
    const late = closesAt - minute
    expect(at(late)).toBeDefined()
    expect(at(late, late + hour)).toBeUndefined()
    expect(at(late, late + 2 * minute)?.until).toBeUndefined()
  })

  test('that was opened by hand and is too short is followed by the next one', () => {
    const wednesday = Date.parse('2026-03-04T12:00:00Z')
    const next = new Date('2026-03-07T01:00:00Z')
    expect(at(wednesday, wednesday + minute)).toMatchObject({ until: next })
    expect(at(wednesday, wednesday)).toMatchObject({ until: next })
  })
})

describe('a node is not next', () => {
  const next = (node: Node, circumstances: Partial<typeof calm> = {}) =>
    nodeObstacle(node, {
      cluster: clusterOf(...three, node),
      target,
      circumstances: { ...calm, ...circumstances },
      policy,
    })?.reason
  const power = { why: 'power', at: '2026-03-07T01:00:00Z' } as const

  test('while it is not well itself', () => {
    expect(next(worker('w-1', { kubernetes: { ready: false } }))).toBe('w-1 is not Ready in Kubernetes')
    expect(next(worker('w-1', { talos: { stage: 'booting' } }))).toBe('w-1 is booting')
    expect(next(worker('w-1', { kubernetes: 'silent' }))).toMatch(/^w-1 could not be read from Kubernetes/)
  })

  test('while it is cordoned, from a power cut or by a person; a mark without a cordon is no cordon', () => {
    const cut = worker('w-1', { kubernetes: { unschedulable: true, cordon: power } })
    expect(next(cut)).toMatch(/from a power cut$/)
    const situation = { cluster: clusterOf(...three, cut), target, circumstances: calm, policy }
    expect(nodeObstacle(cut, situation)?.gate).toBe('outage')
    expect(next(worker('w-1', { kubernetes: { unschedulable: true } }))).toMatch(/^w-1 was cordoned by someone else/)
    expect(next(worker('w-1', { kubernetes: { unschedulable: false, cordon: power } }))).toBeUndefined()
  })

  test('while it is not where its configuration has it', () => {
    expect(next(worker('w-1', { talos: { onDisk: false } }))).toMatch(/^w-1 has no installation on a disk/)
  })

  test('while it holds the last good copy; where storage tells nothing that is asked elsewhere', () => {
    const lastReplicas = new Map([['w-1', ['pvc-1', 'pvc-2']]])
    const storage = observed({ systems: ['longhorn'], unwell: [], lastReplicas })
    expect(next(worker('w-1'), { storage })).toBe('w-1 holds the last healthy replica of pvc-1')
    expect(next(worker('w-2'), { storage })).toBeUndefined()
    expect(next(worker('w-1'), { storage: notObserved('timed out') })).toBeUndefined()
  })

  test('while it would lose what nobody has agreed to lose: in the configuration or by a request', () => {
    const node = worker('w-1', { talos: { extensions: ['siderolabs/i915', 'siderolabs/gvisor', 'siderolabs/zfs'] } })
    const losing = (byRequest: string[], byPolicy: string[]) =>
      lossObstacle(node, target, { mayLose: byRequest }, { mayLose: byPolicy })
    expect(losing([], [])).toMatch(/^w-1 would lose siderolabs\/gvisor, siderolabs\/zfs, /)
    expect(losing(['siderolabs/gvisor'], [])).toMatch(/^w-1 would lose siderolabs\/zfs, /)
    expect(losing([], ['siderolabs/zfs'])).toMatch(/^w-1 would lose siderolabs\/gvisor, /)
    expect(losing(['siderolabs/gvisor'], ['siderolabs/zfs'])).toBeUndefined()
  })
})

describe('a node is staged for this very release', () => {
  const mark = { why: 'upgrade', at: '2026-03-04T11:00:00Z', release: 'v1.13.9', schematic, bootId: 'boot-1' } as const
  test.for([
    { name: 'by our mark of this boot', staged: mark, expected: true },
    { name: 'not of another release', staged: { ...mark, release: 'v1.13.7' }, expected: false },
    { name: 'not with another schematic', staged: { ...mark, schematic: 'f'.repeat(64) }, expected: false },
    { name: 'not in an earlier boot', staged: { ...mark, bootId: 'boot-0' }, expected: false },
    { name: 'not without a mark', staged: undefined, expected: false },
  ])('$name', ({ staged, expected }) => {
    expect(isStagedFor(worker('w-1', { talos: armedEntries, kubernetes: { staged } }), target)).toBe(expected)
  })

  test('and not where Kubernetes tells nothing', () => {
    expect(isStagedFor(worker('w-1', { talos: armedEntries, kubernetes: 'silent' }), target)).toBe(false)
  })
})

describe('approval', () => {
  test('is asked of nobody who is silent: what it runs is not known', () => {
    for (const approval of ['always', 'minor'] as const)
      expect(approvalObstacle(worker('w-1', { talos: 'silent' }), target, calm, { approval })).toBeUndefined()
  })
})

describe('the canary', () => {
  const canary = { node: 'w-1', watch: hour }
  const done = { ...calm, canaryDoneAt: new Date(now - 10 * minute) }
  const nodes = [...three, worker('w-1')]

  test('holds nobody up where there is none, where it is no node, or before it has gone', () => {
    expect(canaryObstacle(nodes, done, policy)).toBeUndefined()
    expect(canaryObstacle(three, done, { ...policy, canary })).toBeUndefined()
    expect(canaryObstacle(nodes, calm, { ...policy, canary })).toBeUndefined()
  })

  test('is watched, and stops the others when it is not well', () => {
    const until = new Date(now + 50 * minute)
    expect(canaryObstacle(nodes, done, { ...policy, canary })).toMatchObject({ until })
    const ill = worker('w-1', { kubernetes: { ready: false } })
    expect(canaryObstacle([...three, ill], done, { ...policy, canary })).toEqual({
      gate: 'canary',
      reason: 'the canary w-1 is not Ready in Kubernetes',
    })
  })
})
