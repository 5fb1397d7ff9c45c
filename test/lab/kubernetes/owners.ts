import type { PodObject } from './objects.ts'
import {
  addReplica,
  count,
  createKeeper,
  heed,
  nextName,
  refill,
  replenish,
  rescale,
  type Keeper,
  type Owner,
} from './keepers.ts'
import { createPod, type PodPlace, type PodPlan } from './pods.ts'
import { chooseNode } from './scheduler.ts'
import type { World } from './world.ts'

/** The controllers of ReplicaSets, StatefulSets and DaemonSets, and the kubelets' static pods. */
export interface Owners {
  /** A pod that is there already, Running; its owner wants one replica more from now on. Returns its name. */
  adopt(owner: Owner, plan: PodPlan, place: { name?: string; node: string; phase: PodPlace['phase'] }): string
  /** A ReplicaSet with this many pods on the nodes that take them; the rest is Pending. */
  addReplicaSet(name: string, plan: PodPlan, replicas: number): void
  /** A StatefulSet with this many pods. */
  addStatefulSet(name: string, plan: PodPlan, replicas: number): void
  /** Replaces the pods that went, as each kind of owner does, and counts. */
  settle(): void
  /** Has an owner want so many pods from now on; the youngest go first, and the last ordinals. */
  rescale(owner: Owner, namespace: string, replicas: number): void
  /** How many pods the pod's owner wants, for budgets; undefined where it has no scale, as a DaemonSet. */
  scaleOf(pod: PodObject): number | undefined
}

export function createOwners(world: World): Owners {
  /** By the owner's uid. */
  const keepers = new Map<string, Keeper>()

  const find = ({ kind, name }: Owner, namespace: string): Keeper | undefined =>
    [...keepers.values()].find(
      (each) => each.kind === kind && each.reference.name === name && each.namespace === namespace,
    )

  function keeperOf(owner: Owner, plan: PodPlan): Keeper {
    const found = find(owner, plan.namespace)
    if (found !== undefined) return found
    const keeper = createKeeper(world, owner, plan)
    keepers.set(keeper.reference.uid, keeper)
    return keeper
  }

  return {
    adopt(owner, plan, { name, node, phase }) {
      const keeper = keeperOf(owner, plan)
      const chosen = name ?? nextName(world, keeper)
      const slot = keeper.kind === 'DaemonSet' ? node : chosen
      const bound = keeper.kind === 'StatefulSet' ? {} : { node }
      if (phase !== 'Succeeded') {
        keeper.replicas += 1
        if (keeper.kind !== 'ReplicaSet')
          keeper.slots.set(slot, { name: chosen, plan: { ...plan, stuckTerminating: false }, ...bound })
      }
      createPod(world, plan, { name: chosen, node, owner: keeper.reference, phase })
      return chosen
    },
    addReplicaSet(name, plan, replicas) {
      const keeper = keeperOf({ kind: 'ReplicaSet', name }, plan)
      for (let added = 0; added < replicas; added += 1) {
        // One by one, or the controller would fill the gap itself. What the lab starts with has been running for long;
        // only what replaces it later has to start.
        keeper.replicas += 1
        addReplica(world, keeper, chooseNode(world, keeper.reference.uid, plan))
      }
    },
    addStatefulSet(name, plan, replicas) {
      const keeper = keeperOf({ kind: 'StatefulSet', name }, plan)
      for (let ordinal = 0; ordinal < replicas; ordinal += 1) {
        const node = chooseNode(world, keeper.reference.uid, plan)
        const pod = `${name}-${ordinal}`
        keeper.replicas += 1
        keeper.slots.set(pod, { name: pod, plan })
        const place = node === undefined ? { phase: 'Pending' as const } : { phase: 'Running' as const, node }
        createPod(world, plan, { name: pod, owner: keeper.reference, ...place })
      }
    },
    settle() {
      for (const keeper of keepers.values()) {
        heed(world, keeper)
        if (keeper.kind === 'ReplicaSet') replenish(world, keeper)
        else refill(world, keeper)
        count(world, keeper)
      }
    },
    rescale({ kind, name }, namespace, replicas) {
      const keeper = find({ kind, name }, namespace)
      if (keeper !== undefined && keeper.replicas !== replicas) rescale(world, keeper, replicas)
    },
    scaleOf(pod) {
      const keeper = keepers.get(pod.metadata.ownerReferences?.[0]?.uid ?? '')
      return keeper?.kind === 'ReplicaSet' || keeper?.kind === 'StatefulSet' ? keeper.replicas : undefined
    },
  }
}
