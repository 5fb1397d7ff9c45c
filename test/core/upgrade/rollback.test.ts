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
const notKnown = 'what cp-1 would go back to is not known, so neither is whether its etcd could'

describe('whether the etcd of a control plane could read its data after a rollback', () => {
  test.each<[string, Node, string | undefined]>([
    ['is no question of one that is armed: it only boots what it runs', member(armedEntries), undefined],
    [
      'is no question of one that is armed by our mark alone',
      member(grub, { ...mark, installer: 'succeeded' }),
      undefined,
    ],
    [
      'is one where the installer may have failed, and the other entry be an older release',
      member(grub, { ...mark, installer: 'started' }),
      notKnown,
    ],
    ['is one where an upgrade is staged, which a rollback does not take away', member({ staged: true }), notKnown],
    ['is one of a node that is not armed', member({}), notKnown],
  ])('%s', (_, node, barrier) => {
    expect(barrierOf(node, undefined)).toBe(barrier)
  })
})

describe('what the other boot entry of a node holds', () => {
  const back = { ...mark, back: true, from: undefined } as unknown as CordonMark
  test.each<[string, CordonMark | undefined, string, string | undefined]>([
    ['is what it came from, once it has left that boot', mark, 'boot-2', 'v1.13.8'],
    ['is not known by a mark of the boot that runs', mark, 'boot-1', undefined],
    ['is not known without a mark', undefined, 'boot-2', undefined],
    ['is what it was to run, where its disarming failed', { ...back, disarm: true }, 'boot-2', 'v1.13.9'],
    ['is what it was to go back to, where that failed', { ...back, to: 'v1.13.8' }, 'boot-2', 'v1.13.8'],
  ])('%s', (_, cordon, bootId, release) => {
    expect(cameFrom(member({ bootId }, cordon))).toBe(release)
  })
})

describe('what a node comes back with after a rollback', () => {
  const runs = (facts: Partial<TalosFacts> = {}): TalosFacts => {
    const { talos } = worker('w-1', { talos: facts })
    return talos.ok ? talos.value : (undefined as never)
  }
  const back: CordonMark = { why: 'upgrade', at: mark.at, back: true, release: 'v1.13.8', schematic, bootId: 'boot-0' }
  test.each<[string, TalosFacts, CordonMark, string | undefined]>([
    ['is well with any other release', runs({ version: 'v1.13.7' }), back, undefined],
    ['is well with another schematic of the release', runs({ schematic: 'f'.repeat(64) }), back, undefined],
    ['is not what it was to leave', runs(), back, 'it came back with v1.13.8 once more'],
    [
      'is the release that was named',
      runs({ version: 'v1.13.6' }),
      { ...back, to: 'v1.13.7' },
      'it came back with v1.13.6, and not with v1.13.7',
    ],
    ['is well with what it ran, where it was disarmed', runs(), { ...back, disarm: true }, undefined],
    [
      'is nothing else, where it was disarmed',
      runs({ version: 'v1.13.9' }),
      { ...back, disarm: true },
      'it came back with v1.13.9, and should run v1.13.8 as before',
    ],
    [
      'is what boots next, too',
      runs(armedEntries),
      { ...back, disarm: true },
      'it runs v1.13.8 (Talos-v1.13.8.efi), and its next boot starts Talos-v1.13.9.efi',
    ],
    [
      'is not asked by a mark of 0.1',
      runs(),
      { why: 'upgrade', at: mark.at, back: true, release: 'v1.13.8' },
      undefined,
    ],
  ])('%s', (_, facts, cordon, why) => {
    expect(whyNotBack(facts, cordon)).toBe(why)
  })
})
