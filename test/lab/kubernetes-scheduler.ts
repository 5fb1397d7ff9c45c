import { pods as podsResource, withCondition, type NodeObject } from './kubernetes-objects.ts'
import { listNodes } from './kubernetes-nodes.ts'
import { listPods, type PodPlan } from './kubernetes-pods.ts'
import type { World } from './kubernetes-world.ts'

/**
 * The node for a new pod: one without a taint that keeps it away (a cordon and an unreachable kubelet are taints too),
 * with the fewest pods of the same owner, then the fewest of all. Room is never short in the lab.
 */
export function chooseNode(world: World, owner: string | undefined, plan: PodPlan | undefined): string | undefined {
  const there = listPods(world)
  const crowd = ({ metadata }: NodeObject): readonly [number, number] => {
    const here = there.filter((pod) => pod.spec.nodeName === metadata.name)
    const siblings = here.filter((pod) => owner !== undefined && pod.metadata.ownerReferences?.[0]?.uid === owner)
    return [siblings.length, here.length]
  }
  return listNodes(world)
    .filter((node) => takes(node, plan?.nodeSelector ?? {}))
    .map((node) => ({ name: node.metadata.name, crowd: crowd(node) }))
    .sort((a, b) => a.crowd[0] - b.crowd[0] || a.crowd[1] - b.crowd[1])[0]?.name
}

/** Binds pods that wait for a node; those that no node takes say so and stay Pending (pkg/scheduler). */
export function settleScheduler(world: World): void {
  for (const pod of listPods(world)) {
    if (pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined) continue
    const owner = pod.metadata.ownerReferences?.[0]?.uid
    const nodeName = chooseNode(world, owner, world.plans.get(pod.metadata.uid))
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

function takes({ spec, metadata }: NodeObject, selector: Readonly<Record<string, string>>): boolean {
  if (spec.unschedulable) return false
  if (spec.taints?.some(({ effect }) => effect !== 'PreferNoSchedule')) return false
  return Object.entries(selector).every(([label, value]) => metadata.labels?.[label] === value)
}
