import { counted } from '../count.ts'
import type { Attempts, CordonMark, Node } from '../cluster/cluster.ts'
import { isCordonedByUs } from '../cluster/disruption.ts'
import { isArmed } from '../cluster/next-boot.ts'
import type { UpgradePolicy, UpgradeTarget } from './policy.ts'
import { isNewer, isOfficial } from '../version.ts'

/** Whether the node runs the target, in release and in schematic. */
export function runs(node: Node, target: UpgradeTarget): boolean {
  return (
    node.talos.ok &&
    node.talos.value.version === target.version &&
    node.talos.value.schematic === target.schematicOf(node.name)
  )
}

/**
 * Whether it runs something else than the target. A node that is ahead of it is not: nothing goes backwards. Neither is
 * one whose release is not an official one: it is left as it is.
 */
export function isOutdated(node: Node, target: UpgradeTarget): boolean {
  if (!node.talos.ok || runs(node, target)) return false
  const { version } = node.talos.value
  return isOfficial(version) && !isNewer(version, target.version)
}

export function markOf(node: Node): CordonMark | undefined {
  return isCordonedByUs(node) && node.kubernetes.ok ? node.kubernetes.value.cordon : undefined
}

/** What the node remembers of attempts at this very release. */
export function attemptsOf(node: Node, target: UpgradeTarget): Omit<Attempts, 'release'> {
  const attempts = node.kubernetes.ok ? node.kubernetes.value.attempts : undefined
  return attempts?.release === target.version ? attempts : { count: 0 }
}

/**
 * Whether the node was to boot what this mark names, has booted since, and runs its previous release. An upgrade that was
 * installed is booted by whatever reboots the node next, a power cut included.
 */
export function bootedOldSystem(node: Node, mark: CordonMark | undefined): boolean {
  const { talos } = node
  if (!talos.ok || talos.value.stage !== 'running' || mark?.release === undefined || mark.back) return false
  const { bootId, version, schematic, machineId } = talos.value
  // Another machine has booted nothing of it.
  if (mark.machineId !== undefined && machineId !== undefined && machineId !== mark.machineId) return false
  // One that is armed now has been installed since, and has booted nothing of it.
  const wasToBoot = mark.rebooting === true || (mark.installer === 'succeeded' && !isArmed(node))
  if (!wasToBoot || bootId === mark.bootId) return false
  if (!isOfficial(version) || isNewer(version, mark.release)) return false
  return version !== mark.release || (mark.schematic !== undefined && schematic !== mark.schematic)
}

/** The note on a node that it has booted its previous release; undefined if it has not. */
export function rollbackNote(node: Node, release: string, mark: CordonMark | undefined): Attempts | undefined {
  const known = node.kubernetes.ok ? node.kubernetes.value.attempts : undefined
  const attempts = known?.release === release ? known : { release, count: 1 }
  if (!node.talos.ok || !(attempts.rolledBack || bootedOldSystem(node, mark))) return undefined
  return { failure: `rolled back to ${node.talos.value.version}`, ...attempts, rolledBack: true }
}

/** Our mark as a person leaves it who asks for a retry: the boot of the previous release counts for nothing any more. */
export function markForRetry(node: Node): CordonMark | undefined {
  const mark = markOf(node)
  if (!mark || !node.talos.ok || !bootedOldSystem(node, mark)) return undefined
  const { rebooting: _, installer: __, ...rest } = mark
  return { ...rest, bootId: node.talos.value.bootId }
}

/**
 * Whether the next attempt goes through the firmware: the one that policy allows after the node booted its previous release,
 * also where it was cut short and continues.
 */
export function goesByFirmware(node: Node, target: UpgradeTarget, policy: UpgradePolicy): boolean {
  const { rolledBack, powercycled } = attemptsOf(node, target)
  return powercycled === true || (rolledBack === true && policy.afterRollback === 'powercycle')
}

/** An attempt that ended without a failure, because of the power or a person, doesn't count. */
export function nextCount(node: Node, target: UpgradeTarget): number {
  const { count, failure } = attemptsOf(node, target)
  return failure === undefined ? Math.max(1, count) : count + 1
}

/**
 * Whether nothing is tried there any more without a person: after as many failures as the policy allows, and after the
 * first boot of the previous release, but for one retry through the firmware where policy allows it. A second installation on
 * top of that has broken nodes.
 */
export function exhausted(node: Node, target: UpgradeTarget, policy: UpgradePolicy): boolean {
  const { rolledBack, powercycled } = attemptsOf(node, target)
  if (rolledBack) return powercycled === true || policy.afterRollback !== 'powercycle'
  return nextCount(node, target) > policy.attempts
}

export function describeStuck(node: Node, target: UpgradeTarget): string {
  const { count, failure = 'rolled back', rolledBack } = attemptsOf(node, target)
  if (rolledBack)
    return `${node.name} booted its previous release after the upgrade to ${target.version} (${failure}): find out why, then try again with \`caretaker retry ${node.name}\``
  return `${node.name} failed ${counted(count, 'time')} to upgrade to ${target.version} (${failure}): find out why, then try again with \`caretaker retry ${node.name}\``
}

export function describeRunning({ talos }: Node): string {
  return talos.ok
    ? `${talos.value.version}${talos.value.schematic ? ` of ${talos.value.schematic.slice(0, 12)}` : ''}`
    : 'nothing'
}
