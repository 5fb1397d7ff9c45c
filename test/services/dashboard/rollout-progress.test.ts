import { expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import type { Rollout, RolloutNode } from '../../../src/core/upgrade/record.ts'
import { rolloutOf, rolloutView } from '../../../src/services/dashboard/overview/rollout.ts'
import { controlPlane, worker } from '../../core/cluster/nodes.ts'
import { at, textOf } from './drawn.ts'

const minute = 60_000
const release = 'v1.14.1'
const now = new Date(Date.parse(at) + 3 * minute)
const on = (version: string) => ({ talos: { version } })

const upgraded = (role: RolloutNode['role'], minutes: number): RolloutNode => ({
  role,
  from: 'v1.13.8',
  startedAt: at,
  endedAt: at,
  outcome: 'upgraded',
  failures: [],
  tookMs: minutes * minute,
  phases: {},
})
const begun = (role: RolloutNode['role']): RolloutNode => ({
  role,
  from: 'v1.13.8',
  startedAt: at,
  failures: [],
  phases: {},
})
const past: Rollout = {
  id: 'past',
  release: 'v1.13.8',
  startedAt: at,
  endedAt: at,
  outcome: 'done',
  nodes: { 'w-1': upgraded('worker', 5) },
}
const open = (nodes: Rollout['nodes'] = {}): Rollout => ({ id: 'open', release, startedAt: at, nodes })

function progress(rollouts: readonly Rollout[], nodes: readonly Node[]) {
  const history = ({ limit }: { readonly limit: number }) => ({ items: rollouts.slice(0, limit) })
  return rolloutOf({ rollouts: { history } } as never, { cluster: { nodes } } as never, now)
}

test.each([
  {
    where: 'no rollout is on record',
    rollouts: [],
    nodes: [worker('w-1')],
    is: undefined,
  },
  { where: 'the newest has ended', rollouts: [past], nodes: [worker('w-1')], is: undefined },
  { where: 'nothing is known of nodes', rollouts: [open()], nodes: [], is: undefined },
  {
    where: 'nodes of the role took five minutes before',
    rollouts: [open(), past],
    nodes: [worker('w-1', on(release)), worker('w-2'), worker('w-3')],
    is: { release, done: 1, total: 3, leftMs: 10 * minute },
  },
  {
    where: 'a node has been under way for three of its five minutes',
    rollouts: [open({ 'w-2': begun('worker') }), past],
    nodes: [worker('w-1', on(release)), worker('w-2'), worker('w-3')],
    is: { release, done: 1, total: 3, leftMs: 7 * minute },
  },
  {
    where: 'a node takes longer than ever',
    rollouts: [open({ 'w-1': begun('worker') }), { ...past, nodes: { 'w-1': upgraded('worker', 1) } }],
    nodes: [worker('w-1', { talos: 'silent' })],
    is: { release, done: 0, total: 1, leftMs: 0 },
  },
  {
    where: 'no control plane was upgraded yet',
    rollouts: [open(), past],
    nodes: [worker('w-1'), controlPlane('cp-1', ['cp-1'])],
    is: { release, done: 0, total: 2, leftMs: undefined },
  },
])('how far a rollout is, where $where', ({ rollouts, nodes, is }) => expect(progress(rollouts, nodes)).toEqual(is))

test.each([
  { leftMs: 14 * minute, says: 'runs on 2 of 5 nodes, about 14 min to go' },
  { leftMs: undefined, says: 'runs on 2 of 5 nodes' },
  { leftMs: 0, says: 'runs on 2 of 5 nodes' },
])('it is said in words and as a bar: $says', async ({ leftMs, says }) => {
  const text = await textOf(rolloutView({ release, done: 2, total: 5, leftMs }))
  const words = text
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  expect(words).toBe(`${release} ${says}`)
  expect(text).toContain(`<progress value="2" max="5" aria-label="Rollout of ${release}">`)
})
