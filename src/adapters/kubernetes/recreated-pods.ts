import { AgentError } from '../../core/errors.ts'
import { controllerOf, fullName, ownerOf, type PodObject, toleratesCordon } from './pods.ts'

/** How many pods of a controller may reappear on a cordoned node: one may have been scheduled already. */
const recreatedPods = 3

export interface RecreatedPods {
  /** A pod was evicted. */
  asked(pod: PodObject): void
  /**
   * The pods to evict, without those that are recreated on the node every time. @throws AgentError `rejected` where a
   * recreated pod does not tolerate the cordon
   */
  without(pods: readonly PodObject[]): readonly PodObject[]
}

/**
 * Some pods come back to a closed node as soon as they have gone. One that tolerates the cordon, as an operator of the
 * network often does, is asked to go once, so that it can move; the one that comes in its place is left alone like a
 * DaemonSet's (`kubectl drain` doesn't see it either), and gets the kubelet's grace at the reboot. Any other was bound to
 * the node by its name, or somebody has opened the node meanwhile: evicting it again and again would never end.
 */
export function createRecreatedPods(node: string): RecreatedPods {
  const seen = new Set<string>()
  const staying = new Set<string>()
  const gone = new Set<string>()
  const counts = new Map<string, number>()

  function judge(pod: PodObject): void {
    const { uid } = pod.metadata
    if (seen.has(uid)) return
    seen.add(uid)
    const maker = makerOf(pod)
    if (!gone.has(maker)) return
    if (toleratesCordon(pod)) {
      staying.add(uid)
      return
    }
    const count = (counts.get(maker) ?? 0) + 1
    counts.set(maker, count)
    if (count <= recreatedPods) return
    const owner = ownerOf(pod)
    throw new AgentError(
      'rejected',
      `${fullName(pod)}${owner ? ` (of ${owner})` : ''} is recreated on ${node} after every eviction: its spec names the node, or the node was uncordoned`,
    )
  }

  // Pods of the first observation are not recreated ones, although they may have the same controller.
  return {
    asked: (pod) => void gone.add(makerOf(pod)),
    without: (pods) => {
      pods.forEach(judge)
      return pods.filter(({ metadata }) => !staying.has(metadata.uid))
    },
  }
}

/** Its controller; for a pod without one, its name. */
function makerOf(pod: PodObject): string {
  const owner = controllerOf(pod)
  return owner ? `${pod.metadata.namespace}/${owner.kind}/${owner.name}` : fullName(pod)
}
