import { describe, expect, test } from 'vitest'
import type { CordonMark, Node, TalosFacts } from '../../../src/core/cluster/cluster.ts'
import { barrierOf, cameFrom, whyNotBack } from '../../../src/core/upgrade/rollback.ts'
import { armedEntries, controlPlane, schematic, worker } from '../cluster/nodes.ts'

const mark: CordonMark = {
  why: 'upgrade',
  at: '2026-03-07T02:00:00Z',
  release: 'v1.13.9',
  from: 'v1.13.8',
  bootId: 'boot-1',
}
const grub = { bootedEntry: undefined, defaultEntry: undefined }
const member = (talos: Partial<TalosFacts>, cordon?: CordonMark): Node =>
  controlPlane('cp-1', ['cp-1', 'cp-2', 'cp-3'], {
    talos,
    ...(cordon ? { kubernetes: { unschedulable: true, cordon } } : {}),
  })
const notKnown = 'the release that cp-1 would roll back to is unknown, and so is whether its etcd can read the data'

describe('whether the etcd of a control plane could read its data after a rollback', () => {
  test.each<{ name: string; node: Node; barrier: string | undefined }>([
    {
      name: 'is no question of one that is armed: it only boots what it runs',
      node: member(armedEntries),
      barrier: undefined,
    },
    {
      name: 'is no question of one that is armed by our mark alone',
      node: member(grub, { ...mark, installer: 'succeeded' }),
      barrier: undefined,
    },
    {
      name: 'is one where the installer may have failed, and the other entry be an older release',
      node: member(grub, { ...mark, installer: 'started' }),
      barrier: notKnown,
    },
    {
      name: 'is one where an upgrade is staged, which a rollback does not take away',
      node: member({ staged: true }),
      barrier: notKnown,
    },
    { name: 'is one of a node that is not armed', node: member({}), barrier: notKnown },
  ])('$name', ({ node, barrier }) => {
    expect(barrierOf(node, undefined)).toBe(barrier)
  })
})

describe('what the other boot entry of a node holds', () => {
  const back = { ...mark, back: true, from: undefined } as unknown as CordonMark
  test.each<{ name: string; cordon?: CordonMark; bootId: string; release: string | undefined }>([
    { name: 'is what it came from, once it has left that boot', cordon: mark, bootId: 'boot-2', release: 'v1.13.8' },
    { name: 'is not known by a mark of the boot that runs', cordon: mark, bootId: 'boot-1', release: undefined },
    { name: 'is not known without a mark', bootId: 'boot-2', release: undefined },
    {
      name: 'is what it was to run, where its disarming failed',
      cordon: { ...back, disarm: true },
      bootId: 'boot-2',
      release: 'v1.13.9',
    },
    {
      name: 'is what it was to go back to, where that failed',
      cordon: { ...back, to: 'v1.13.8' },
      bootId: 'boot-2',
      release: 'v1.13.8',
    },
  ])('$name', ({ cordon, bootId, release }) => {
    expect(cameFrom(member({ bootId }, cordon))).toBe(release)
  })
})

describe('what a node comes back with after a rollback', () => {
  const runs = (facts: Partial<TalosFacts> = {}): TalosFacts => {
    const { talos } = worker('w-1', { talos: facts })
    return talos.ok ? talos.value : (undefined as never)
  }
  const back: CordonMark = { why: 'upgrade', at: mark.at, back: true, release: 'v1.13.8', schematic, bootId: 'boot-0' }
  test.each<{ name: string; facts: TalosFacts; cordon: CordonMark; why: string | undefined }>([
    { name: 'is well with any other release', facts: runs({ version: 'v1.13.7' }), cordon: back, why: undefined },
    {
      name: 'is well with another schematic of the release',
      facts: runs({ schematic: 'f'.repeat(64) }),
      cordon: back,
      why: undefined,
    },
    { name: 'is not what it was to leave', facts: runs(), cordon: back, why: 'it booted v1.13.8 again' },
    {
      name: 'is the release that was named',
      facts: runs({ version: 'v1.13.6' }),
      cordon: { ...back, to: 'v1.13.7' },
      why: 'it booted v1.13.6, not v1.13.7',
    },
    {
      name: 'is well with what it ran, where it was disarmed',
      facts: runs(),
      cordon: { ...back, disarm: true },
      why: undefined,
    },
    {
      name: 'is nothing else, where it was disarmed',
      facts: runs({ version: 'v1.13.9' }),
      cordon: { ...back, disarm: true },
      why: 'it booted v1.13.9, but should still run v1.13.8',
    },
    {
      name: 'is well with the release that was named',
      facts: runs({ version: 'v1.13.7' }),
      cordon: { ...back, to: 'v1.13.7' },
      why: undefined,
    },
    {
      name: 'is nothing else, where it was disarmed by a mark without a schematic',
      facts: runs({ version: 'v1.13.9' }),
      cordon: { why: 'upgrade', at: mark.at, back: true, release: 'v1.13.8', disarm: true },
      why: 'it booted v1.13.9, but should still run v1.13.8',
    },
    {
      name: 'is not asked by a mark that names no release',
      facts: runs(),
      cordon: { why: 'upgrade', at: mark.at, back: true, disarm: true },
      why: undefined,
    },
    {
      name: 'is what boots next, too',
      facts: runs(armedEntries),
      cordon: { ...back, disarm: true },
      why: 'it runs v1.13.8 (Talos-v1.13.8.efi), but its next boot starts Talos-v1.13.9.efi',
    },
    {
      name: 'is not asked by a mark of 0.1',
      facts: runs(),
      cordon: { why: 'upgrade', at: mark.at, back: true, release: 'v1.13.8' },
      why: undefined,
    },
  ])('$name', ({ facts, cordon, why }) => {
    expect(whyNotBack(facts, cordon)).toBe(why)
  })
})
