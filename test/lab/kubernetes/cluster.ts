import {
  apiServices,
  disruptionBudgets,
  leases,
  namespaces as namespacesResource,
  nodes as nodesResource,
  resources,
  type KubernetesObject,
  type NodeObject,
  type PodObject,
} from './objects.ts'
import { createCephs, type Cephs, type CephOptions, type LabCeph } from './ceph.ts'
import {
  createCustomObjects,
  draftApiService,
  type CustomKind,
  type CustomObject,
  type CustomObjects,
} from './custom.ts'
import { draftDisruptionBudget, settleBudgets, type DisruptionBudgetOptions } from './disruption.ts'
import { createFaults, type Faults } from './faults.ts'
import { settleKubelets, settleVolumes } from './kubelets.ts'
import { beatHearts, draftNode, draftNodeLease, findNode, settleNodes, type NodeOptions } from './nodes.ts'
import type { Owner } from './keepers.ts'
import { createOwners, type Owners } from './owners.ts'
import { createPod, listPods, type PodPlan } from './pods.ts'
import { replicaSetsOf, rollBack, rollOut, settleDeployments } from './scale.ts'
import { settleScheduler } from './scheduler.ts'
import { componentsOf, type ComponentVersions, runControlPlane } from './static-pods.ts'
import { createStore } from './store.ts'
import { cronJobs, deployments, owners as ownerResources } from './workloads.ts'
import { createTimers, type Pace, type World } from './world.ts'

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

/** The cluster behind the API: objects, controllers and kubelets, without any wire. */
export interface Cluster {
  readonly world: World
  readonly owners: Owners
  readonly custom: CustomObjects
  readonly cephs: Cephs
  readonly faults: Faults
  addNode(options: NodeOptions): void
  setNodeReady(name: string, ready: boolean): void
  setNodeInfo(name: string, info: Readonly<Record<string, string>>): void
  /** Has a control plane run its static pods, or other versions of them. */
  runControlPlane(name: string, versions?: ComponentVersions): void
  /** Versions of what Kubernetes runs on this node, by name. */
  componentsOf(node: string): Readonly<Record<string, string>>
  addNamespace(name: string): void
  addPod(options: PodOptions): string
  addDeployment(options: DeploymentOptions): void
  /** Its pods are the name with `-0`, `-1` …, on the nodes that take them. */
  addStatefulSet(options: DeploymentOptions): void
  addCronJob(options: CronJobOptions): void
  /** A Ceph that Rook runs, with its toolbox. */
  addCeph(options?: CephOptions): LabCeph
  addPodDisruptionBudget(options: DisruptionBudgetOptions): void
  /** In namespace `default` unless said. */
  removePodDisruptionBudget(name: string, namespace?: string): void
  /** The volume is not detached from its node, whatever becomes of its pods. In the lab it is `pv-<namespace>-<claim>`. */
  holdVolume(name: string, held?: boolean): void
  /** Has a custom kind served, without an object of it. */
  defineCustom(kind: CustomKind): void
  /** Puts a custom object there, or changes it. */
  putCustom(kind: CustomKind, object: CustomObject): void
  /** Takes a custom kind out of the cluster, as who uninstalls a system does. */
  removeCustom(kind: CustomKind): void
  /** A new revision of a Deployment, as a changed template makes one. */
  rollOut(name: string, namespace?: string): void
  /** Back to the revision before, as `kubectl rollout undo` does it. */
  rollBack(name: string, namespace?: string): void
  node(name: string): NodeObject | undefined
  /** A Deployment, StatefulSet or CronJob, as it is; in namespace `default` unless said. */
  workload(kind: WorkloadKind, name: string, namespace?: string): KubernetesObject | undefined
  /** A Deployment's ReplicaSets, the present one first. */
  replicaSets(deployment: string, namespace?: string): readonly KubernetesObject[]
  pods(): readonly PodObject[]
  /** Whether anything can be written; controllers and kubelets take up their work when it can again. */
  setWritable(writable: boolean): void
  /** Starts what runs by the clock. */
  start(): void
  stop(): void
}

const workloads = { Deployment: deployments, StatefulSet: ownerResources.StatefulSet, CronJob: cronJobs } as const
export type WorkloadKind = keyof typeof workloads

const usualPace: Pace = {
  terminate: 20,
  reschedule: 20,
  detach: 20,
  monitorGrace: 0,
  tolerateUnreachable: 300_000,
  heartbeat: 10_000,
  etcdTimeout: 7_000,
}

export function createCluster(serverVersion: string, pace: Partial<Pace>): Cluster {
  const store = createStore()
  let writable = true
  let writableSince = 0
  let settling = false
  let unsettled = false
  let unnamed = 0

  const world: World = {
    store,
    timers: createTimers(),
    pace: { ...usualPace, ...pace },
    kubelets: new Map(),
    plans: new Map(),
    heldVolumes: new Set(),
    isWritable: () => writable,
    writableSince: () => writableSince,
    settle,
  }
  const owners = createOwners(world)
  const custom = createCustomObjects(store)
  const faults = createFaults()

  function settle(): void {
    if (!writable) return
    unsettled = true
    if (settling) return
    settling = true
    try {
      while (unsettled) {
        unsettled = false
        settleNodes(world)
        settleDeployments(world, owners)
        owners.settle()
        settleScheduler(world)
        settleVolumes(world)
        settleKubelets(world)
        settleBudgets(world, owners)
      }
    } finally {
      settling = false
    }
  }

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

  function planOf({ namespace = 'default', labels = {}, grace = 30, emptyDir = false, ...traits }: PodTraits): PodPlan {
    addNamespace(namespace)
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

  function known(name: string): NodeObject {
    const node = findNode(world, name)
    if (node === undefined) throw new Error(`the lab's cluster has no node ${name}`)
    return node
  }

  function addDeployment({ name, replicas, ...traits }: DeploymentOptions): void {
    const { namespace = 'default', labels } = traits
    owners.addReplicaSet(name, planOf(traits), replicas)
    store.create(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, generation: 1, labels },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels } } },
      status: {},
    })
  }
  const cephs = createCephs(custom, addDeployment)

  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) addNamespace(name)
  for (const { group, version } of resources)
    if (store.get(apiServices, undefined, `${version}.${group}`) === undefined)
      store.create(apiServices, draftApiService(group, version))
  store.subscribe(settle)

  return {
    world,
    owners,
    custom,
    cephs,
    faults,
    addCeph: cephs.add,
    addNode(options) {
      world.kubelets.set(options.name, { alive: true, since: Date.now() })
      const node = store.create(nodesResource, draftNode(options, serverVersion))
      store.create(leases, draftNodeLease(node))
    },
    setNodeReady(name, ready) {
      known(name)
      const { alive, since } = world.kubelets.get(name) ?? { alive: !ready, since: 0 }
      world.kubelets.set(name, { alive: ready, since: alive === ready ? since : Date.now() })
      settle()
    },
    setNodeInfo(name, info) {
      const node = known(name)
      const nodeInfo = { ...node.status.nodeInfo, ...info }
      store.replace(nodesResource, { ...node, status: { ...node.status, nodeInfo } })
    },
    runControlPlane: (name, versions = {}) => runControlPlane(world, name, versions, serverVersion),
    componentsOf: (name) => componentsOf(world, name),
    addNamespace,
    addPod({ name, node, owner, controller, completed = false, stuckTerminating = false, ...traits }) {
      known(node)
      const plan = { ...planOf(traits), stuckTerminating }
      const phase = completed ? 'Succeeded' : world.kubelets.get(node)?.alive ? 'Running' : 'Pending'
      if (owner !== undefined) return owners.adopt(owner, plan, { ...(name !== undefined && { name }), node, phase })
      unnamed += name === undefined ? 1 : 0
      const chosen = name ?? `pod-${unnamed}`
      const reference = controller && { ...controller, uid: `uid-of-${controller.name}`, controller: true }
      createPod(world, plan, { name: chosen, node, phase, ...(reference !== undefined && { owner: reference }) })
      return chosen
    },
    addDeployment,
    addStatefulSet: ({ name, replicas, ...traits }) => owners.addStatefulSet(name, planOf(traits), replicas),
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
    addPodDisruptionBudget(options) {
      addNamespace(options.namespace ?? 'default')
      store.create(disruptionBudgets, draftDisruptionBudget(options))
    },
    removePodDisruptionBudget(name, namespace = 'default') {
      const budget = store.get(disruptionBudgets, namespace, name)
      if (budget !== undefined) store.remove(disruptionBudgets, budget)
    },
    holdVolume(name, held = true) {
      if (held) world.heldVolumes.add(name)
      else world.heldVolumes.delete(name)
      settle()
    },
    defineCustom: custom.define,
    putCustom: custom.put,
    removeCustom: custom.remove,
    rollOut: (name, namespace = 'default') => rollOut(world, name, namespace),
    rollBack: (name, namespace = 'default') => rollBack(world, name, namespace),
    node: (name) => findNode(world, name),
    workload: (kind, name, namespace = 'default') => store.get<KubernetesObject>(workloads[kind], namespace, name),
    replicaSets: (deployment, namespace = 'default') => replicaSetsOf(world, deployment, namespace),
    pods: () => listPods(world),
    setWritable(next) {
      if (next && !writable) writableSince = Date.now()
      writable = next
      settle()
    },
    start: () => beatHearts(world),
    stop: () => world.timers.cancelAll(),
  }
}
