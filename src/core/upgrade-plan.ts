import type { CordonMark, Node, TalosFacts } from './cluster.ts'
import { phase, type Plan } from './plan.ts'
import { hasLifecycleService } from './version.ts'
import type { Window } from './window.ts'

/** Durations in ms. */
export interface UpgradePolicy {
  readonly windows: readonly Window[]
  readonly timeZone: string
  readonly order: 'workers-first' | 'control-planes-first'
  /** So much of a window must be left for one more node. */
  readonly nodeTakes: number
  /** How long a node must have stayed healthy before the next one. */
  readonly settle: number
  readonly attempts: number
  readonly drain: number
  readonly install: number
  readonly reboot: number
}

export interface UpgradeTarget {
  readonly version: string
  /** The registry of the Image Factory: `factory.talos.dev`. */
  readonly registry: string
  /** The schematic's id that each node is to run. */
  schematicOf(node: string): string
  /** The official extensions in that schematic. */
  extensionsOf(node: string): readonly string[]
}

export interface AttemptAtHand {
  readonly count: number
  /** The installer has run already, and only the reboot is missing. */
  readonly installed?: boolean
}

/** Everything from the first pull to a node that has proven itself. */
export function upgradePlan(
  node: Node,
  target: UpgradeTarget,
  now: Date,
  policy: UpgradePolicy,
  { count, installed = false }: AttemptAtHand,
): Plan {
  if (!node.talos.ok) return []
  const { name } = node
  const facts = node.talos.value
  const { bootId } = facts
  const image = installerImage(facts, target, name)
  const schematic = target.schematicOf(name)
  const mark: CordonMark = { why: 'upgrade', at: now.toISOString(), release: target.version, schematic, bootId }
  const rebooting: CordonMark = { ...mark, rebooting: true }
  const close: Plan = [
    phase('close', { do: 'cordon', node: name, mark, attempts: { release: target.version, count }, within: 30_000 }),
    phase('empty', { do: 'drain', node: name, policy: {}, within: policy.drain }),
  ]
  const back = finishPlan(node, target, bootId, policy)
  const confirm = phase('confirm', { do: 'confirm', node: name })
  const reboot = phase('reboot', { do: 'reboot', node: name, bootId, mark: rebooting })
  if (installed) return [...close, confirm, reboot, ...back]
  if (!hasLifecycleService(facts.version)) {
    return [
      ...close,
      confirm,
      phase('install', {
        do: 'install-and-reboot',
        node: name,
        image,
        bootId,
        mark: rebooting,
        within: policy.install,
      }),
      ...back,
    ]
  }
  return [
    phase('fetch', { do: 'pull-image', node: name, image, within: policy.install }),
    ...close,
    confirm,
    phase('install', { do: 'install', node: name, image, within: policy.install }),
    confirm,
    reboot,
    ...back,
  ]
}

/** From the reboot on: what a crash or a power cut left to be done. */
export function finishPlan({ name, role }: Node, target: UpgradeTarget, bootId: string, policy: UpgradePolicy): Plan {
  return [
    phase('return', {
      do: 'await-upgraded',
      node: name,
      version: target.version,
      schematic: target.schematicOf(name),
      bootId,
      within: policy.reboot,
    }),
    ...(role === 'controlplane' ? [phase('etcd', { do: 'await-etcd', within: policy.reboot })] : []),
    // While our mark is still on it: a crash in here is followed by the same wait, and not by the next node.
    phase('settle', { do: 'settle', node: name, lasts: policy.settle }),
    phase('reopen', { do: 'uncordon', node: name, why: 'upgrade', forgetAttempts: true }),
  ]
}

/** Back into service as it is. */
export function reopenPlan({ name }: Node): Plan {
  return [phase('reopen', { do: 'uncordon', node: name, why: 'upgrade' })]
}

/**
 * `<registry>/<platform>-installer[-secureboot]/<schematic>:<version>`
 * (siderolabs/image-factory internal/frontend/http/registry.go). `<platform>-installer` exists from Talos 1.10 on.
 */
export function installerImage(
  facts: Pick<TalosFacts, 'platform' | 'secureBoot'>,
  target: UpgradeTarget,
  node: string,
): string {
  const flavour = facts.secureBoot ? 'installer-secureboot' : 'installer'
  return `${target.registry}/${facts.platform}-${flavour}/${target.schematicOf(node)}:${target.version}`
}
