import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import { decideRollback, hasNothingToBoot } from '../../../src/core/upgrade/rollback.ts'
import type { NetworkBoot } from '../../../src/core/upgrade/policy.ts'
import { finishRollbackPlan, rollbackPlan } from '../../../src/core/upgrade/rollback-plan.ts'
import { armedEntries, clusterOf, type NodeChoices, schematic, worker } from '../cluster/nodes.ts'
import { calm, policy, summary } from './rollout.ts'

const planning = { policy, now: calm.now }
const at = calm.now.toISOString()
const machineId = 'a1'.repeat(16)
const mark = { why: 'upgrade', back: true, at, release: 'v1.13.8', bootId: 'boot-1', schematic } as const
const stepsOf = (node: Node, back: Parameters<typeof rollbackPlan>[1] = { force: false }) =>
  rollbackPlan(node, back, planning).flatMap(({ steps }) => steps)
const markOf = (node: Node, to?: string) => {
  const [step] = stepsOf(node, { to, force: false })
  return step?.do === 'cordon' ? step.mark : undefined
}

describe('a rollback', () => {
  test('cordons, drains, changes the boot entry, waits for the other release, and forgets what was tried', () => {
    expect(stepsOf(worker('w-1', { talos: { machineId } }), { to: 'v1.13.7', force: true })).toEqual([
      { do: 'cordon', node: 'w-1', mark: { ...mark, machineId, to: 'v1.13.7' }, within: 30_000 },
      {
        do: 'drain',
        node: 'w-1',
        policy: { ordered: true, volumeDetachTimeout: 300_000 },
        within: policy.drainTimeout,
      },
      {
        do: 'roll-back',
        node: 'w-1',
        machine: { role: 'worker', machineId },
        bootId: 'boot-1',
        force: true,
        twoMembers: 'refuse',
        mark: { ...mark, machineId, to: 'v1.13.7', rebooting: true },
      },
      {
        do: 'await-rolled-back',
        node: 'w-1',
        bootId: 'boot-1',
        mark: { ...mark, machineId, to: 'v1.13.7' },
        within: policy.rebootTimeout,
      },
      { do: 'uncordon', node: 'w-1', why: 'upgrade', forgetAttempts: true },
    ])
  })

  test('says by its mark what the node is to come back with', () => {
    const marks: readonly { node: NodeChoices; to?: string; expected: object }[] = [
      { node: {}, expected: mark },
      { node: {}, to: 'v1.13.7', expected: { ...mark, to: 'v1.13.7' } },
      { node: { talos: armedEntries }, to: 'v1.13.7', expected: { ...mark, disarm: true } },
    ]
    for (const { node, to, expected } of marks) expect(markOf(worker('w-1', node), to)).toStrictEqual(expected)
    const { schematic: _, ...unknown } = mark
    expect(markOf(worker('w-1', { talos: { schematic: undefined } }))).toStrictEqual(unknown)
  })

  test('keeps how far the installer came: with GRUB nothing else shows that the node is armed', () => {
    const cordon: CordonMark = { why: 'upgrade', at, release: 'v1.13.9', bootId: 'boot-1', installer: 'started' }
    const grub = { bootedEntry: undefined, defaultEntry: undefined }
    expect(markOf(worker('w-1', { talos: grub, kubernetes: { cordon } }))).toStrictEqual({
      ...mark,
      disarm: true,
      installer: 'started',
    })
  })

  test('goes on without its cordon where the node hangs in its boot, which may have taken the API server along', () => {
    const optional = (stage: 'running' | 'booting') =>
      rollbackPlan(worker('w-1', { talos: { stage } }), { force: false }, planning)
        .filter((phase) => phase.bestEffort)
        .map(({ id }) => id)
    expect(optional('running')).toEqual(['drain'])
    expect(optional('booting')).toEqual(['cordon', 'drain'])
  })

  test('is no plan for a node that is silent', () => {
    expect(rollbackPlan(worker('w-1', { talos: 'silent' }), { force: false }, planning)).toEqual([])
  })

  test('that a mark of 0.1 tells of is finished by whatever boots', () => {
    const [verify] = finishRollbackPlan(worker('w-1'), { why: 'upgrade', at, back: true }, policy)
    expect(verify?.steps).toMatchObject([{ do: 'await-rolled-back', bootId: '' }])
  })
})

describe('a node without an installation', () => {
  const bootOf = (version: string): NetworkBoot => ({
    order: { version, schematic, architecture: 'amd64', secureBoot: false, kind: 'uki', kernelArguments: [] },
    file: 'w-1.efi',
  })
  const w1 = worker('w-1', { talos: { machineId } })
  const networkBootOf = (name: string, version: string) => (name === 'w-1' ? bootOf(version) : undefined)
  const decide = (node: Node, to?: string) => {
    const request = { node: node.name, bootId: 'boot-1', force: false, ...(to === undefined ? {} : { to }) }
    return decideRollback(clusterOf(node), { ...calm, rollbacks: [request] }, policy, networkBootOf)
  }

  test('is served what it ran, and power-cycled', () => {
    const decision = decide(w1, 'v1.13.7')
    const plan = decision?.kind === 'go' ? decision.nodes[0]!.plan : []
    const left = { why: 'upgrade', back: true, at, release: 'v1.13.8', bootId: 'boot-1', schematic, machineId }
    expect(plan.flatMap(({ steps }) => steps).slice(2, 4)).toEqual([
      { do: 'stage-image', image: bootOf('v1.13.7').order, publishAs: 'w-1.efi' },
      {
        do: 'reboot',
        node: 'w-1',
        machine: { role: 'worker', machineId },
        bootId: 'boot-1',
        mark: { ...left, to: 'v1.13.7', diskless: true, rebooting: true },
        mode: 'powercycle',
      },
    ])
    expect(plan.map(({ id, stops }) => [id, stops.join()]).slice(2, 4)).toEqual([
      ['stage-image', 'failing-power'],
      ['reboot', 'failing-power'],
    ])
  })

  test('is not rolled back to what nobody knows', () => {
    expect(summary(decide(w1)!)).toBe(
      "stuck: w-1 can't be rolled back: it is unknown what it ran before. Give its image back with `caretaker stage --rollback`, and reboot it",
    )
  })

  test('is no other one: that goes by its boot entry, known or not', () => {
    for (const to of ['v1.13.7', undefined]) {
      const decision = decide(worker('w-2'), to)
      expect(decision?.kind === 'go' && decision.nodes[0]!.plan.map(({ id }) => id)).toContain('rollback')
    }
  })
})

describe('a node that was never upgraded', () => {
  const never = { hasOtherEntry: false } as const
  const mine: CordonMark = { why: 'upgrade', at, release: 'v1.13.9', bootId: 'boot-1' }
  const decide = (node: Node, force = false) => {
    const decision = decideRollback(
      clusterOf(node),
      { ...calm, rollbacks: [{ node: 'w-1', bootId: 'boot-1', force }] },
      policy,
    )
    return decision?.kind === 'go' ? decision.nodes.map(({ intent, reason }) => `${intent}: ${reason}`) : decision
  }

  test.each<{ name: string; talos: NonNullable<NodeChoices['talos']>; nothing: boolean }>([
    { name: 'has nothing to boot, as it says', talos: never, nothing: true },
    { name: 'has what is installed to take back', talos: { ...never, ...armedEntries }, nothing: false },
    { name: 'has another entry', talos: { hasOtherEntry: true }, nothing: false },
    { name: 'does not tell', talos: {}, nothing: false },
    { name: 'is silent', talos: 'silent', nothing: false },
  ])('$name', ({ talos, nothing }) => {
    expect(hasNothingToBoot(worker('w-1', { talos }))).toBe(nothing)
  })

  test('is left alone, and uncordoned where we have cordoned it; a person may insist', () => {
    expect(decide(worker('w-1', { talos: never }))).toBeUndefined()
    const cordoned = worker('w-1', { talos: never, kubernetes: { unschedulable: true, cordon: mine } })
    expect(decide(cordoned)).toEqual(['release: w-1 has no previous release to boot, and keeps what it runs'])
    expect(decide(worker('w-1', { talos: never }), true)).toEqual(['rollback: w-1 is being rolled back from v1.13.8'])
  })
})
