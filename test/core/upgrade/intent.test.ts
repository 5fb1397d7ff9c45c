import { expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import type { Intent } from '../../../src/core/upgrade/decision.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import type { UpgradePolicy } from '../../../src/core/upgrade/policy.ts'
import { armedEntries, clusterOf, type NodeChoices, worker } from '../cluster/nodes.ts'
import { calm, policy, target } from './rollout.ts'

const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' }
const rebooting: CordonMark = { ...mark, rebooting: true }
const back: CordonMark = { ...rebooting, back: true, disarm: true, release: 'v1.13.8' }

/** A worker that carries our mark. */
function marked(
  cordon: CordonMark,
  talos: NodeChoices['talos'] = {},
  kubernetes: NodeChoices['kubernetes'] = {},
): Node {
  return worker('w-1', { talos, kubernetes: { unschedulable: true, cordon, ...(kubernetes as object) } })
}
const rollback = { node: 'w-1', bootId: 'boot-1', force: false }
const failed = { release: 'v1.13.9', count: 2, failure: 'it does not boot' }

interface Case {
  readonly node: Node
  readonly is: string
  readonly intent: Intent
  readonly others?: readonly Node[]
  readonly circumstances?: Partial<Circumstances>
  readonly changed?: Partial<UpgradePolicy>
}

test.each<Case>([
  { is: 'runs an older release', node: worker('w-1'), intent: 'upgrade' },
  { is: 'was cordoned by an agent that crashed', node: marked(mark), intent: 'upgrade' },
  { is: 'failed once', node: marked(mark, {}, { attempts: { ...failed, count: 1 } }), intent: 'upgrade' },
  { is: 'was installed, and not rebooted', node: marked(mark, { ...armedEntries }), intent: 'upgrade' },
  { is: 'is rebooting', node: marked(rebooting, 'silent'), intent: 'resume' },
  {
    is: 'has booted the release',
    node: marked(rebooting, { version: 'v1.13.9', bootId: 'boot-2' }),
    intent: 'resume',
  },
  {
    is: 'has a window to wait for, with mode: staged',
    node: worker('w-1'),
    intent: 'stage',
    changed: { mode: 'staged', windows: [{ days: ['wed'], from: '02:00', to: '06:00' }] },
  },
  { is: 'a person wants back', node: worker('w-1'), intent: 'rollback', circumstances: { rollbacks: [rollback] } },
  {
    is: 'is rebooting into what it came from',
    node: marked(back, 'silent'),
    intent: 'rollback',
    circumstances: { rollbacks: [rollback] },
  },
  {
    is: 'has gone back, and nobody asks for it any more',
    node: marked(back, { bootId: 'boot-2' }),
    intent: 'rollback',
  },
  {
    is: 'was to go back, and did not',
    node: marked({ ...mark, back: true, disarm: true, release: 'v1.13.8' }),
    intent: 'release',
  },
  {
    is: 'is only cordoned when a person pauses',
    node: marked(mark),
    intent: 'release',
    circumstances: { paused: 'by me' },
  },
  { is: 'runs the release already', node: marked(mark, { version: 'v1.13.9' }), intent: 'release' },
  {
    is: 'somebody else has uncordoned',
    node: worker('w-1', { kubernetes: { leftover: mark } }),
    intent: 'release',
  },
  {
    is: 'somebody else has uncordoned after it was installed',
    node: worker('w-1', { kubernetes: { leftover: { ...mark, installer: 'succeeded' } } }),
    intent: 'release',
  },
  { is: 'failed twice', node: marked(mark, {}, { attempts: failed }), intent: 'give-up' },
  { is: 'booted its previous release', node: marked(rebooting, { bootId: 'boot-2' }), intent: 'give-up' },
  {
    is: 'somebody else has uncordoned after it booted its previous release',
    node: worker('w-1', { talos: { bootId: 'boot-2' }, kubernetes: { leftover: rebooting } }),
    intent: 'give-up',
  },
  {
    is: 'was armed for its window, and booted its previous release',
    node: worker('w-1', { talos: { bootId: 'boot-2' }, kubernetes: { staged: { ...rebooting, release: 'v1.13.9' } } }),
    intent: 'give-up',
  },
])('the intent with a node that $is is to $intent', ({ node, intent, circumstances, changed }) => {
  const decision = decideUpgrade(clusterOf(node), target, { ...calm, ...circumstances }, { ...policy, ...changed })
  expect(decision).toMatchObject({ kind: 'go', nodes: [{ node: 'w-1', intent }] })
})

test('a node that is only cordoned is released, so that pods of one that is to go back find a place', () => {
  const nodes = [worker('w-2'), marked(mark)]
  const circumstances = { ...calm, rollbacks: [{ ...rollback, node: 'w-2' }] }
  expect(decideUpgrade(clusterOf(...nodes), target, circumstances, policy)).toMatchObject({
    nodes: [{ node: 'w-1', intent: 'release' }],
  })
})
