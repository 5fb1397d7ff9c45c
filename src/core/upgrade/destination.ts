import type { Cluster } from '../cluster/cluster.ts'
import { isArmed } from '../cluster/next-boot.ts'
import { movementOf } from '../release/left-behind.ts'
import { withdrawnReason } from '../release/policy.ts'
import type { TargetDecision } from '../release/target.ts'
import { compareVersions } from '../version.ts'
import { type Abort, describeAbort } from './abort.ts'
import type { Obstacle } from './gates.ts'

/** The target release, and why no more nodes are upgraded to it. */
export interface Destination {
  readonly version: string | undefined
  readonly hold?: Obstacle
}

export interface Surroundings {
  /** The node that this agent itself runs on. */
  readonly ownNode: string | undefined
  readonly withdrawn: readonly string[]
  /** That a person has aborted the rollout of the release that is decided on. */
  readonly aborted?: Abort | undefined
}

/**
 * What is installed is finished, even when the policy has since changed its mind; a node that is only cordoned is not held
 * to it. Without a target it is the release that all nodes run, so that they get a schematic that has changed; where they
 * run several, no node is upgraded to the newest of them. Nodes that run a withdrawn one are left alone.
 */
export function destinationOf(
  cluster: Cluster,
  release: TargetDecision,
  { ownNode, withdrawn, aborted }: Surroundings,
): Destination {
  const begun = cluster.nodes.flatMap((node) => {
    const mark = node.kubernetes.ok ? node.kubernetes.value.cordon : undefined
    if (mark?.why !== 'upgrade' || mark.release === undefined || mark.back) return []
    const runsIt = node.talos.ok && node.talos.value.version === mark.release
    return mark.rebooting || isArmed(node) || runsIt || !node.talos.ok ? [mark.release] : []
  })[0]
  if (begun !== undefined) return { version: begun }
  if (release.kind === 'target') return { version: release.version }
  const all = [...new Set(movementOf(cluster, ownNode).running)].toSorted(compareVersions)
  const running = all.filter((one) => !withdrawn.includes(one))
  const newest = running.at(-1)
  if (newest === undefined && all.length > 0)
    return {
      version: all.at(-1),
      hold: { gate: 'release', reason: `${withdrawnReason(all.at(-1)!)}: no more nodes are upgraded to it` },
    }
  if (running.length <= 1) return { version: newest }
  if (aborted) return { version: newest, hold: { gate: 'aborted', reason: describeAbort(aborted) } }
  const reason = release.kind === 'wait' ? `${release.version}: ${release.reason}` : release.reason
  const until = release.kind === 'wait' && release.until !== undefined ? new Date(release.until) : undefined
  return { version: newest, hold: { gate: 'release', reason, ...(until === undefined ? {} : { until }) } }
}
