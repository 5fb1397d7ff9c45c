import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import { decideFallen, decideLeftover } from '../../../src/core/upgrade/leftovers.ts'
import { armedEntries, type NodeChoices, schematic, worker } from '../cluster/nodes.ts'
import { stepsOf, target } from './rollout.ts'

const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', schematic, bootId: 'boot-1' }
const installed: CordonMark = { ...mark, installer: 'succeeded' }
const rebooting: CordonMark = { ...mark, rebooting: true }
const carrying = (leftover: CordonMark, talos: NodeChoices['talos'] = {}, facts: object = {}) =>
  worker('w-1', { talos, kubernetes: { leftover, ...facts } })
const stepsFor = (node: Node) => stepsOf(decideLeftover([worker('w-0'), node]) ?? { kind: 'upgraded' })
const uncordon = { do: 'uncordon', node: 'w-1', why: 'upgrade' }

describe('of a node that somebody else has uncordoned', () => {
  test.each<{ name: string; node: Node; noted: CordonMark }>([
    { name: 'is installed, and was not booted', node: carrying(installed), noted: installed },
    { name: 'may be installed, while it is silent', node: carrying(installed, 'silent'), noted: installed },
    {
      name: 'is booting what was installed',
      node: carrying(rebooting, { bootId: 'boot-2', stage: 'booting' }),
      noted: rebooting,
    },
    { name: 'was ordered to reboot, and has not', node: carrying(rebooting), noted: rebooting },
  ])('what our mark says is kept, where it $name', ({ node, noted }) => {
    expect(stepsFor(node)).toEqual([{ do: 'note-staged', node: 'w-1', mark: noted }, uncordon])
  })

  test.each<{ name: string; node: Node }>([
    { name: 'was only cordoned', node: carrying(mark) },
    {
      name: 'has booted what was installed',
      node: carrying(installed, { bootId: 'boot-2', version: 'v1.13.9' }),
    },
    { name: 'was being rolled back', node: carrying({ ...installed, back: true }) },
    {
      name: 'carries a mark of 0.1 without a release',
      node: carrying({ why: 'upgrade', at: mark.at, bootId: 'boot-1' }),
    },
  ])('nothing is kept, where it $name', ({ node }) => {
    expect(stepsFor(node)).toEqual([uncordon])
  })

  test('that it booted its previous release is noted, with how often it was tried', () => {
    const attempts = { release: 'v1.13.9', count: 2, powercycled: true } as const
    const noted = { ...attempts, failure: 'rolled back to v1.13.8', rolledBack: true }
    expect(stepsFor(carrying(rebooting, { bootId: 'boot-2' }, { attempts }))).toEqual([
      { do: 'note-failure', node: 'w-1', attempts: noted },
      uncordon,
    ])
  })

  test('nothing is done where nobody left anything, or Kubernetes does not tell', () => {
    expect(decideLeftover([worker('w-0'), worker('w-1', { kubernetes: 'silent' })])).toBeUndefined()
  })
})

describe('a node that was armed for its window, and rebooted by something else', () => {
  const staged = (changed: Partial<CordonMark>, talos: NonNullable<NodeChoices['talos']>, facts: object = {}) =>
    worker('w-1', { talos, kubernetes: { staged: { ...installed, ...changed }, ...facts } })

  test('is given up where it came back with its previous release, and remembers its power cycle', () => {
    const attempts = { release: 'v1.13.9', count: 1, powercycled: true } as const
    const decision = decideFallen([worker('w-0'), staged({}, { bootId: 'boot-2' }, { attempts })], target)
    expect(decision).toMatchObject({
      nodes: [{ node: 'w-1', intent: 'give-up', reason: 'w-1 booted its previous release: rolled back to v1.13.8' }],
    })
    expect(stepsOf(decision!)).toEqual([
      {
        do: 'note-failure',
        node: 'w-1',
        attempts: { ...attempts, failure: 'rolled back to v1.13.8', rolledBack: true },
      },
    ])
  })

  test.each<{ name: string; node: Node }>([
    { name: 'is in the boot that it was armed in', node: staged({}, armedEntries) },
    { name: 'was armed with another release', node: staged({ release: 'v1.13.10' }, { bootId: 'boot-2' }) },
    { name: 'is not told of by Kubernetes', node: worker('w-1', { kubernetes: 'silent' }) },
  ])('is not where it $name', ({ node }) => {
    expect(decideFallen([node], target)).toBeUndefined()
  })
})
