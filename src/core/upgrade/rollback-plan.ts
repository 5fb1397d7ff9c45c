import type { CordonMark, Node, TalosFacts } from '../cluster/cluster.ts'
import { installerOf, isArmed } from '../cluster/next-boot.ts'
import { bestEffort, phase, type Plan, type StopReason } from '../plan.ts'
import { etcdPlan, idOf, machineOf, type Planning, publishAndReboot } from './plan.ts'
import { drainPolicyOf, type NetworkBoot, type UpgradePolicy } from './policy.ts'

/** A person requests it, so only a failing battery stops it: a node that reboots on battery may not come back. */
const beforeReboot: readonly StopReason[] = ['failing-power']
const unstoppable: readonly StopReason[] = []

interface Back {
  readonly to?: string | undefined
  readonly force: boolean
  /** Of a node without an installation: what the share is to serve it. */
  readonly boot?: NetworkBoot | undefined
}

/**
 * Back to the release before, by the other boot entry; the node reboots, so its pods go first as far as they will. On an
 * armed node this only undoes what was installed.
 */
export function rollbackPlan(node: Node, { to, force, boot }: Back, { now, policy }: Omit<Planning, 'target'>): Plan {
  if (!node.talos.ok) return []
  const { name } = node
  const { bootId, stage } = node.talos.value
  const mark: CordonMark = {
    ...markForRollback(node, node.talos.value, to, now),
    ...(boot ? idOf(node.talos.value, true) : {}),
  }
  const rebootable = { node: name, machine: machineOf(node, node.talos.value), bootId }
  const limits = { force, twoMembers: policy.twoMembers }
  const cordon = phase('cordon', beforeReboot, { do: 'cordon', node: name, mark, within: 30_000 })
  const drain = { do: 'drain', node: name, policy: drainPolicyOf(policy), within: policy.drainTimeout } as const
  return [
    // A node that hangs in its boot may have taken the API server with it.
    stage === 'running' ? cordon : bestEffort(cordon),
    bestEffort(phase('drain', beforeReboot, drain)),
    ...(boot
      ? publishAndReboot(boot, { ...rebootable, mark: { ...mark, rebooting: true } }, beforeReboot)
      : [
          phase('rollback', beforeReboot, {
            do: 'roll-back',
            ...rebootable,
            ...limits,
            mark: { ...mark, rebooting: true },
          }),
        ]),
    ...finishRollbackPlan(node, mark, policy),
  ]
}

function markForRollback(node: Node, facts: TalosFacts, to: string | undefined, now: Date): CordonMark {
  const { version, schematic, bootId, machineId } = facts
  const installer = installerOf(node)
  return {
    why: 'upgrade',
    back: true,
    at: now.toISOString(),
    release: version,
    bootId,
    ...(schematic === undefined ? {} : { schematic }),
    ...(machineId === undefined ? {} : { machineId }),
    ...(isArmed(node) ? { disarm: true as const } : to === undefined ? {} : { to }),
    // Where the boot loader does not report, nothing else shows that it is armed until the rollback is ordered.
    ...(installer === undefined ? {} : { installer }),
  }
}

/** From the reboot on. */
export function finishRollbackPlan({ name, role }: Node, mark: CordonMark, policy: UpgradePolicy): Plan {
  return [
    phase('verify-boot', unstoppable, {
      do: 'await-rolled-back',
      node: name,
      bootId: mark.bootId ?? '',
      mark,
      within: policy.rebootTimeout,
    }),
    ...etcdPlan(role, policy),
    // Staged releases and attempts are forgotten: a person has rolled the node back.
    phase('uncordon', unstoppable, { do: 'uncordon', node: name, why: 'upgrade', forgetAttempts: true }),
  ]
}
