import {
  apiServices,
  disruptionBudgets,
  leases,
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
import { beatHearts, draftNode, draftNodeLease, findNode, knownNode, settleNodes, type NodeOptions } from './nodes.ts'
import { createOwners, type Owners } from './owners.ts'
import { listPods } from './pods.ts'
import { replicaSetsOf, rollBack, rollOut, settleDeployments } from './scale.ts'
import { settleScheduler } from './scheduler.ts'
import { createSetup, type Setup } from './setup.ts'
import { componentsOf, type ComponentVersions, runControlPlane } from './static-pods.ts'
import { createStore } from './store.ts'
import { cronJobs, deployments, owners as ownerResources } from './workloads.ts'
import { createTimers, type Pace, type World } from './world.ts'

/** The cluster behind the API: objects, controllers and kubelets, without any wire. */
export interface Cluster extends Setup {
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
  const setup = createSetup(world, owners)
  const custom = createCustomObjects(store)
  const cephs = createCephs(custom, setup.addDeployment)
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

  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) setup.addNamespace(name)
  for (const { group, version } of resources)
    if (store.get(apiServices, undefined, `${version}.${group}`) === undefined)
      store.create(apiServices, draftApiService(group, version))
  store.subscribe(settle)

  return {
    ...setup,
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
      knownNode(world, name)
      const { alive, since } = world.kubelets.get(name) ?? { alive: !ready, since: 0 }
      world.kubelets.set(name, { alive: ready, since: alive === ready ? since : Date.now() })
      settle()
    },
    setNodeInfo(name, info) {
      const node = knownNode(world, name)
      const nodeInfo = { ...node.status.nodeInfo, ...info }
      store.replace(nodesResource, { ...node, status: { ...node.status, nodeInfo } })
    },
    runControlPlane: (name, versions = {}) => runControlPlane(world, name, versions, serverVersion),
    componentsOf: (name) => componentsOf(world, name),
    addPodDisruptionBudget(options) {
      setup.addNamespace(options.namespace ?? 'default')
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
