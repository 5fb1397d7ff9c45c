import type { Cluster } from '../cluster/cluster.ts'
import type { UpgradePreview } from './preview.ts'

/**
 * The release that a person sees as coming, and so means by a request that names none: the one that nodes are brought to
 * now; else the one that waits or soaks; else the one whose record is open. What every node runs is not coming.
 */
export function comingRelease(
  { cluster, release, version, order }: Pick<UpgradePreview, 'cluster' | 'release' | 'version' | 'order'>,
  open: string | undefined,
): string | undefined {
  if (version !== undefined && (order.length > 0 || isInHand(cluster, version))) return version
  return release.kind === 'current' ? open : release.version
}

/** Whether a node is under way to this release: it carries our mark for it. */
export function isInHand({ nodes }: Pick<Cluster, 'nodes'>, version: string): boolean {
  return nodes.some(({ kubernetes }) => {
    const mark = kubernetes.ok ? kubernetes.value.cordon : undefined
    return mark?.why === 'upgrade' && !mark.back && mark.release === version
  })
}
