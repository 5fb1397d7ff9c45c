import {
  apiVersionOf,
  isPodFinished,
  isPodReady,
  type KubernetesObject,
  type OwnerReference,
  type PodObject,
} from './objects.ts'
import { findNode } from './nodes.ts'
import { createPod, deletePod, listPods, type PodPlan } from './pods.ts'
import { owners as ownerResources } from './workloads.ts'
import { isAlive, type World } from './world.ts'

/** Who keeps a pod in being; 'Node' is the kubelet with a static pod, of which the API only has a mirror. */
export interface Owner {
  readonly kind: 'ReplicaSet' | 'StatefulSet' | 'DaemonSet' | 'Node'
  readonly name: string
}

interface Slot {
  readonly name: string
  readonly node?: string
  readonly plan: PodPlan
}

/** An owner, and what its controller knows of its pods. */
export interface Keeper {
  readonly kind: Owner['kind']
  readonly namespace: string
  readonly reference: OwnerReference
  /** How a ReplicaSet's next pod is. */
  readonly plan: PodPlan
  /** Pods with a name (StatefulSet, static) or a node (DaemonSet, static) of their own. */
  readonly slots: Map<string, Slot>
  /** Slots that a scaling to fewer has emptied, the last one last. */
  readonly parked: [string, Slot][]
  replicas: number
  /** The `spec.replicas` that we have written last: another one is a client's. */
  written: number | undefined
  counted: number
}

/** An owner without pods; it is made where there is none yet. */
export function createKeeper(world: World, { kind, name }: Owner, plan: PodPlan): Keeper {
  const { apiVersion, metadata } = kind === 'Node' ? ownNode(world, name) : createOwner(world, kind, name, plan)
  return {
    kind,
    namespace: plan.namespace,
    reference: { apiVersion, kind, name, uid: metadata.uid, controller: true, blockOwnerDeletion: true },
    // A pod's peculiarities are its own: what replaces it stops when it is told to.
    plan: { ...plan, stuckTerminating: false },
    slots: new Map(),
    parked: [],
    replicas: 0,
    written: undefined,
    counted: 0,
  }
}

function ownedBy(world: World, { namespace, reference }: Keeper): readonly PodObject[] {
  return listPods(world, namespace).filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === reference.uid)
}

/**
 * A name for its next pod. Real pods end in five random characters; these are counted, so that a story about the homelab
 * can name them.
 */
export function nextName(world: World, keeper: Keeper): string {
  keeper.counted += 1
  const name = `${keeper.reference.name}-${keeper.kind === 'StatefulSet' ? keeper.counted - 1 : keeper.counted}`
  return listPods(world, keeper.namespace).some(({ metadata }) => metadata.name === name)
    ? nextName(world, keeper)
    : name
}

/** One more pod of a ReplicaSet, Running on this node or Pending. */
export function addReplica(world: World, keeper: Keeper, node?: string): void {
  const { reference: owner, plan } = keeper
  const bound = plan.boundTo === undefined ? {} : { node: plan.boundTo }
  const place = node === undefined ? { phase: 'Pending' as const, ...bound } : { phase: 'Running' as const, node }
  createPod(world, plan, { name: nextName(world, keeper), generateName: `${owner.name}-`, owner, ...place })
}

/** A ReplicaSet's pods that are missing. */
export function replenish(world: World, keeper: Keeper): void {
  // A pod that is being deleted no longer counts, so its replacement starts while it stops.
  const active = ownedBy(world, keeper).filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && !isPodFinished(pod),
  )
  for (let missing = keeper.replicas - active.length; missing > 0; missing -= 1) addReplica(world, keeper)
}

/** The pods of names or nodes of their own that are missing. */
export function refill(world: World, keeper: Keeper): void {
  const there = ownedBy(world, keeper)
  for (const { name, node, plan } of keeper.slots.values()) {
    // These kinds wait until the old pod has really gone; two of a StatefulSet with one name must never run.
    const taken = (pod: PodObject) =>
      keeper.kind === 'DaemonSet' ? pod.spec.nodeName === node : pod.metadata.name === name
    if (there.some(taken)) continue
    const owner = keeper.reference
    const bound = node === undefined ? {} : { node }
    if (keeper.kind === 'Node' && !isAlive(world, node)) continue
    const unique = keeper.kind === 'DaemonSet' ? nextName(world, keeper) : name
    createPod(world, plan, { name: unique, owner, phase: keeper.kind === 'Node' ? 'Running' : 'Pending', ...bound })
  }
}

/** Wants so many pods from now on. */
export function rescale(world: World, keeper: Keeper, wanted: number): void {
  const { slots, parked, reference, plan } = keeper
  const leave = (pod: PodObject) => void deletePod(world, pod, undefined)
  keeper.replicas = wanted
  if (keeper.kind === 'ReplicaSet') {
    const active = ownedBy(world, keeper).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    active.slice(wanted).forEach(leave)
    return
  }
  for (const slot of [...slots].slice(wanted).toReversed()) {
    slots.delete(slot[0])
    parked.push(slot)
    ownedBy(world, keeper)
      .filter(({ metadata }) => metadata.name === slot[1].name && metadata.deletionTimestamp === undefined)
      .forEach(leave)
  }
  while (slots.size < wanted) {
    const name = `${reference.name}-${slots.size}`
    const [key, slot] = parked.pop() ?? [name, { name, plan }]
    slots.set(key, slot)
  }
}

/** Follows what a client has written since we did. */
export function heed(world: World, keeper: Keeper): void {
  if (keeper.kind !== 'StatefulSet') return
  const { spec = {} } = world.store.get(ownerResources.StatefulSet, keeper.namespace, keeper.reference.name) ?? {}
  const { replicas } = spec as { replicas?: number }
  if (keeper.written !== undefined && replicas !== undefined && replicas !== keeper.written)
    rescale(world, keeper, replicas)
}

/** Writes the numbers of its pods into the owner's status. */
export function count(world: World, keeper: Keeper): void {
  if (keeper.kind === 'Node') return
  const resource = ownerResources[keeper.kind]
  const owner = world.store.get(resource, keeper.namespace, keeper.reference.name)
  if (owner === undefined) return
  const active = ownedBy(world, keeper).filter((pod) => !isPodFinished(pod))
  const ready = active.filter(isPodReady).length
  const { replicas } = keeper
  keeper.written = replicas
  const spec = { ...owner.spec, ...(keeper.kind !== 'DaemonSet' && { replicas }) }
  const status =
    keeper.kind === 'DaemonSet'
      ? {
          desiredNumberScheduled: keeper.slots.size,
          currentNumberScheduled: active.length,
          numberReady: ready,
          numberAvailable: ready,
          numberMisscheduled: 0,
          observedGeneration: 1,
        }
      : { replicas: active.length, readyReplicas: ready, availableReplicas: ready, observedGeneration: 1 }
  world.store.replace(resource, { ...owner, spec, status })
}

function ownNode(world: World, name: string): KubernetesObject {
  const node = findNode(world, name)
  if (node === undefined) throw new Error(`there is no node ${name} whose static pod this could be`)
  return node
}

function createOwner(
  { store }: World,
  kind: 'ReplicaSet' | 'StatefulSet' | 'DaemonSet',
  name: string,
  { namespace, labels }: PodPlan,
): KubernetesObject {
  const resource = ownerResources[kind]
  return store.create(resource, {
    apiVersion: apiVersionOf(resource),
    kind,
    metadata: { name, namespace, generation: 1, labels },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } },
    status: {},
  })
}
