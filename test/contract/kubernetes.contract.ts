import { expect, test } from 'vitest'
import type { CordonMark } from '../../src/core/cluster/cluster.ts'
import type { Kubernetes } from '../../src/core/cluster/ports.ts'
import { refusal } from '../adapters/refusal.ts'
import { soon } from '../patience.ts'
import { claim, leaseContract } from './kubernetes-lease.contract.ts'

/** A cluster of cp-1, w-1 and w-2, all Ready, whose nodes have pods that go when they are asked to. */
export interface KubernetesUnderTest extends AsyncDisposable {
  readonly kubernetes: Kubernetes
  /** What a person does with kubectl. */
  cordonByHand(node: string): Promise<void>
  uncordonByHand(node: string): Promise<void>
  /** A pod on this node does not go, because of its disruption budget. */
  makeStubborn(node: string): Promise<void>
}

const upgrade: CordonMark = { why: 'upgrade', at: '2026-11-22T03:00:00Z', release: 'v1.14.0', bootId: 'b-1' }
const power: CordonMark = { why: 'power', at: '2026-11-22T04:00:00Z' }
const first = { release: 'v1.14.0', count: 1 }

/** What the agent relies on in the Kubernetes API. */
export function kubernetesContract(open: () => Promise<KubernetesUnderTest>): void {
  const factsOf = async ({ kubernetes }: KubernetesUnderTest, node: string) =>
    (await kubernetes.nodes(soon())).get(node)
  const keep = { forgetAttempts: false }

  test('tells its version, and all its nodes', async () => {
    await using at = await open()
    expect(await at.kubernetes.version(soon())).toMatch(/^v1\.\d+\.\d+$/)
    const nodes = await at.kubernetes.nodes(soon())
    expect([...nodes.keys()].toSorted()).toEqual(['cp-1', 'w-1', 'w-2'])
    const plain = { ready: true, unschedulable: false, cordon: undefined, leftover: undefined, attempts: undefined }
    const unmarked = { staged: undefined, zone: undefined, taints: [], paused: undefined }
    const { machineId, bootId, ...facts } = nodes.get('w-1')!
    expect(facts).toEqual({ ...plain, ...unmarked })
    expect(machineId).toMatch(/^[0-9a-f]{32}$/)
    expect(bootId).toMatch(/./)
    expect(nodes.get('w-2')!.machineId).not.toBe(machineId)
  })

  test('rewrites our mark on a node that is ours still, and never cordons by it', async () => {
    await using at = await open()
    const marked = { ...upgrade, installer: 'started' as const }
    const refused = refusal(at.kubernetes.noteMark('w-1', marked, soon()))
    expect(await refused).toMatchObject({ code: 'not-now', retryable: true })
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    await at.kubernetes.noteMark('w-1', marked, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: true, cordon: marked, attempts: first })
    await at.kubernetes.uncordon('w-1', 'upgrade', keep, soon())
    expect((await refusal(at.kubernetes.noteMark('w-1', marked, soon()))).code).toBe('not-now')
    await at.kubernetes.cordon('w-2', power, undefined, soon())
    expect((await refusal(at.kubernetes.noteMark('w-2', marked, soon()))).code).toBe('not-now')
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: false, cordon: undefined })
  })

  test('reports the versions of its components, node by node', async () => {
    await using at = await open()
    const version = await at.kubernetes.version(soon())
    const components = await at.kubernetes.components(soon())
    expect(components.map(({ component, node }) => `${component} ${node}`).toSorted()).toEqual([
      'kube-apiserver cp-1',
      'kube-controller-manager cp-1',
      'kube-scheduler cp-1',
      'kubelet cp-1',
      'kubelet w-1',
      'kubelet w-2',
    ])
    expect(new Set(components.map((one) => one.version))).toEqual(new Set([version]))
  })

  test('cordons with our mark and takes the cordon away by it', async () => {
    await using at = await open()
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    const cordoned = { ready: true, unschedulable: true, cordon: upgrade, leftover: undefined, attempts: first }
    expect(await factsOf(at, 'w-1')).toMatchObject(cordoned)
    expect(await factsOf(at, 'w-2')).toMatchObject({ unschedulable: false, cordon: undefined })
    await at.kubernetes.uncordon('w-1', 'upgrade', keep, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: false, cordon: undefined, attempts: first })
  })

  test('leaves somebody else’s cordon alone: rejected for an upgrade, fine for a power cut', async () => {
    await using at = await open()
    await at.cordonByHand('w-1')
    expect(await refusal(at.kubernetes.cordon('w-1', upgrade, first, soon()))).toMatchObject({ code: 'rejected' })
    await at.kubernetes.cordon('w-1', power, undefined, soon())
    await at.kubernetes.uncordon('w-1', 'power', keep, soon())
    await at.kubernetes.uncordon('w-1', 'upgrade', keep, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: true, cordon: undefined, attempts: undefined })
  })

  test('keeps the mark of an upgrade over that of a power cut', async () => {
    await using at = await open()
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    await at.kubernetes.cordon('w-1', power, undefined, soon())
    await at.kubernetes.uncordon('w-1', 'power', keep, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: true, cordon: upgrade, attempts: first })
  })

  test.each([
    { name: 'an upgrade', mark: upgrade, why: 'power' },
    { name: 'the power', mark: power, why: 'upgrade' },
  ] as const)(
    'shows what is left of a mark for $name after a person’s uncordon, and clears it',
    async ({ mark, why }) => {
      await using at = await open()
      await at.kubernetes.cordon('w-1', mark, undefined, soon())
      await at.uncordonByHand('w-1')
      expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: false, cordon: undefined, leftover: mark })
      await at.kubernetes.uncordon('w-1', why, keep, soon())
      expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: false, cordon: undefined, leftover: undefined })
      await at.cordonByHand('w-1')
      expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: true, cordon: undefined, leftover: undefined })
    },
  )

  test('sees no mark on a node that a person has uncordoned, and cordons it anew', async () => {
    await using at = await open()
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    await at.uncordonByHand('w-1')
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: false, cordon: undefined, attempts: first })
    await at.kubernetes.cordon('w-1', power, undefined, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: true, cordon: power })
  })

  test('does not take a person’s cordon for ours, though ours was there before', async () => {
    await using at = await open()
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    await at.uncordonByHand('w-1')
    await at.kubernetes.uncordon('w-1', 'upgrade', keep, soon())
    await at.cordonByHand('w-1')
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: true, cordon: undefined })
  })

  test('keeps what the attempts came to until they are to be forgotten', async () => {
    await using at = await open()
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    await at.kubernetes.noteFailure('w-1', { ...first, failure: 'it rolled back' }, soon())
    await at.kubernetes.uncordon('w-1', 'upgrade', keep, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ attempts: { ...first, failure: 'it rolled back' } })
    await at.kubernetes.uncordon('w-1', 'upgrade', { forgetAttempts: true }, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ attempts: undefined })
  })

  test('drains a node, and is done when its pods are gone', async () => {
    await using at = await open()
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    await at.kubernetes.drain('w-1', {}, soon())
    expect(await at.kubernetes.drain('w-1', {}, soon())).toBeUndefined()
  })

  test('names the pods that would not go when the time is over', async () => {
    await using at = await open()
    await at.makeStubborn('w-1')
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    const error = await refusal(at.kubernetes.drain('w-1', {}, soon(150)))
    expect(error).toMatchObject({
      code: 'timed-out',
      message: expect.stringMatching(/still on the node: default\/db-0.*budget/),
    })
  })

  test('deletes what would not go, where the policy says so', async () => {
    await using at = await open()
    await at.makeStubborn('w-1')
    await at.kubernetes.cordon('w-1', power, undefined, soon())
    expect(await at.kubernetes.drain('w-1', { deleteAfter: 50, maxGrace: 1_000 }, soon())).toBeUndefined()
  })

  test('rejects what is asked of a node that there is not', async () => {
    await using at = await open()
    const { kubernetes } = at
    for (const call of [kubernetes.cordon('w-9', upgrade, first, soon()), kubernetes.noteFailure('w-9', first, soon())])
      expect(await refusal(call)).toMatchObject({ code: 'rejected' })
  })

  test('has nothing to uncordon on a node that was taken out of the cluster', async () => {
    await using at = await open()
    for (const forgetAttempts of [false, true])
      expect(await at.kubernetes.uncordon('w-9', 'power', { forgetAttempts }, soon())).toBeUndefined()
  })

  test('does nothing any more for who has called it off', async () => {
    await using at = await open()
    const { kubernetes } = at
    const off = AbortSignal.abort()
    for (const call of [
      kubernetes.version(off),
      kubernetes.nodes(off),
      kubernetes.cordon('w-1', upgrade, first, off),
      kubernetes.noteFailure('w-1', first, off),
      kubernetes.uncordon('w-1', 'upgrade', keep, off),
      kubernetes.drain('w-1', {}, off),
    ])
      expect((await refusal(call)).retryable).toBe(true)
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: false, attempts: undefined })
  })

  test('notes on a node in service that it is armed on purpose, and forgets it with the attempts', async () => {
    await using at = await open()
    const { kubernetes } = at
    await kubernetes.noteFailure('w-1', first, soon())
    await kubernetes.noteStaged('w-1', upgrade, soon())
    await kubernetes.noteStaged('w-1', upgrade, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ unschedulable: false, staged: upgrade, cordon: undefined })
    await kubernetes.uncordon('w-1', 'upgrade', keep, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ staged: upgrade, attempts: first })
    await kubernetes.uncordon('w-1', 'upgrade', { forgetAttempts: true }, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ staged: undefined, attempts: undefined })
  })

  test('notes of a staged node that it booted its previous release, and with it that it is armed no longer', async () => {
    await using at = await open()
    const { kubernetes } = at
    await kubernetes.noteStaged('w-1', upgrade, soon())
    await kubernetes.noteFailure('w-1', { ...first, failure: 'code 4' }, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ staged: upgrade })
    const fallen = { ...first, failure: 'rolled back to v1.13.9', rolledBack: true } as const
    await kubernetes.noteFailure('w-1', fallen, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ staged: undefined, attempts: fallen })
  })

  test('takes the count of attempts away, so that a release is tried anew', async () => {
    await using at = await open()
    await at.kubernetes.cordon('w-1', upgrade, first, soon())
    await at.kubernetes.forgetAttempts('w-1', soon())
    await at.kubernetes.forgetAttempts('w-1', soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ cordon: upgrade, attempts: undefined })
  })

  test('pauses a node with a reason, and lets it go on', async () => {
    await using at = await open()
    await at.kubernetes.pause('w-1', 'the fan is being changed', soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ paused: 'the fan is being changed' })
    expect(await factsOf(at, 'w-2')).toMatchObject({ paused: undefined })
    await at.kubernetes.pause('w-1', undefined, soon())
    expect(await factsOf(at, 'w-1')).toMatchObject({ paused: undefined })
  })

  test('finds nothing in the way of a cluster where nothing is', async () => {
    await using at = await open()
    expect(await at.kubernetes.workloads(soon())).toEqual({ blocking: [], pending: [] })
    expect(await at.kubernetes.storage(soon())).toEqual({ systems: [], unwell: [], lastReplicas: new Map() })
  })

  leaseContract(open)

  test('neither notes, pauses nor leases anything for who has called it off', async () => {
    await using at = await open()
    const { kubernetes } = at
    const off = AbortSignal.abort()
    for (const call of [
      kubernetes.noteStaged('w-1', upgrade, off),
      kubernetes.forgetAttempts('w-1', off),
      kubernetes.pause('w-1', 'no', off),
      kubernetes.workloads(off),
      kubernetes.storage(off),
      kubernetes.takeLease(claim('in-process'), off),
      kubernetes.releaseLease('in-process', off),
    ])
      expect((await refusal(call)).retryable).toBe(true)
    expect(await factsOf(at, 'w-1')).toMatchObject({ staged: undefined, paused: undefined })
    expect(await kubernetes.takeLease(claim('there'), soon())).toEqual({ held: true })
  })
}
