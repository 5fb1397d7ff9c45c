import type { CordonMark, Node, TalosFacts } from '../cluster/cluster.ts'
import { leadsEtcd } from '../cluster/etcd.ts'
import type { ExpectedMachine } from '../cluster/identity.ts'
import { bestEffort, phase, type Phase, type Plan, type Step, type StopReason } from '../plan.ts'
import { hasLifecycleService } from '../version.ts'
import { drainPolicyOf, type NetworkBoot, type UpgradePolicy, type UpgradeTarget } from './policy.ts'
import { installerImage, isDiskless } from './preparation.ts'

/** What plans for one node are made from. */
export interface Planning {
  readonly target: UpgradeTarget
  readonly policy: UpgradePolicy
  readonly now: Date
}

export interface AttemptAtHand {
  readonly count: number
  /** The one retry through the firmware after the node booted its previous release. */
  readonly powercycled?: boolean
  /** The installer has run already, and only the reboot is missing. */
  readonly installed?: boolean
}

/** Until the installer runs the node can be uncordoned as it is, so everything stops it. */
const beforeInstall: readonly StopReason[] = ['failing-power', 'pause', 'abort', 'rollback-request']
/** An installed upgrade is finished even while paused: only an unsafe or unwanted reboot stops it. */
const beforeReboot: readonly StopReason[] = ['failing-power', 'rollback-request']
/** From the reboot on nothing stops it: there is nothing to gain by leaving the node half-way. */
const unstoppable: readonly StopReason[] = []

/** Everything from the cordon to a node that has proven itself. */
export function upgradePlan(node: Node, attempt: AttemptAtHand, planning: Planning): Plan {
  if (!node.talos.ok) return []
  const facts = node.talos.value
  const mark: CordonMark = {
    ...markFor(node, facts, planning),
    ...(attempt.installed ? { installer: 'succeeded' as const } : {}),
  }
  const work: Work = { node, facts, mark, attempt, ...planning }
  return [...cordonAndDrain(work), ...change(work), ...finishPlan(node, planning.target, mark, planning.policy)]
}

interface Work extends Planning {
  readonly node: Node
  readonly facts: TalosFacts
  readonly mark: CordonMark
  readonly attempt: AttemptAtHand
}

function cordonAndDrain({ node: { name }, target, policy, mark, attempt }: Work): Plan {
  const { count, powercycled = false, installed = false } = attempt
  const stops = installed ? beforeReboot : beforeInstall
  const attempts = { release: target.version, count, ...(powercycled ? { powercycled: true as const } : {}) }
  return [
    phase('cordon', stops, { do: 'cordon', node: name, mark, attempts, within: 30_000 }),
    phase('drain', stops, { do: 'drain', node: name, policy: drainPolicyOf(policy), within: policy.drainTimeout }),
  ]
}

/** From the installer to the order to reboot; one call does both in Talos 1.12 and earlier. */
function change(work: Work): Plan {
  const { node, facts, mark, attempt, target, policy } = work
  const hasInstaller = hasLifecycleService(facts.version)
  const common = { node: node.name, machine: machineOf(node, facts) }
  const mode = attempt.powercycled ? 'powercycle' : (target.rebootModeOf(node.name) ?? policy.rebootMode)
  const rebooting: CordonMark = { ...mark, ...(hasInstaller ? { installer: 'succeeded' } : {}), rebooting: true }
  const rebootable = { ...common, bootId: facts.bootId, mark: rebooting, mode }
  const installable = { ...common, image: installerImage(facts, target, node.name), within: policy.installTimeout }
  const leave = (...order: Phase[]): Plan => [...forfeit(work), confirm(work), ...order]
  const boot = target.networkBootOf?.(node.name, target.version)
  if (boot) return leave(...publishAndReboot(boot, { ...rebootable, mark: { ...mark, rebooting: true } }))

  if (!hasInstaller && !attempt.installed)
    return leave(phase('install', beforeInstall, { do: 'install-and-reboot', ...rebootable, ...installable }))
  const reboot = leave(phase('reboot', beforeReboot, { do: 'reboot', ...rebootable }))
  if (attempt.installed) return reboot
  return [confirm(work), phase('install', beforeInstall, { do: 'install', ...installable, mark }), ...reboot]
}

/**
 * What the share serves is the new release already, as the node's mark says so: it is made sure of right before. Only the
 * firmware downloads it; a kexec would start what is in memory.
 */
export function publishAndReboot(
  { order, file }: NetworkBoot,
  rebootable: Omit<Extract<Step, { do: 'reboot' }>, 'do' | 'mode'>,
  stops: readonly StopReason[] = beforeInstall,
): Plan {
  return [
    phase('stage-image', stops, { do: 'stage-image', image: order, publishAs: file }),
    phase('reboot', stops, { do: 'reboot', ...rebootable, mode: 'powercycle' }),
  ]
}

/** The etcd leader forfeits its leadership first: one election that is planned, instead of one after a silence. */
function forfeit({ node, facts }: Work): Plan {
  if (!leadsEtcd(node)) return []
  const step = { do: 'forfeit-leadership', node: node.name, machine: machineOf(node, facts) } as const
  return [bestEffort(phase('forfeit-leadership', beforeReboot, step))]
}

function confirm({ node, facts, policy: { parallel, twoMembers } }: Work): Phase {
  const limits = { parallel, twoMembers }
  return phase('confirm', beforeReboot, { do: 'confirm', node: node.name, machine: machineOf(node, facts), limits })
}

/** By what the machine is known when something is done to it. */
export function machineOf({ role }: Pick<Node, 'role'>, { machineId }: TalosFacts): ExpectedMachine {
  return { role, ...(machineId === undefined ? {} : { machineId }) }
}

/** Installs and leaves the node in service: it is armed, on purpose, until its window opens. */
export function stagePlan(node: Node, planning: Planning): Plan {
  if (!node.talos.ok) return []
  const { name } = node
  const { target, policy } = planning
  const mark = markFor(node, node.talos.value, planning)
  return [
    phase('annotate', beforeInstall, { do: 'note-staged', node: name, mark: { ...mark, installer: 'started' } }),
    phase('install', beforeInstall, {
      do: 'install',
      node: name,
      machine: machineOf(node, node.talos.value),
      image: installerImage(node.talos.value, target, name),
      bootId: node.talos.value.bootId,
      within: policy.installTimeout,
    }),
    phase('annotate', unstoppable, { do: 'note-staged', node: name, mark: { ...mark, installer: 'succeeded' } }),
  ]
}

function markFor(node: Node, facts: TalosFacts, { target, now }: Planning): CordonMark {
  const kept = target.partsOf(node.name).kernelArguments.filter((argument) => facts.kernelArguments.includes(argument))
  return {
    why: 'upgrade',
    at: now.toISOString(),
    release: target.version,
    schematic: target.schematicOf(node.name),
    bootId: facts.bootId,
    from: facts.version,
    ...(facts.uuid === undefined ? {} : { uuid: facts.uuid }),
    ...idOf(facts, isDiskless(node.name, target)),
    ...(kept.length > 0 ? { kernelArguments: kept } : {}),
  }
}

/** Talos keeps its machine id on the disk: without one it is new at each boot. */
export function idOf(
  { machineId }: Pick<TalosFacts, 'machineId'>,
  isWithoutDisk: boolean,
): Pick<CordonMark, 'machineId' | 'diskless'> {
  if (isWithoutDisk) return { diskless: true }
  return machineId === undefined ? {} : { machineId }
}

/** From the reboot on: what a crash or a power cut left to be done. */
export function finishPlan({ name, role }: Node, target: UpgradeTarget, mark: CordonMark, policy: UpgradePolicy): Plan {
  const { bootId = '', uuid, machineId, kernelArguments } = mark
  return [
    phase('verify-boot', unstoppable, {
      do: 'await-upgraded',
      node: name,
      version: target.version,
      schematic: target.schematicOf(name),
      bootId,
      within: policy.rebootTimeout,
      identity: {
        extensions: target.extensionsOf(name),
        ...(uuid === undefined ? {} : { uuid }),
        ...(machineId === undefined ? {} : { machineId }),
        ...(kernelArguments === undefined ? {} : { kernelArguments }),
      },
    }),
    ...etcdPlan(role, policy),
    // Before our annotation is removed: after a crash the wait is repeated, before the next node.
    phase('settle', unstoppable, { do: 'settle', node: name, lasts: policy.settle }),
    phase('uncordon', unstoppable, { do: 'uncordon', node: name, why: 'upgrade', forgetAttempts: true }),
    ...(policy.checks.length > 0
      ? [
          phase('verify-checks', unstoppable, {
            do: 'await-checks',
            node: name,
            checks: policy.checks,
            within: policy.checksTimeout,
          }),
        ]
      : []),
  ]
}

/** A control plane is back when etcd has all of its members again. */
export function etcdPlan(role: Node['role'], policy: UpgradePolicy): Plan {
  return role === 'controlplane'
    ? [phase('verify-etcd', unstoppable, { do: 'await-etcd', within: policy.rebootTimeout })]
    : []
}
