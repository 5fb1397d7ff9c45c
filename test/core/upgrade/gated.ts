import { type Node, observed } from '../../../src/core/cluster/cluster.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import type { UpgradePolicy, UpgradeTarget } from '../../../src/core/upgrade/policy.ts'
import { clusterOf, controlPlanes, type NodeChoices } from '../cluster/nodes.ts'
import { calm, policy, target } from './rollout.ts'

export const three = (choice: NodeChoices = {}) => controlPlanes({}, choice, {})
export const decide = (
  nodes: readonly Node[],
  circumstances: Partial<Circumstances> = {},
  changed: Partial<UpgradePolicy> = {},
  goal: Partial<UpgradeTarget> = {},
) =>
  decideUpgrade(clusterOf(...nodes), { ...target, ...goal }, { ...calm, ...circumstances }, { ...policy, ...changed })
export const at = (iso: string) => new Date(iso)
export const saturday = [{ days: ['sat'], from: '02:00', to: '06:00' }] as const

export type Row = {
  name: string
  nodes?: readonly Node[]
  circumstances?: Partial<Circumstances>
  changed?: Partial<UpgradePolicy>
  expected: string
}

export function upgraded(nodes: readonly Node[]): Node[] {
  return nodes.map((node) =>
    node.talos.ok ? { ...node, talos: observed({ ...node.talos.value, version: 'v1.13.9' }) } : node,
  )
}
