import type { Attempts, CordonMark, Node } from './cluster.ts'
import { isClosedByUs } from './disruption.ts'
import type { UpgradePolicy, UpgradeTarget } from './upgrade-plan.ts'
import { isNewer, isOfficial } from './version.ts'

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
 * one whose release is no official one: it is left as it is.
 */
export function isOutdated(node: Node, target: UpgradeTarget): boolean {
  if (!node.talos.ok || runs(node, target)) return false
  const { version } = node.talos.value
  return isOfficial(version) && !isNewer(version, target.version)
}

export function markOf(node: Node): CordonMark | undefined {
  return isClosedByUs(node) && node.kubernetes.ok ? node.kubernetes.value.cordon : undefined
}

/** What the node remembers of attempts at this very release. */
export function attemptsOf(node: Node, target: UpgradeTarget): Omit<Attempts, 'release'> {
  const attempts = node.kubernetes.ok ? node.kubernetes.value.attempts : undefined
  return attempts?.release === target.version ? attempts : { count: 0 }
}

/** An attempt that ended without a failure, because of the power or a person, doesn't count. */
export function nextCount(node: Node, target: UpgradeTarget): number {
  const { count, failure } = attemptsOf(node, target)
  return failure === undefined ? Math.max(1, count) : count + 1
}

/**
 * Whether nothing is tried there any more without a person: after as many failures as the policy allows, and after the
 * first boot of the old system. A second installation on top of that has broken nodes.
 */
export function exhausted(node: Node, target: UpgradeTarget, policy: UpgradePolicy): boolean {
  return attemptsOf(node, target).rolledBack === true || nextCount(node, target) > policy.attempts
}

export function describeStuck(node: Node, target: UpgradeTarget): string {
  const { count, failure = 'rolled back', rolledBack } = attemptsOf(node, target)
  if (rolledBack)
    return `${node.name} booted its old system after the upgrade to ${target.version} (${failure}): find out why, then \`caretaker retry ${node.name}\` tries again`
  return `${node.name} failed ${count} times to get ${target.version} (${failure}): find out why, then \`caretaker retry ${node.name}\` tries again`
}

export function describeRunning({ talos }: Node): string {
  return talos.ok
    ? `${talos.value.version}${talos.value.schematic ? ` of ${talos.value.schematic.slice(0, 12)}` : ''}`
    : 'nothing'
}
