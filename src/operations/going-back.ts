import type { Node } from '../core/cluster/cluster.ts'
import { markOf } from '../core/upgrade/attempts.ts'
import { whyNotBack } from '../core/upgrade/rollback.ts'

/** Of the nodes with these names, those that reboot into their previous release: that can't be cancelled any more. */
export function goingBack(nodes: readonly Node[], names: readonly string[]): readonly string[] {
  return nodes.filter(isGoingBack).flatMap(({ name }) => (names.includes(name) ? [name] : []))
}

function isGoingBack(node: Node): boolean {
  const mark = markOf(node)
  if (!mark?.back || !mark.rebooting) return false
  const rebooted = node.talos.ok && node.talos.value.bootId !== mark.bootId
  // One that has booted something else stays as it is.
  return !rebooted || (node.talos.ok && whyNotBack(node.talos.value, mark) === undefined)
}

/** For people; nothing where there are none. */
export function describeGoingBack(nodes: readonly string[]): string {
  return nodes.length === 0 ? '' : `; the rollback of ${nodes.join(', ')} is under way, and is finished first`
}
