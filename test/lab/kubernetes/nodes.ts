import {
  apiVersionOf,
  isPodReady,
  leases,
  microTimestamp,
  nodes as nodesResource,
  timestamp,
  withCondition,
  type Draft,
  type KubernetesObject,
  type NodeObject,
  type Taint,
} from './objects.ts'
import { deletePod, listPods, reportPod } from './pods.ts'
import { isAlive, type World } from './world.ts'

/** A node as it registers. */
export interface NodeOptions {
  readonly name: string
  readonly role: 'controlplane' | 'worker'
  /** Its InternalIP. */
  readonly address: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Lets ordinary pods run on a control plane: Talos' allowSchedulingOnControlPlanes; without it the node is tainted. */
  readonly allowScheduling?: boolean
}

const controlPlane = 'node-role.kubernetes.io/control-plane'
const unschedulable: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
const unreachable = 'node.kubernetes.io/unreachable'

export function listNodes({ store }: Pick<World, 'store'>): readonly NodeObject[] {
  return store.list(nodesResource)
}

export function findNode({ store }: Pick<World, 'store'>, name: string): NodeObject | undefined {
  return store.get(nodesResource, undefined, name)
}

export function isNodeReady(node: NodeObject): boolean {
  return node.status.conditions.some((each) => each.type === 'Ready' && each.status === 'True')
}

export function draftNode(options: NodeOptions, kubeletVersion: string): Draft<NodeObject> {
  const { name, role, address, labels, annotations, allowScheduling = false } = options
  const ready = { reason: 'KubeletReady', message: 'kubelet is posting ready status', ...beats() }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...(role === 'controlplane' && { [controlPlane]: '' }),
        ...labels,
      },
      ...(annotations !== undefined && { annotations }),
    },
    spec: role === 'controlplane' && !allowScheduling ? { taints: [{ key: controlPlane, effect: 'NoSchedule' }] } : {},
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      capacity: { cpu: '4', memory: '16Gi', pods: '110' },
      allocatable: { cpu: '4', memory: '16Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True', ...ready, lastTransitionTime: timestamp() }],
      nodeInfo: {
        architecture: 'amd64',
        operatingSystem: 'linux',
        osImage: 'Talos',
        kubeletVersion,
        bootID: crypto.randomUUID(),
        systemUUID: crypto.randomUUID(),
        machineID: crypto.randomUUID(),
      },
    },
  }
}

/** The lease by which a kubelet shows that it lives (kubernetes pkg/kubelet, kube-node-lease). */
export function draftNodeLease({ metadata }: NodeObject): Draft {
  const owner = { apiVersion: 'v1', kind: 'Node', name: metadata.name, uid: metadata.uid, controller: false }
  return {
    apiVersion: apiVersionOf(leases),
    kind: 'Lease',
    metadata: { name: metadata.name, namespace: 'kube-node-lease', ownerReferences: [owner] },
    spec: { holderIdentity: metadata.name, leaseDurationSeconds: 40, renewTime: microTimestamp() },
  }
}

/** Renews the leases of all living kubelets, for as long as the timers run. */
export function beatHearts(world: World): void {
  const { store, timers, pace, isWritable } = world
  timers.once('heartbeat', pace.heartbeat, () => {
    for (const { metadata } of isWritable() ? listNodes(world) : []) {
      const lease = store.get(leases, 'kube-node-lease', metadata.name)
      if (lease === undefined || !isAlive(world, metadata.name)) continue
      const next: KubernetesObject = { ...lease, spec: { ...lease.spec, renewTime: microTimestamp() } }
      store.replace(leases, next)
    }
    beatHearts(world)
  })
}

/**
 * What kubelets report about their nodes, and what the node controller makes of their silence: Ready Unknown, taints,
 * pods that are not Ready, and after a while pods that are deleted (kubernetes pkg/controller/nodelifecycle,
 * pkg/controller/tainteviction).
 */
export function settleNodes(world: World): void {
  for (const node of listNodes(world)) {
    const judged = withTaints(judge(world, node))
    if (judged !== node) world.store.replace(nodesResource, judged)
    const { name } = node.metadata
    if (isNodeReady(judged)) world.timers.cancel(`unreachable ${name}`)
    else leaveUnreachable(world, name)
  }
}

function judge(world: World, node: NodeObject): NodeObject {
  const { name } = node.metadata
  const kubelet = world.kubelets.get(name)
  if (kubelet === undefined || kubelet.alive === isNodeReady(node)) return node
  const report = (status: 'True' | 'Unknown', reason: string, message: string): NodeObject => {
    const conditions = withCondition(node.status.conditions, { type: 'Ready', status, reason, message, ...beats() })
    return { ...node, status: { ...node.status, conditions } }
  }
  if (kubelet.alive) return report('True', 'KubeletReady', 'kubelet is posting ready status')
  const left = Math.max(kubelet.since, world.writableSince()) + world.pace.monitorGrace - Date.now()
  if (left <= 0) return report('Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.')
  world.timers.once(`monitor ${name}`, left, world.settle)
  return node
}

function withTaints(node: NodeObject): NodeObject {
  const before = node.spec.taints ?? []
  const unknown = !isNodeReady(node)
  const kept = before.filter(
    ({ key }) => (key !== unschedulable.key || node.spec.unschedulable) && (key !== unreachable || unknown),
  )
  const has = (key: string): boolean => kept.some((taint) => taint.key === key)
  const timeAdded = timestamp()
  const taints: readonly Taint[] = [
    ...kept,
    ...(node.spec.unschedulable && !has(unschedulable.key) ? [{ ...unschedulable, timeAdded }] : []),
    ...(unknown && !has(unreachable)
      ? (['NoSchedule', 'NoExecute'] as const).map((effect) => ({ key: unreachable, effect, timeAdded }))
      : []),
  ]
  if (taints.length === before.length && kept.length === before.length) return node
  const { taints: _, ...spec } = node.spec
  return { ...node, spec: { ...spec, ...(taints.length > 0 && { taints }) } }
}

function leaveUnreachable(world: World, name: string): void {
  const there = () => listPods(world).filter((pod) => pod.spec.nodeName === name)
  for (const pod of there()) if (isPodReady(pod)) reportPod(world, pod, 'Running', false)
  world.timers.once(`unreachable ${name}`, world.pace.tolerateUnreachable, () => {
    const node = findNode(world, name)
    if (!world.isWritable() || node === undefined || isNodeReady(node)) return
    for (const pod of there()) {
      const owner = pod.metadata.ownerReferences?.[0]?.kind
      // These two tolerate every NoExecute taint for ever.
      if (owner !== 'DaemonSet' && owner !== 'Node') deletePod(world, pod, undefined)
    }
  })
}

function beats(): { lastHeartbeatTime: string } {
  return { lastHeartbeatTime: timestamp() }
}

/** @throws Error where there is no node of this name */
export function knownNode(world: World, name: string): NodeObject {
  const node = findNode(world, name)
  if (node === undefined) throw new Error(`the lab's cluster has no node ${name}`)
  return node
}
