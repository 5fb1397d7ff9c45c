import { describe, expect, test } from 'vitest'
import type { Cluster } from '../../../src/core/cluster/cluster.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import { clusterOf, controlPlanes, schematic, worker } from '../cluster/nodes.ts'
import { calm, outline, policy, stepsOf, target } from './rollout.ts'

const decide = (cluster: Cluster, circumstances = calm, changed = policy, goal = target) =>
  decideUpgrade(cluster, goal, circumstances, changed)

describe('the plan', () => {
  test('for a worker pulls, cordons, drains, installs, reboots, waits for it to be whole, and only then uncordons it', () => {
    expect(outline(decide(clusterOf(worker('w-1'))))).toEqual([
      'pull-images: pull v1.13.9 on w-1',
      'cordon: cordon w-1',
      'drain: drain w-1',
      'confirm: confirm that w-1 may go down',
      'install: install v1.13.9 on w-1',
      'confirm: confirm that w-1 may go down',
      'reboot: reboot w-1',
      'verify-boot: wait until w-1 is upgraded',
      'settle: wait for w-1 to settle',
      'uncordon: uncordon w-1',
    ])
  })

  test('for a control plane waits for etcd too, before it is opened again', () => {
    const phases = outline(decide(clusterOf(...controlPlanes({}, {}, {}))))
    expect(phases.slice(-4)).toEqual([
      'verify-boot: wait until cp-2 is upgraded',
      'verify-etcd: wait until etcd is healthy',
      'settle: wait for cp-2 to settle',
      'uncordon: uncordon cp-2',
    ])
  })

  test('for a Talos before 1.13 installs and reboots in one call, after it was drained', () => {
    const node = worker('w-1', { talos: { version: 'v1.12.11' } })
    expect(outline(decide(clusterOf(node)))).toEqual([
      'cordon: cordon w-1',
      'drain: drain w-1',
      'confirm: confirm that w-1 may go down',
      'install: install v1.13.9 on w-1 and reboot it',
      'verify-boot: wait until w-1 is upgraded',
      'settle: wait for w-1 to settle',
      'uncordon: uncordon w-1',
    ])
  })

  test('carries marks, boots, limits and the wanted image', () => {
    const at = '2026-03-07T03:00:00.000Z'
    const machineId = 'c0'.repeat(16)
    const machine = { role: 'worker', machineId }
    const mark = { why: 'upgrade', at, release: 'v1.13.9', schematic, bootId: 'boot-1', from: 'v1.13.8', machineId }
    const limits = { parallel: 1, twoMembers: 'refuse' }
    const identity = { extensions: ['siderolabs/i915'], machineId }
    const image = `factory.talos.dev/metal-installer/${schematic}:v1.13.9`
    expect(stepsOf(decide(clusterOf(worker('w-1', { talos: { machineId } }))))).toEqual([
      { do: 'pull-image', node: 'w-1', image, within: policy.installTimeout },
      { do: 'cordon', node: 'w-1', mark, attempts: { release: 'v1.13.9', count: 1 }, within: 30_000 },
      {
        do: 'drain',
        node: 'w-1',
        policy: { ordered: true, volumeDetachTimeout: 300_000 },
        within: policy.drainTimeout,
      },
      { do: 'confirm', node: 'w-1', machine, limits },
      { do: 'install', node: 'w-1', machine, image, mark, within: policy.installTimeout },
      { do: 'confirm', node: 'w-1', machine, limits },
      {
        do: 'reboot',
        node: 'w-1',
        machine,
        bootId: 'boot-1',
        mark: { ...mark, installer: 'succeeded', rebooting: true },
        mode: 'default',
      },
      {
        do: 'await-upgraded',
        node: 'w-1',
        version: 'v1.13.9',
        schematic,
        bootId: 'boot-1',
        within: policy.rebootTimeout,
        identity,
      },
      { do: 'settle', node: 'w-1', lasts: policy.settle },
      { do: 'uncordon', node: 'w-1', why: 'upgrade', forgetAttempts: true },
    ])
  })

  test('carries the mark through the one call of a Talos before 1.13 too', () => {
    const goal = { ...target, schematicOf: (name: string) => `schematic of ${name}` }
    const steps = stepsOf(decide(clusterOf(worker('w-1', { talos: { version: 'v1.12.11' } })), calm, policy, goal))
    const marks = steps.flatMap((step) =>
      step.do === 'cordon' || step.do === 'install-and-reboot' ? [[step.mark.schematic, step.mark.rebooting]] : [],
    )
    expect(marks).toEqual([
      ['schematic of w-1', undefined],
      ['schematic of w-1', true],
    ])
  })

  test('never forces a pod out: a disruption budget that refuses fails the drain', () => {
    const drains = stepsOf(decide(clusterOf(worker('w-1')))).filter((step) => step.do === 'drain')
    expect(drains.map(({ policy }) => policy)).toEqual([{ ordered: true, volumeDetachTimeout: 300_000 }])
  })
})
