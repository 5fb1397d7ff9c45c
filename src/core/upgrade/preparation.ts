import type { Node, TalosFacts } from '../cluster/cluster.ts'
import { phase, type Plan, type Step, type StopReason } from '../plan.ts'
import { hasLifecycleService } from '../version.ts'
import type { UpgradePolicy, UpgradeTarget } from './policy.ts'

/** What is done before the first node is touched. A failure here does not count against a node or the release. */

/** Nothing has started yet, so everything that stops a rollout stops it here. */
const beforeAll: readonly StopReason[] = ['failing-power', 'pause', 'abort']

/**
 * The images of all nodes to come: a registry that is away, or an image that isn't there, then costs nothing. Older Talos
 * has no call for it; there the upgrade's own call pulls first.
 */
export function pullPlan(nodes: readonly Node[], target: UpgradeTarget, policy: UpgradePolicy): Plan {
  const steps = nodes.flatMap((node): Step[] =>
    node.talos.ok && hasLifecycleService(node.talos.value.version) && !isDiskless(node.name, target)
      ? [
          {
            do: 'pull-image',
            node: node.name,
            image: installerImage(node.talos.value, target, node.name),
            within: policy.installTimeout,
          },
        ]
      : [],
  )
  return steps.length > 0 ? [phase('pull-images', beforeAll, ...steps)] : []
}

/** Whether it boots from the network each time, and has nothing to install. */
export function isDiskless(node: string, target: Pick<UpgradeTarget, 'networkBootOf' | 'version'>): boolean {
  return target.networkBootOf?.(node, target.version) !== undefined
}

/** etcd's data on our disk, before the first control plane goes. */
export function snapshotPlan(
  { name, role }: Node,
  { version }: UpgradeTarget,
  { snapshotted }: { readonly snapshotted: boolean },
  { installTimeout: install }: UpgradePolicy,
): Plan {
  if (role === 'worker' || snapshotted) return []
  return [phase('snapshot-etcd', beforeAll, { do: 'snapshot-etcd', node: name, release: version, within: install })]
}

/**
 * `<registry>/<platform>-installer[-secureboot]/<schematic>:<version>`
 * (siderolabs/image-factory internal/frontend/http/registry.go). `<platform>-installer` exists from Talos 1.10 on.
 */
export function installerImage(
  facts: Pick<TalosFacts, 'platform' | 'secureBoot'>,
  target: Pick<UpgradeTarget, 'version' | 'registry' | 'schematicOf'>,
  node: string,
): string {
  const flavour = facts.secureBoot ? 'installer-secureboot' : 'installer'
  return `${target.registry}/${facts.platform}-${flavour}/${target.schematicOf(node)}:${target.version}`
}
