import type { Check } from '../cluster/check.ts'
import type { CordonMark, Node, SchematicParts, TalosFacts } from '../cluster/cluster.ts'
import type { DisruptionPolicy } from '../cluster/disruption.ts'
import { leadsEtcd } from '../cluster/etcd.ts'
import type { ExpectedMachine } from '../cluster/identity.ts'
import { installerOf, isArmed } from '../cluster/next-boot.ts'
import { bestEffort, phase, type Plan, type Step } from '../plan.ts'
import type { DrainPolicy, RebootMode } from '../cluster/drain.ts'
import { hasLifecycleService } from '../version.ts'
import type { Window } from './window.ts'

/** Durations in ms. */
export interface UpgradePolicy extends DisruptionPolicy {
  readonly windows: readonly Window[]
  readonly timeZone: string
  readonly order: 'workers-first' | 'control-planes-first'
  /** The first node of all, and how long it is watched before the next one. */
  readonly canary?: { readonly node: string; readonly watch: number } | undefined
  /** Which releases a person must approve: those of another minor version, or all. */
  readonly approval: 'none' | 'minor' | 'always'
  /** `staged`: installs at any time, and reboots in a window. */
  readonly mode: 'direct' | 'staged'
  /** So much of a window must be left for one more node, until this cluster's own history tells. */
  readonly nodeTakes: number
  /** How long a node must have stayed healthy before the next one. */
  readonly settle: number
  readonly attempts: number
  /** What becomes of a node that booted its old system: a person is asked, or it is tried once more by a firmware boot. */
  readonly afterRollback: 'ask' | 'powercycle'
  /** What upgrades may take away that nodes have now: extensions, kernel arguments, … by name. */
  readonly mayLose: readonly string[]
  readonly drain: number
  readonly draining: DrainingPolicy
  readonly install: number
  readonly reboot: number
  readonly rebootMode: RebootMode
  /** The user's own conditions, and how long they may take to hold again after a node came back. */
  readonly checks: readonly Check[]
  readonly checksWithin: number
}

/** How pods are made to leave a node that is to be upgraded. Durations in ms. */
export interface DrainingPolicy {
  /** What becomes of a node whose drain is refused: it waits for it, is left for later, or its pods are deleted. */
  readonly whenBlocked: 'wait' | 'skip' | 'delete'
  /** With `delete`: after this time. With `skip`: how long the node is left alone. */
  readonly blockedFor: number
  readonly emptyDir: 'delete' | 'keep'
  readonly unmanaged: 'delete' | 'keep'
  readonly last: readonly { readonly selector: string; readonly within?: number | undefined }[]
  readonly tierWithin?: number | undefined
  readonly volumesWithin: number
}

export interface UpgradeTarget {
  readonly version: string
  /** The registry of the Image Factory: `factory.talos.dev`. */
  readonly registry: string
  /** The schematic's id that each node is to run. */
  schematicOf(node: string): string
  /** The official extensions in that schematic. */
  extensionsOf(node: string): readonly string[]
  /** What else is in that schematic. */
  partsOf(node: string): SchematicParts
  /** How this node is to reboot, where it is not to do as the others. */
  rebootModeOf(node: string): RebootMode | undefined
}

export interface AttemptAtHand {
  readonly count: number
  /** The one retry through the firmware after the node booted its old system. */
  readonly powercycled?: boolean
  /** The installer has run already, and only the reboot is missing. */
  readonly installed?: boolean
}

/** Everything from the cordon to a node that has proven itself. */
export function upgradePlan(
  node: Node,
  target: UpgradeTarget,
  now: Date,
  policy: UpgradePolicy,
  { count, installed = false, powercycled = false }: AttemptAtHand,
): Plan {
  if (!node.talos.ok) return []
  const { name } = node
  const facts = node.talos.value
  const { bootId } = facts
  const image = installerImage(facts, target, name)
  const mark: CordonMark = {
    ...markFor(node, facts, target, now),
    ...(installed ? { installer: 'succeeded' as const } : {}),
  }
  const machine = machineOf(node, facts)
  const hasInstaller = hasLifecycleService(facts.version)
  const rebooting: CordonMark = { ...mark, ...(hasInstaller ? { installer: 'succeeded' } : {}), rebooting: true }
  const mode = powercycled ? 'powercycle' : (target.rebootModeOf(name) ?? policy.rebootMode)
  const attempts = { release: target.version, count, ...(powercycled ? { powercycled: true as const } : {}) }
  const close: Plan = [
    phase('close', { do: 'cordon', node: name, mark, attempts, within: 30_000 }),
    phase('empty', { do: 'drain', node: name, policy: drainPolicy(policy), within: policy.drain }),
  ]
  const back = finishPlan(node, target, mark, policy)
  const { parallel, twoMembers } = policy
  const confirm = phase('confirm', { do: 'confirm', node: name, machine, limits: { parallel, twoMembers } })
  // The etcd leader hands over first: one election that is planned, instead of one after a silence.
  const handOver = leadsEtcd(node)
    ? [bestEffort(phase('hand over', { do: 'forfeit-leadership', node: name, machine }))]
    : []
  const leave: Plan = [
    ...handOver,
    confirm,
    phase('reboot', { do: 'reboot', node: name, machine, bootId, mark: rebooting, mode }),
    ...back,
  ]
  if (installed) return [...close, ...leave]
  if (!hasInstaller) {
    return [
      ...close,
      ...handOver,
      confirm,
      phase('install', {
        do: 'install-and-reboot',
        node: name,
        machine,
        image,
        bootId,
        mark: rebooting,
        mode,
        within: policy.install,
      }),
      ...back,
    ]
  }
  const install = phase('install', { do: 'install', node: name, machine, image, mark, within: policy.install })
  return [...close, confirm, install, ...leave]
}

/** By what the machine is known when something is done to it. */
function machineOf({ role }: Node, { machineId }: TalosFacts): ExpectedMachine {
  return { role, ...(machineId === undefined ? {} : { machineId }) }
}

/**
 * The images of all nodes to come, before the first of them is touched: a registry that is away, or an image that isn't
 * there, then costs nothing. Older Talos has no call for it; there the upgrade's own call pulls first.
 */
export function fetchPlan(nodes: readonly Node[], target: UpgradeTarget, policy: UpgradePolicy): Plan {
  const steps = nodes.flatMap((node): Step[] =>
    node.talos.ok && hasLifecycleService(node.talos.value.version)
      ? [
          {
            do: 'pull-image',
            node: node.name,
            image: installerImage(node.talos.value, target, node.name),
            within: policy.install,
          },
        ]
      : [],
  )
  return steps.length > 0 ? [phase('fetch', ...steps)] : []
}

/** Installs and leaves the node in service: it is armed, on purpose, until its window opens. */
export function stagePlan(node: Node, target: UpgradeTarget, now: Date, policy: UpgradePolicy): Plan {
  if (!node.talos.ok) return []
  const mark = markFor(node, node.talos.value, target, now)
  return [
    phase('note', { do: 'note-staged', node: node.name, mark: { ...mark, installer: 'started' } }),
    phase('install', {
      do: 'install',
      node: node.name,
      machine: machineOf(node, node.talos.value),
      image: installerImage(node.talos.value, target, node.name),
      bootId: node.talos.value.bootId,
      within: policy.install,
    }),
    phase('note installed', { do: 'note-staged', node: node.name, mark: { ...mark, installer: 'succeeded' } }),
  ]
}

/** etcd's data on our disk, before the first control plane goes. That it fails is no fault of the node or the release. */
export function savePlan(
  { name, role }: Node,
  { version }: UpgradeTarget,
  { snapshotted }: { readonly snapshotted: boolean },
  { install }: UpgradePolicy,
): Plan {
  if (role === 'worker' || snapshotted) return []
  return [phase('snapshot', { do: 'snapshot-etcd', node: name, release: version, within: install })]
}

function markFor(node: Node, facts: TalosFacts, target: UpgradeTarget, now: Date): CordonMark {
  const kept = target.partsOf(node.name).kernelArguments.filter((argument) => facts.kernelArguments.includes(argument))
  return {
    why: 'upgrade',
    at: now.toISOString(),
    release: target.version,
    schematic: target.schematicOf(node.name),
    bootId: facts.bootId,
    from: facts.version,
    ...(facts.uuid === undefined ? {} : { uuid: facts.uuid }),
    ...(facts.machineId === undefined ? {} : { machineId: facts.machineId }),
    ...(kept.length > 0 ? { kernelArguments: kept } : {}),
  }
}

/** From the reboot on: what a crash or a power cut left to be done. */
export function finishPlan({ name, role }: Node, target: UpgradeTarget, mark: CordonMark, policy: UpgradePolicy): Plan {
  const { bootId = '', uuid, machineId, kernelArguments } = mark
  return [
    phase('return', {
      do: 'await-upgraded',
      node: name,
      version: target.version,
      schematic: target.schematicOf(name),
      bootId,
      within: policy.reboot,
      identity: {
        extensions: target.extensionsOf(name),
        ...(uuid === undefined ? {} : { uuid }),
        ...(machineId === undefined ? {} : { machineId }),
        ...(kernelArguments === undefined ? {} : { kernelArguments }),
      },
    }),
    ...(role === 'controlplane' ? [phase('etcd', { do: 'await-etcd', within: policy.reboot })] : []),
    // While our mark is still on it: a crash in here is followed by the same wait, and not by the next node.
    phase('settle', { do: 'settle', node: name, lasts: policy.settle }),
    phase('reopen', { do: 'uncordon', node: name, why: 'upgrade', forgetAttempts: true }),
    ...(policy.checks.length > 0
      ? [phase('prove', { do: 'await-checks', node: name, checks: policy.checks, within: policy.checksWithin })]
      : []),
  ]
}

/** Back into service as it is. */
export function reopenPlan({ name }: Node): Plan {
  return [phase('reopen', { do: 'uncordon', node: name, why: 'upgrade' })]
}

/**
 * Back to the release before, by the other boot entry; the node reboots, so its pods go first as far as they will. On an
 * armed node this only undoes what was installed.
 */
export function rollbackPlan(
  node: Node,
  { to, force }: { readonly to?: string | undefined; readonly force: boolean },
  now: Date,
  policy: UpgradePolicy,
): Plan {
  if (!node.talos.ok) return []
  const { name } = node
  const { version, schematic, bootId, machineId } = node.talos.value
  const isHung = node.talos.value.stage !== 'running'
  const installer = installerOf(node)
  const mark: CordonMark = {
    why: 'upgrade',
    back: true,
    at: now.toISOString(),
    release: version,
    bootId,
    ...(schematic === undefined ? {} : { schematic }),
    ...(machineId === undefined ? {} : { machineId }),
    ...(isArmed(node) ? { disarm: true as const } : to === undefined ? {} : { to }),
    // Where the boot loader does not tell, nothing else shows that it is armed until the rollback is ordered.
    ...(installer === undefined ? {} : { installer }),
  }
  const { twoMembers } = policy
  const machine = machineOf(node, node.talos.value)
  return [
    // A node that hangs in its boot may have taken the API server with it.
    { ...phase('close', { do: 'cordon', node: name, mark, within: 30_000 }), ...(isHung ? { bestEffort: true } : {}) },
    bestEffort(phase('empty', { do: 'drain', node: name, policy: drainPolicy(policy), within: policy.drain })),
    phase('roll back', {
      do: 'roll-back',
      node: name,
      machine,
      bootId,
      mark: { ...mark, rebooting: true },
      force,
      twoMembers,
    }),
    ...finishRollbackPlan(node, mark, policy),
  ]
}

/** From the reboot on. */
export function finishRollbackPlan({ name, role }: Node, mark: CordonMark, policy: UpgradePolicy): Plan {
  return [
    phase('return', {
      do: 'await-rolled-back',
      node: name,
      bootId: mark.bootId ?? '',
      mark,
      within: policy.reboot,
    }),
    ...(role === 'controlplane' ? [phase('etcd', { do: 'await-etcd', within: policy.reboot })] : []),
    // What was staged or tried is over: a person has taken it back.
    phase('reopen', { do: 'uncordon', node: name, why: 'upgrade', forgetAttempts: true }),
  ]
}

function drainPolicy({ draining }: UpgradePolicy): DrainPolicy {
  const { whenBlocked, blockedFor, emptyDir, unmanaged, last, tierWithin, volumesWithin } = draining
  return {
    ordered: true,
    volumesWithin,
    ...(whenBlocked === 'delete' ? { deleteAfter: blockedFor } : {}),
    ...(emptyDir === 'keep' ? { keepEmptyDir: true } : {}),
    ...(unmanaged === 'keep' ? { keepUnmanaged: true } : {}),
    ...(last.length > 0
      ? { last: last.map(({ selector, within }) => (within === undefined ? { selector } : { selector, within })) }
      : {}),
    ...(tierWithin === undefined ? {} : { tierWithin }),
  }
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
