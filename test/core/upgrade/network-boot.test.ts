import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import { installationObstacle, turnOf } from '../../../src/core/upgrade/network-boot.ts'
import { upgradePlan } from '../../../src/core/upgrade/plan.ts'
import { pullPlan } from '../../../src/core/upgrade/preparation.ts'
import type { NetworkBoot } from '../../../src/core/upgrade/policy.ts'
import { type NodeChoices, schematic, worker } from '../cluster/nodes.ts'
import { calm, policy, target } from './rollout.ts'

const [older, newer] = ['e'.repeat(64), 'f'.repeat(64)]
const mark: CordonMark = {
  why: 'upgrade',
  at: '2026-03-07T02:00:00Z',
  release: 'v1.13.9',
  schematic: newer,
  bootId: 'boot-1',
  diskless: true,
}
const node = (cordon?: CordonMark, talos: NodeChoices['talos'] = {}, kubernetes: NodeChoices['kubernetes'] = {}) =>
  worker('w-1', {
    talos,
    kubernetes: kubernetes === 'silent' ? 'silent' : { ...kubernetes, ...(cordon ? { cordon } : {}) },
  })
const upgrading = { version: 'v1.13.9', schematic: newer, reason: 'w-1 is being upgraded to it' }
const runsIt = { version: 'v1.13.8', schematic, reason: 'w-1 runs it' }

describe('what a node without an installation is to boot', () => {
  test.each<{ name: string; of: Node; ran?: { version: string; schematic?: string }; turn: object | undefined }>([
    { name: 'is what it runs', of: node(), turn: runsIt },
    { name: 'is what it is upgraded to, from its cordon on', of: node(mark), turn: upgrading },
    { name: 'is what it is upgraded to while it is silent', of: node(mark, 'silent'), turn: upgrading },
    {
      name: 'is what it goes back to, where that is known',
      of: node({ ...mark, back: true, to: 'v1.13.7' }),
      turn: { version: 'v1.13.7', reason: 'w-1 goes back to it' },
    },
    {
      name: 'is what it runs, where it is unknown what it goes back to',
      of: node({ ...mark, back: true }),
      turn: runsIt,
    },
    {
      name: 'is what it runs, by a mark of the power',
      of: node({ why: 'power', at: mark.at }),
      turn: runsIt,
    },
    {
      name: 'is what it runs, by a mark of a node that had an installation',
      of: node({ ...mark, diskless: undefined } as unknown as CordonMark),
      turn: runsIt,
    },
    {
      name: 'is what it runs, by a mark that names no release',
      of: node({ why: 'upgrade', at: mark.at, diskless: true }),
      turn: runsIt,
    },
    {
      name: 'is what it runs, and may be more, while Kubernetes is silent',
      of: node(undefined, {}, 'silent'),
      turn: { ...runsIt, isUnsure: true },
    },
    {
      name: 'is not known where it runs something of somebody',
      of: node(undefined, { version: 'v1.13.8-dirty' }),
      turn: undefined,
    },
    {
      name: 'is what it ran when it was heard last, while it is silent',
      of: node(undefined, 'silent'),
      ran: { version: 'v1.13.7', schematic: older },
      turn: { version: 'v1.13.7', schematic: older, reason: 'w-1 ran it when it was heard last' },
    },
    {
      name: 'is what it ran, and may be more, while nothing tells',
      of: node(undefined, 'silent', 'silent'),
      ran: { version: 'v1.13.7' },
      turn: { version: 'v1.13.7', reason: 'w-1 ran it when it was heard last', isUnsure: true },
    },
    {
      name: 'is not known where it ran something of somebody',
      of: node(undefined, 'silent'),
      ran: { version: 'v1.13.7-dirty' },
      turn: undefined,
    },
    { name: 'is not known of one that was never heard', of: node(undefined, 'silent'), turn: undefined },
  ])('$name', ({ of, ran, turn }) => {
    expect(turnOf(of, ran)).toEqual(turn)
  })
})

describe('whether a node is where its configuration has it', () => {
  const onDisk = (value: boolean | undefined) => worker('w-1', { talos: value === undefined ? {} : { onDisk: value } })
  test.each<{ name: string; of: Node; diskless: boolean; why: string | undefined }>([
    { name: 'it is on its disk', of: onDisk(true), diskless: false, why: undefined },
    { name: 'it is without a disk', of: onDisk(false), diskless: true, why: undefined },
    { name: 'it does not tell', of: onDisk(undefined), diskless: true, why: undefined },
    { name: 'it is silent', of: worker('w-1', { talos: 'silent' }), diskless: true, why: undefined },
    {
      name: 'it has an installation that it may boot instead',
      of: onDisk(true),
      diskless: true,
      why: 'w-1 has an installation on its disk, which it may boot instead of its image: wipe the disk, or take `diskless` from the image',
    },
    {
      name: 'it has none to upgrade',
      of: onDisk(false),
      diskless: false,
      why: 'w-1 has no installation on a disk: give it an image of its own with `diskless: true`',
    },
  ])('$name', ({ of, diskless, why }) => {
    expect(installationObstacle(of, diskless)).toBe(why)
  })
})

describe('the upgrade of a node without an installation', () => {
  const boot: NetworkBoot = {
    order: {
      version: 'v1.13.9',
      schematic,
      architecture: 'amd64',
      secureBoot: false,
      kind: 'uki',
      kernelArguments: [],
    },
    file: 'w-1.efi',
  }
  const goal = {
    ...target,
    rebootModeOf: () => 'force' as const,
    networkBootOf: (name: string, version: string) => (name === 'w-1' && version === 'v1.13.9' ? boot : undefined),
  }
  const w1 = worker('w-1', { talos: { machineId: 'a1'.repeat(16) } })
  const left: CordonMark = {
    why: 'upgrade',
    at: calm.now.toISOString(),
    release: 'v1.13.9',
    schematic,
    bootId: 'boot-1',
    from: 'v1.13.8',
    diskless: true,
  }

  test('is a publication and a reboot through the firmware, known by its mark, and not by an id that changes', () => {
    const plan = upgradePlan(w1, { count: 1 }, { target: goal, policy, now: calm.now })
    expect(plan.map(({ id }) => id)).toEqual([
      'cordon',
      'drain',
      'confirm',
      'stage-image',
      'reboot',
      'verify-boot',
      'settle',
      'uncordon',
    ])
    const steps = plan.flatMap((phase) => phase.steps)
    expect(steps[0]).toMatchObject({ do: 'cordon', mark: left })
    expect(steps[3]).toEqual({ do: 'stage-image', image: boot.order, publishAs: 'w-1.efi' })
    expect(steps[4]).toEqual({
      do: 'reboot',
      node: 'w-1',
      machine: { role: 'worker', machineId: 'a1'.repeat(16) },
      bootId: 'boot-1',
      mark: { ...left, rebooting: true },
      mode: 'powercycle',
    })
    expect(steps[5]).toMatchObject({ do: 'await-upgraded', identity: { extensions: ['siderolabs/i915'] } })
    expect((steps[5] as unknown as { identity: object }).identity).not.toHaveProperty('machineId')
  })

  test('pulls no installer; the others do', () => {
    const pulls = pullPlan([w1, worker('w-2'), worker('w-3', { talos: 'silent' })], goal, policy)
    expect(pulls.flatMap(({ steps }) => steps).map((step) => 'node' in step && step.node)).toEqual(['w-2'])
  })
})
