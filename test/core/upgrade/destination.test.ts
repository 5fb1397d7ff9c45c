import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import type { TargetDecision } from '../../../src/core/release/target.ts'
import { destinationOf } from '../../../src/core/upgrade/destination.ts'
import { clusterOf, type NodeChoices, worker } from '../cluster/nodes.ts'

const soaksUntil = Date.parse('2026-03-09T03:00:00Z')
const wanted: TargetDecision = { kind: 'target', version: 'v1.14.1', reason: 'the newest patch of 1.14' }
const current: TargetDecision = { kind: 'current', reason: 'v1.13.9 is the newest' }
const soaking: TargetDecision = { kind: 'wait', version: 'v1.14.1', reason: 'it soaks for 7 d', until: soaksUntil }
const around = { ownNode: undefined, withdrawn: [] }
const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' }
const armed = { defaultEntry: 'Talos-v1.13.9.efi' } as const
const carrying = (cordon: CordonMark, talos: NodeChoices['talos'] = {}) =>
  worker('w-2', { talos, kubernetes: { unschedulable: true, cordon } })
const running = (...versions: readonly string[]) =>
  versions.map((version, at) => worker(`w-${at + 1}`, { talos: { version } }))

describe('what has begun with another release than the one that is wanted now', () => {
  test.each<{ name: string; node: Node; version: string }>([
    { name: 'is finished once the node is armed', node: carrying(mark, armed), version: 'v1.13.9' },
    {
      name: 'is finished once the node was ordered to reboot',
      node: carrying({ ...mark, rebooting: true }),
      version: 'v1.13.9',
    },
    { name: 'is finished where the node runs it', node: carrying(mark, { version: 'v1.13.9' }), version: 'v1.13.9' },
    {
      name: 'is finished while the node is silent, as it may run it',
      node: carrying(mark, 'silent'),
      version: 'v1.13.9',
    },
    { name: 'is let go where the node is only cordoned', node: carrying(mark), version: 'v1.14.1' },
    {
      name: 'is let go where the node is on its way back from it',
      node: carrying({ ...mark, back: true, rebooting: true }, armed),
      version: 'v1.14.1',
    },
    {
      name: 'is no rollout where the power has cordoned the node',
      node: carrying({ ...mark, why: 'power', rebooting: true }),
      version: 'v1.14.1',
    },
    {
      name: 'is not known by a mark that names no release',
      node: carrying({ why: 'upgrade', at: mark.at, bootId: 'boot-1', rebooting: true }),
      version: 'v1.14.1',
    },
    {
      name: 'is not known where Kubernetes is silent',
      node: worker('w-2', { talos: armed, kubernetes: 'silent' }),
      version: 'v1.14.1',
    },
  ])('$name', ({ node, version }) => {
    expect(destinationOf(clusterOf(worker('w-1'), node, worker('w-3')), wanted, around)).toStrictEqual({ version })
  })
})

test('a mark that names no release hides none that does', () => {
  const former = worker('w-0', {
    kubernetes: { unschedulable: true, cordon: { why: 'upgrade', at: mark.at, bootId: 'boot-1', rebooting: true } },
  })
  expect(destinationOf(clusterOf(former, carrying(mark, armed)), wanted, around)).toEqual({ version: 'v1.13.9' })
})

describe('without a release to go to', () => {
  const to = (
    nodes: readonly Node[],
    release: TargetDecision,
    changed: Partial<Parameters<typeof destinationOf>[2]> = {},
  ) => destinationOf(clusterOf(...nodes), release, { ...around, ...changed })

  test('nodes that all run one stay at it, and may get another schematic', () => {
    for (const release of [current, soaking])
      expect(to(running('v1.13.9', 'v1.13.9'), release)).toStrictEqual({ version: 'v1.13.9' })
  })

  test('nothing is known where no node answers', () => {
    expect(to([worker('w-1', { talos: 'silent' })], current)).toStrictEqual({ version: undefined })
  })

  test('nodes that run several are not brought to the newest of them, and what is waited for is said', () => {
    const nodes = running('v1.13.10', 'v1.13.8', 'v1.13.9')
    expect(to(nodes, current)).toStrictEqual({
      version: 'v1.13.10',
      hold: { gate: 'release', reason: 'v1.13.9 is the newest' },
    })
    expect(to(nodes, soaking)).toStrictEqual({
      version: 'v1.13.10',
      hold: { gate: 'release', reason: 'v1.14.1: it soaks for 7 d', until: new Date(soaksUntil) },
    })
    expect(to(nodes, { kind: 'wait', version: 'v1.14.1', reason: 'it is not allowed' })).toStrictEqual({
      version: 'v1.13.10',
      hold: { gate: 'release', reason: 'v1.14.1: it is not allowed' },
    })
  })

  test('that a person has aborted it counts more than what is waited for', () => {
    expect(to(running('v1.13.8', 'v1.13.9'), soaking, { aborted: { release: 'v1.13.9' } })).toStrictEqual({
      version: 'v1.13.9',
      hold: {
        gate: 'aborted',
        reason: 'the rollout of v1.13.9 was aborted: start it again with `caretaker rollout start`',
      },
    })
    expect(to(running('v1.13.9'), soaking, { aborted: { release: 'v1.13.9' } })).toStrictEqual({ version: 'v1.13.9' })
  })

  test('a withdrawn release is no goal, where nodes run others', () => {
    expect(to(running('v1.13.9', 'v1.13.8'), current, { withdrawn: ['v1.13.9'] })).toStrictEqual({ version: 'v1.13.8' })
  })

  test('no more nodes are brought to a withdrawn release, where nodes run nothing else', () => {
    expect(to(running('v1.13.8', 'v1.13.9'), current, { withdrawn: ['v1.13.8', 'v1.13.9'] })).toStrictEqual({
      version: 'v1.13.9',
      hold: {
        gate: 'release',
        reason: 'v1.13.9 was withdrawn by the Image Factory: no more nodes are upgraded to it',
      },
    })
  })

  test('the newest of several that are withdrawn is named', () => {
    const withdrawn = ['v1.13.7', 'v1.13.8', 'v1.13.9']
    for (const versions of [withdrawn, ['v1.13.9']])
      expect(to(running(...versions), current, { withdrawn })).toMatchObject({
        version: 'v1.13.9',
        hold: { reason: expect.stringMatching(/^v1\.13\.9 was withdrawn/) as string },
      })
  })

  test('the machine that the agent runs on does not count', () => {
    expect(to(running('v1.13.9', 'v1.13.8'), current, { ownNode: 'w-2' })).toStrictEqual({ version: 'v1.13.9' })
  })
})
