import { describe, expect, test } from 'vitest'
import type { Cluster, CordonMark } from '../../src/core/cluster/cluster.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { startPower } from '../../src/core/power/state.ts'
import type { UpgradePreview } from '../../src/core/upgrade/preview.ts'
import { previewUpgrade } from '../../src/operations/preview-upgrade.ts'
import { armedEntries, clusterOf, controlPlanes, type NodeChoices, schematic, worker } from '../core/cluster/nodes.ts'
import { calm, outline, summary } from '../core/upgrade/rollout.ts'
import { outageOf } from '../core/power/outages.ts'
import { onBattery, type Situation, upgradeContext } from './upgrading.ts'

const outage = outageOf(calm.now, ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))

async function look(cluster: Cluster, situation?: Situation): Promise<UpgradePreview> {
  return previewUpgrade(await upgradeContext(cluster, situation))
}

const withW1 = (choices: NodeChoices = {}) => clusterOf(...controlPlanes({}), worker('w-1', choices))
const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', schematic, bootId: 'boot-1' }
const marked = (talos: NodeChoices['talos'] = {}, changed: Partial<CordonMark> = {}) =>
  withW1({ talos, kubernetes: { unschedulable: true, cordon: { ...mark, ...changed } } })

describe('what comes next', () => {
  const paused = 'wait: upgrade.enabled is false'
  const recovering = (stage: Outage['stage']) => `wait: the cluster is still recovering from a power cut (${stage})`
  const unheard = 'wait: the UPS has not answered yet'
  const silent = clusterOf(...controlPlanes({ talos: 'silent' }), worker('w-1', { talos: 'silent' }))
  const close = ['cordon: cordon w-1', 'drain: drain w-1', 'confirm: confirm that w-1 may go down']
  const rebootOnly = [
    ...close,
    'reboot: reboot w-1',
    'verify-boot: wait until w-1 is upgraded',
    'settle: wait for w-1 to settle',
    'uncordon: uncordon w-1',
  ]
  const whole = [
    'pull-images: pull v1.13.9 on w-1, pull v1.13.9 on cp-1',
    ...close,
    'install: install v1.13.9 on w-1',
    ...rebootOnly.slice(2),
  ]
  const disabled: Situation = { upgrade: { enabled: false } }
  test.each<{ name: string; cluster: Cluster; situation?: Situation; expected: string; phases: string[] }>([
    { name: 'is the next node', cluster: withW1(), expected: 'go w-1', phases: whole },
    {
      name: 'is to wait for its image',
      cluster: withW1(),
      situation: { staged: false },
      expected: 'wait: v1.13.9 is not staged on the share yet',
      phases: [],
    },
    {
      name: 'is no image that what has begun would wait for',
      cluster: marked(),
      situation: { staged: false },
      expected: 'go w-1',
      phases: ['pull-images: pull v1.13.9 on w-1', ...whole.slice(1)],
    },

    {
      name: 'is to wait while nodes are drained',
      cluster: withW1(),
      situation: { outage },
      expected: recovering('draining'),
      phases: [],
    },
    {
      name: 'is to wait while the cluster is down',
      cluster: silent,
      situation: { outage: { ...outage, stage: 'stopped' } },
      expected: recovering('stopped'),
      phases: [],
    },
    {
      name: 'is to wait while it wakes, even with our mark on a node',
      cluster: marked(),
      situation: { outage: { ...outage, stage: 'waking' } },
      expected: recovering('waking'),
      phases: [],
    },
    {
      name: 'is to wait, even for an armed node',
      cluster: marked({ ...armedEntries }),
      situation: { outage: { ...outage, stage: 'stopping' } },
      expected: recovering('stopping'),
      phases: [],
    },
    {
      name: 'is to wait, even with a leftover of ours',
      cluster: withW1({ kubernetes: { leftover: mark } }),
      situation: { outage },
      expected: recovering('draining'),
      phases: [],
    },
    {
      name: 'is to wait for the end of the outage, and not for the UPS',
      cluster: withW1(),
      situation: { outage, power: startPower(0, { openOutage: true }) },
      expected: recovering('draining'),
      phases: [],
    },
    {
      name: 'is as ever once an outage is over',
      cluster: withW1(),
      situation: { outage: { ...outage, stage: 'over' } },
      expected: 'go w-1',
      phases: whole,
    },

    {
      name: 'is to wait for the first word of the UPS',
      cluster: withW1(),
      situation: { power: startPower(0) },
      expected: unheard,
      phases: [],
    },
    {
      name: 'is to wait for it before a node is uncordoned',
      cluster: marked(),
      situation: { power: startPower(0) },
      expected: unheard,
      phases: [],
    },
    {
      name: 'is to uncordon it once battery is known',
      cluster: marked(),
      situation: { power: onBattery },
      expected: 'go w-1',
      phases: ['uncordon: uncordon w-1'],
    },

    {
      name: 'is nothing where upgrades are not enabled',
      cluster: withW1(),
      situation: disabled,
      expected: paused,
      phases: [],
    },
    {
      name: 'is to uncordon what is only cordoned there',
      cluster: marked(),
      situation: disabled,
      expected: 'go w-1',
      phases: ['uncordon: uncordon w-1'],
    },
    {
      name: 'is to finish there what is armed',
      cluster: marked({ ...armedEntries }),
      situation: disabled,
      expected: 'go w-1',
      phases: rebootOnly,
    },
    {
      name: 'is nothing during a pause',
      cluster: withW1(),
      situation: { paused: 'paused by me' },
      expected: 'wait: paused by me',
      phases: [],
    },
  ])('$name', async ({ cluster, situation = {}, expected, phases }) => {
    const { decision } = await look(cluster, situation)
    expect(summary(decision)).toBe(expected)
    expect(outline(decision)).toEqual(phases)
  })
})

describe('the release that nodes are brought to, when one carries the mark of another', () => {
  const other = { release: 'v1.13.10' }
  const power: CordonMark = { why: 'power', at: mark.at }
  test.each<{ name: string; cluster: Cluster; version: string }>([
    { name: 'is that of the policy, where the node is only cordoned', cluster: marked({}, other), version: 'v1.13.9' },
    {
      name: 'is that of the policy, where the node is cordoned and ill',
      cluster: marked({ ready: false }, other),
      version: 'v1.13.9',
    },
    {
      name: 'is that of the policy, where the cordon is for the power',
      cluster: withW1({ kubernetes: { unschedulable: true, cordon: power } }),
      version: 'v1.13.9',
    },
    {
      name: 'is that of the mark, where it is installed',
      cluster: marked({ ...armedEntries }, other),
      version: 'v1.13.10',
    },
    {
      name: 'is that of the mark, where the node reboots',
      cluster: marked({ stage: 'rebooting' }, { ...other, rebooting: true }),
      version: 'v1.13.10',
    },
    { name: 'is that of the mark, where the node is silent', cluster: marked('silent', other), version: 'v1.13.10' },
    {
      name: 'is that of the mark, where the node runs it',
      cluster: marked({ version: 'v1.13.10', bootId: 'boot-2' }, other),
      version: 'v1.13.10',
    },
    {
      name: 'is that of the policy, where the mark is a leftover',
      cluster: withW1({ kubernetes: { leftover: mark } }),
      version: 'v1.13.9',
    },
  ])('$name', async ({ cluster, version }) => {
    expect((await look(cluster)).version).toBe(version)
  })
})

test('a volume with more replicas than nodes holds nothing up when it is accepted, and is told of', async () => {
  const text = 'longhorn volume pvc-1 (media/films) is degraded'
  const unwell = [{ name: 'pvc-1', alias: 'media/films', text, endangers: 'redundancy' }] as const
  expect(summary((await look(withW1(), { unwell })).decision)).toBe(`wait: storage is not healthy: ${text}`)
  const accept = [{ name: 'media/films', until: '2026-03-07', reason: 'two nodes' }]
  const { decision, warnings } = await look(withW1(), { unwell, accept })
  expect([summary(decision), warnings]).toEqual([
    'go w-1',
    [`accepted until 2026-03-07 23:59 UTC (two nodes): ${text}`],
  ])
})

const reason =
  'the rollout of v1.13.9 was aborted by admin@nas (unverified): start it again with `caretaker rollout start`'
const lagging = clusterOf(...controlPlanes({ talos: { version: 'v1.13.7' } }), worker('w-1', {}))

test.each<{ name: string; cluster?: Cluster; situation?: Situation; shows: object }>([
  { name: 'where every node runs the same', shows: { decision: { kind: 'upgraded' }, held: [reason] } },
  { name: 'where some lag', cluster: lagging, shows: { decision: { kind: 'wait', reason }, held: [reason] } },
  {
    name: 'beside a pause, which is named, too',
    situation: { paused: 'paused: guests' },
    shows: { held: ['rollouts are paused: guests', reason] },
  },
  { name: 'not where it is another release', situation: { aborted: 'v1.13.7' }, shows: { held: [] } },
])('a release that soaks and is aborted does not come, which the plan says: $name', async (one) => {
  const { cluster = withW1(), situation = {}, shows } = one
  expect(await look(cluster, { upgrade: { soak: '7d' }, aborted: 'v1.13.9', ...situation })).toMatchObject(shows)
})
