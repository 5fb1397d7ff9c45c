import { namespaces as namespacesResource } from './objects.ts'
import type { Owner } from './keepers.ts'
import { knownNode } from './nodes.ts'
import type { Owners } from './owners.ts'
import { createPod, type PodPlan } from './pods.ts'
import { cronJobs, deployments } from './workloads.ts'
import type { World } from './world.ts'

/** What pods of any origin may be like. */
export interface PodTraits {
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  /** terminationGracePeriodSeconds; 30 unless said. */
  readonly grace?: number
  /** How long it really takes to stop, in milliseconds; the pace's `terminate` unless said. */
  readonly terminateMs?: number
  readonly emptyDir?: boolean
  /** A PersistentVolumeClaim that it mounts: its volume is attached to one node at a time. */
  readonly volumeClaim?: string
  /** It runs but never becomes Ready. */
  readonly unready?: boolean
  readonly nodeSelector?: Readonly<Record<string, string>>
  /** It tolerates every taint, a cordon's too. */
  readonly toleratesAll?: boolean
  /** Its container's name; `main` unless said. */
  readonly container?: string
  /** Its container's image; a pause container's unless said. */
  readonly image?: string
  /** Its template names the node (spec.nodeName): no scheduler is asked. */
  readonly boundTo?: string
}

export interface PodOptions extends PodTraits {
  readonly name?: string
  readonly node: string
  /** Who replaces it; a pod without an owner is not replaced. */
  readonly owner?: Owner
  /** Its controller, of a kind that the lab has no controller for: nobody replaces it. */
  readonly controller?: { readonly apiVersion: string; readonly kind: string; readonly name: string }
  /** Its work is done: phase Succeeded. */
  readonly completed?: boolean
  /** Its kubelet never manages to stop it. */
  readonly stuckTerminating?: boolean
}

export interface DeploymentOptions extends PodTraits {
  readonly name: string
  readonly replicas: number
  readonly labels: Readonly<Record<string, string>>
}

export interface CronJobOptions {
  readonly name: string
  /** `default` unless said. */
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly suspend?: boolean
}

/** Puts workloads into the lab's cluster, as who sets it up does. */
export interface Setup {
  addNamespace(name: string): void
  /** Returns its name. */
  addPod(options: PodOptions): string
  addDeployment(options: DeploymentOptions): void
  /** Its pods are the name with `-0`, `-1` …, on the nodes that take them. */
  addStatefulSet(options: DeploymentOptions): void
  addCronJob(options: CronJobOptions): void
}

export function createSetup(world: World, owners: Owners): Setup {
  const { store } = world
  let unnamed = 0

  function addNamespace(name: string): void {
    if (store.get(namespacesResource, undefined, name) !== undefined) return
    store.create(namespacesResource, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
  }

  /** What its pods are like, in a namespace that is there. */
  function plan(traits: PodTraits): PodPlan {
    const drafted = planOf(traits)
    addNamespace(drafted.namespace)
    return drafted
  }

  return {
    addNamespace,
    addPod({ name, node, owner, controller, completed = false, stuckTerminating = false, ...traits }) {
      knownNode(world, node)
      const own = { ...plan(traits), stuckTerminating }
      const phase = completed ? 'Succeeded' : world.kubelets.get(node)?.alive ? 'Running' : 'Pending'
      if (owner !== undefined) return owners.adopt(owner, own, { ...(name !== undefined && { name }), node, phase })
      unnamed += name === undefined ? 1 : 0
      const chosen = name ?? `pod-${unnamed}`
      const reference = controller && { ...controller, uid: `uid-of-${controller.name}`, controller: true }
      createPod(world, own, { name: chosen, node, phase, ...(reference !== undefined && { owner: reference }) })
      return chosen
    },
    addDeployment({ name, replicas, ...traits }) {
      const { namespace = 'default', labels } = traits
      owners.addReplicaSet(name, plan(traits), replicas)
      store.create(deployments, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace, generation: 1, labels },
        spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels } } },
        status: {},
      })
    },
    addStatefulSet: ({ name, replicas, ...traits }) => owners.addStatefulSet(name, plan(traits), replicas),
    addCronJob({ name, namespace = 'default', labels = {}, suspend = false }) {
      addNamespace(namespace)
      store.create(cronJobs, {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name, namespace, generation: 1, labels },
        spec: { schedule: '0 3 * * *', suspend },
        status: {},
      })
    },
  }
}

function planOf({ namespace = 'default', labels = {}, grace = 30, emptyDir = false, ...traits }: PodTraits): PodPlan {
  const { terminateMs, volumeClaim, nodeSelector, boundTo, container, image } = traits
  const { unready = false, toleratesAll = false } = traits
  return {
    namespace,
    labels,
    grace,
    emptyDir,
    unready,
    toleratesAll,
    stuckTerminating: false,
    ...(terminateMs !== undefined && { terminateMs }),
    ...(volumeClaim !== undefined && { volumeClaim }),
    ...(nodeSelector !== undefined && { nodeSelector }),
    ...(boundTo !== undefined && { boundTo }),
    ...(container !== undefined && { container }),
    ...(image !== undefined && { image }),
  }
}
