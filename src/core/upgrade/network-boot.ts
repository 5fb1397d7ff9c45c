import type { Node } from '../cluster/cluster.ts'
import type { Turn } from '../release/publication.ts'
import { isOfficial } from '../version.ts'
import { markOf } from './attempts.ts'

/** Nodes without an installation on their disk boot what the share serves them: their upgrade is a publication and a reboot. */

/**
 * From the cordon of its upgrade until it is uncordoned it is a node's turn, and it is to boot the new release however it
 * comes to boot; at any other time it is to boot what it runs. Undefined where nothing is known of it.
 *
 * @param ran what it ran when it was heard last
 */
export function turnOf(
  node: Node,
  ran: { readonly version: string; readonly schematic?: string } | undefined,
): Turn | undefined {
  const { name, talos, kubernetes } = node
  const mark = markOf(node)
  if (mark?.diskless && mark.back && mark.to !== undefined)
    return { version: mark.to, reason: `${name} goes back to it` }
  if (mark?.diskless && !mark.back && mark.release !== undefined)
    return { version: mark.release, schematic: mark.schematic, reason: `${name} is being upgraded to it` }
  const unsure = kubernetes.ok ? {} : { isUnsure: true as const }
  if (talos.ok) {
    const { version, schematic } = talos.value
    return isOfficial(version) ? { version, schematic, reason: `${name} runs it`, ...unsure } : undefined
  }
  return ran && isOfficial(ran.version)
    ? { ...ran, reason: `${name} ran it when it was heard last`, ...unsure }
    : undefined
}

/** Why a node is not where its configuration has it; undefined where it is, or does not tell. */
export function installationObstacle({ name, talos }: Node, isDiskless: boolean): string | undefined {
  const onDisk = talos.ok ? talos.value.onDisk : undefined
  if (onDisk === undefined || onDisk !== isDiskless) return undefined
  return isDiskless
    ? `${name} has an installation on its disk, which it may boot instead of its image: wipe the disk, or take \`diskless\` from the image`
    : `${name} has no installation on a disk: give it an image of its own with \`diskless: true\``
}
