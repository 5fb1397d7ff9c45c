import {
  apiVersionOf,
  isPodFinished,
  isPodReady,
  type KubernetesObject,
  type OwnerReference,
  type PodObject,
} from './objects.ts'
import { findNode } from './nodes.ts'
import { createPod, deletePod, listPods, type PodPlace, type PodPlan } from './pods.ts'
import { chooseNode } from './scheduler.ts'
import { owners as ownerResources } from './workloads.ts'
import { isAlive, type World } from './world.ts'

/** Who keeps a pod in being; 'Node' is the kubelet with a static pod, of which the API only has a mirror. */
export interface Owner {
  readonly kind: 'ReplicaSet' | 'StatefulSet' | 'DaemonSet' | 'Node'
  readonly name: string
}

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

interface Slot {
  readonly name: string
  readonly node?: string
  readonly plan: PodPlan
}

interface Keeper {
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

export function createOwners(world: World): Owners {
  const { store } = world
  const keepers = new Map<string, Keeper>()

  function keeperOf({ kind, name }: Owner, plan: PodPlan): Keeper {
    const found = [...keepers.values()].find(
      (each) => each.kind === kind && each.reference.name === name && each.namespace === plan.namespace,
    )
    if (found !== undefined) return found
    const { apiVersion, metadata } = kind === 'Node' ? ownNode(world, name) : createOwner(world, kind, name, plan)
    const reference = { apiVersion, kind, name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }
    // A pod's peculiarities are its own: what replaces it stops when it is told to.
    const template = { ...plan, stuckTerminating: false }
    const keeper: Keeper = {
      kind,
      namespace: plan.namespace,
      reference,
      plan: template,
      slots: new Map(),
      parked: [],
      replicas: 0,
      written: undefined,
      counted: 0,
    }
    keepers.set(metadata.uid, keeper)
    return keeper
  }

  const ownedBy = ({ namespace, reference }: Keeper): readonly PodObject[] =>
    listPods(world, namespace).filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === reference.uid)

  // Real pods end in five random characters; these are counted, so that a story about the homelab can name them.
  function nextName(keeper: Keeper): string {
    keeper.counted += 1
    const name = `${keeper.reference.name}-${keeper.kind === 'StatefulSet' ? keeper.counted - 1 : keeper.counted}`
    return listPods(world, keeper.namespace).some(({ metadata }) => metadata.name === name) ? nextName(keeper) : name
  }

  function addReplica(keeper: Keeper, node?: string): void {
    const { reference: owner, plan } = keeper
    const bound = plan.boundTo === undefined ? {} : { node: plan.boundTo }
    const place = node === undefined ? { phase: 'Pending' as const, ...bound } : { phase: 'Running' as const, node }
    createPod(world, plan, { name: nextName(keeper), generateName: `${owner.name}-`, owner, ...place })
  }

  function replenish(keeper: Keeper): void {
    // A pod that is being deleted no longer counts, so its replacement starts while it stops.
    const active = ownedBy(keeper).filter((pod) => pod.metadata.deletionTimestamp === undefined && !isPodFinished(pod))
    for (let missing = keeper.replicas - active.length; missing > 0; missing -= 1) addReplica(keeper)
  }

  function refill(keeper: Keeper): void {
    const there = ownedBy(keeper)
    for (const { name, node, plan } of keeper.slots.values()) {
      // These kinds wait until the old pod has really gone; two of a StatefulSet with one name must never run.
      const taken = (pod: PodObject) =>
        keeper.kind === 'DaemonSet' ? pod.spec.nodeName === node : pod.metadata.name === name
      if (there.some(taken)) continue
      const owner = keeper.reference
      const bound = node === undefined ? {} : { node }
      if (keeper.kind === 'Node' && !isAlive(world, node)) continue
      const unique = keeper.kind === 'DaemonSet' ? nextName(keeper) : name
      createPod(world, plan, { name: unique, owner, phase: keeper.kind === 'Node' ? 'Running' : 'Pending', ...bound })
    }
  }

  function rescale(keeper: Keeper, wanted: number): void {
    const { slots, parked, reference, plan } = keeper
    const leave = (pod: PodObject) => void deletePod(world, pod, undefined)
    keeper.replicas = wanted
    if (keeper.kind === 'ReplicaSet') {
      const active = ownedBy(keeper).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      active.slice(wanted).forEach(leave)
      return
    }
    for (const slot of [...slots].slice(wanted).toReversed()) {
      slots.delete(slot[0])
      parked.push(slot)
      ownedBy(keeper)
        .filter(({ metadata }) => metadata.name === slot[1].name && metadata.deletionTimestamp === undefined)
        .forEach(leave)
    }
    while (slots.size < wanted) {
      const name = `${reference.name}-${slots.size}`
      const [key, slot] = parked.pop() ?? [name, { name, plan }]
      slots.set(key, slot)
    }
  }

  /** What a client has written since we did. */
  function heed(keeper: Keeper): void {
    if (keeper.kind !== 'StatefulSet') return
    const { spec = {} } = store.get(ownerResources.StatefulSet, keeper.namespace, keeper.reference.name) ?? {}
    const { replicas } = spec as { replicas?: number }
    if (keeper.written !== undefined && replicas !== undefined && replicas !== keeper.written) rescale(keeper, replicas)
  }

  function count(keeper: Keeper): void {
    if (keeper.kind === 'Node') return
    const resource = ownerResources[keeper.kind]
    const owner = store.get(resource, keeper.namespace, keeper.reference.name)
    if (owner === undefined) return
    const active = ownedBy(keeper).filter((pod) => !isPodFinished(pod))
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
    store.replace(resource, { ...owner, spec, status })
  }

  return {
    adopt(owner, plan, { name, node, phase }) {
      const keeper = keeperOf(owner, plan)
      const chosen = name ?? nextName(keeper)
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
        addReplica(keeper, chooseNode(world, keeper.reference.uid, plan))
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
        heed(keeper)
        if (keeper.kind === 'ReplicaSet') replenish(keeper)
        else refill(keeper)
        count(keeper)
      }
    },
    rescale({ kind, name }, namespace, replicas) {
      const keeper = [...keepers.values()].find(
        (each) => each.kind === kind && each.reference.name === name && each.namespace === namespace,
      )
      if (keeper !== undefined && keeper.replicas !== replicas) rescale(keeper, replicas)
    },
    scaleOf(pod) {
      const keeper = keepers.get(pod.metadata.ownerReferences?.[0]?.uid ?? '')
      return keeper?.kind === 'ReplicaSet' || keeper?.kind === 'StatefulSet' ? keeper.replicas : undefined
    },
  }
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
