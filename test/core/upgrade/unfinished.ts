import type { CordonMark, KubernetesFacts, Node, TalosFacts } from '../../../src/core/cluster/cluster.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import { clusterOf, worker } from '../cluster/nodes.ts'
import { calm, policy, target } from './rollout.ts'

export const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' }
export const rebooting: CordonMark = { ...mark, rebooting: true }
export const reached = { version: 'v1.13.9' }

/** A worker that carries our mark. */
export const unfinished = (
  cordon: CordonMark,
  talos: Partial<TalosFacts> | 'silent' = {},
  facts: Partial<KubernetesFacts> = {},
) => worker('w-2', { talos, kubernetes: { unschedulable: true, cordon, ...facts } })
export const decide = (node: Node, circumstances: Partial<Circumstances> = {}, ...others: Node[]) =>
  decideUpgrade(clusterOf(worker('w-1'), node, ...others), target, { ...calm, ...circumstances }, policy)

export const finish = [
  'verify-boot: wait until w-2 is upgraded',
  'settle: wait for w-2 to settle',
  'uncordon: uncordon w-2',
]
export const rebootOnly = [
  'cordon: cordon w-2',
  'drain: drain w-2',
  'confirm: confirm that w-2 may go down',
  'reboot: reboot w-2',
  ...finish,
]
export const uncordonOnly = ['uncordon: uncordon w-2']
export const noteAndUncordon = ['annotate: record the failure on w-2', ...uncordonOnly]
