import { pods as podsResource, withCondition, type NodeObject, type PodObject } from './objects.ts'
import { listNodes } from './nodes.ts'
import { listPods, type PodPlan } from './pods.ts'
import type { World } from './world.ts'

type Wants = Pick<PodPlan, 'nodeSelector' | 'toleratesAll'>

/**
 * The node for a new pod: one without a taint that keeps it away (a cordon and an unreachable kubelet are taints too),
 * with the fewest pods of the same owner, then the fewest of all. Room is never short in the lab.
 */
export function chooseNode(world: World, owner: string | undefined, wants: Wants): string | undefined {
  const there = listPods(world)
  const crowd = ({ metadata }: NodeObject): readonly [number, number] => {
    const here = there.filter((pod) => pod.spec.nodeName === metadata.name)
    const siblings = here.filter((pod) => owner !== undefined && pod.metadata.ownerReferences?.[0]?.uid === owner)
    return [siblings.length, here.length]
  }
  return listNodes(world)
    .filter((node) => takes(node, wants))
    .map((node) => ({ name: node.metadata.name, crowd: crowd(node) }))
    .sort((a, b) => a.crowd[0] - b.crowd[0] || a.crowd[1] - b.crowd[1])[0]?.name
}

/** Binds pods that wait for a node; those that no node takes say so and stay Pending (pkg/scheduler). */
export function settleScheduler(world: World): void {
  for (const pod of listPods(world)) {
    if (pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined) continue
    const owner = pod.metadata.ownerReferences?.[0]?.uid
    const nodeName = chooseNode(world, owner, wantsOf(pod))
    const total = listNodes(world).length
    const conditions = withCondition(
      pod.status.conditions ?? [],
      nodeName === undefined
        ? {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: `0/${total} nodes are available: ${total} node(s) were unschedulable or had untolerated taint(s).`,
          }
        : { type: 'PodScheduled', status: 'True' },
    )
    const spec = nodeName === undefined ? pod.spec : { ...pod.spec, nodeName }
    world.store.replace(podsResource, { ...pod, spec, status: { ...pod.status, conditions } })
  }
}

function takes({ spec, metadata }: NodeObject, { nodeSelector = {}, toleratesAll }: Wants): boolean {
  const kept = spec.unschedulable || spec.taints?.some(({ effect }) => effect !== 'PreferNoSchedule')
  if (kept && !toleratesAll) return false
  return Object.entries(nodeSelector).every(([label, value]) => metadata.labels?.[label] === value)
}

/** From the pod itself: it is looked at as soon as it is stored, before the lab has noted anything else about it. */
function wantsOf({ spec }: PodObject): Wants {
  const { nodeSelector, tolerations } = spec
  return { ...(nodeSelector !== undefined && { nodeSelector }), toleratesAll: tolerations !== undefined }
}
