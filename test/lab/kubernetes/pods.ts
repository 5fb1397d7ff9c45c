import {
  isPodFinished,
  pods as podsResource,
  timestamp,
  withCondition,
  type Condition,
  type Draft,
  type OwnerReference,
  type PodObject,
} from './objects.ts'
import type { World } from './world.ts'

/** What a pod is like, apart from its name, its node and its owner: what a replacement takes over. */
export interface PodPlan {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** terminationGracePeriodSeconds. */
  readonly grace: number
  /** How long it takes to stop, in milliseconds; the pace's when absent. */
  readonly terminateMs?: number
  readonly emptyDir: boolean
  readonly volumeClaim?: string
  readonly nodeSelector?: Readonly<Record<string, string>>
  /** It tolerates every taint. */
  readonly toleratesAll: boolean
  /** The node that its template names. */
  readonly boundTo?: string
  /** Its container's name; `main` unless said. */
  readonly container?: string
  /** Its container's image. */
  readonly image?: string
  readonly stuckTerminating: boolean
  /** Its containers run but it never becomes Ready, as one that crashes again and again. */
  readonly unready: boolean
}

export interface PodPlace {
  readonly name: string
  readonly generateName?: string
  readonly node?: string
  readonly owner?: OwnerReference
  readonly phase: 'Pending' | 'Running' | 'Succeeded'
}

/** Stores a new pod. */
export function createPod({ store, plans }: World, plan: PodPlan, place: PodPlace): PodObject {
  const pod = store.create(podsResource, draftPod(plan, place))
  plans.set(pod.metadata.uid, plan)
  return pod
}

/** The pod as it is now, or undefined when it is gone or another one has its name. */
export function currentPod({ store }: World, { metadata }: PodObject): PodObject | undefined {
  const found = store.get(podsResource, metadata.namespace, metadata.name)
  return found?.metadata.uid === metadata.uid ? found : undefined
}

export function listPods({ store }: Pick<World, 'store'>, namespace?: string): readonly PodObject[] {
  return store.list(podsResource, namespace)
}

/** Takes the pod out of the API at once, as a deletion with no grace left does. */
export function removePod({ store, plans }: World, pod: PodObject): void {
  store.remove(podsResource, pod)
  plans.delete(pod.metadata.uid)
}

/**
 * Deletes a pod as the API does: sets the end of its grace period, and leaves the rest to its kubelet. A pod that is
 * being deleted already can only have its grace cut short; one without a node, finished, or with a grace of 0 is
 * removed at once (k8s.io/apiserver pkg/registry/rest/delete.go BeforeDelete, kubernetes pkg/registry/core/pod
 * strategy.go CheckGracefulDelete).
 * @returns the pod as it was answered to the client, still with its deletionTimestamp when it is gone.
 */
export function deletePod(world: World, pod: PodObject, requested: number | undefined): PodObject {
  const { deletionGracePeriodSeconds: pending, deletionTimestamp } = pod.metadata
  const atOnce = pod.spec.nodeName === undefined || isPodFinished(pod)
  const asked = requested !== undefined && requested < 0 ? 1 : requested
  const grace = atOnce ? 0 : (asked ?? pending ?? pod.spec.terminationGracePeriodSeconds)
  if (pending !== undefined && grace >= pending) return pod
  const began = deletionTimestamp === undefined ? Date.now() : Date.parse(deletionTimestamp) - (pending ?? 0) * 1000
  const metadata = {
    ...pod.metadata,
    deletionTimestamp: timestamp(began + grace * 1000),
    deletionGracePeriodSeconds: grace,
    ...(pending === undefined && { generation: (pod.metadata.generation ?? 1) + 1 }),
  }
  if (grace > 0) return world.store.replace(podsResource, { ...pod, metadata })
  removePod(world, pod)
  return { ...pod, metadata }
}

/** Changes a pod's phase and Ready condition, as its kubelet or the node controller does. */
export function reportPod({ store }: World, pod: PodObject, phase: 'Running' | 'Succeeded', ready: boolean): void {
  const conditions = podConditions(pod.status.conditions ?? [], phase, ready)
  const started = phase === 'Running' ? { startTime: pod.status['startTime'] ?? timestamp() } : {}
  const containers = (pod.spec['containers'] ?? []) as readonly { readonly name: string }[]
  const containerStatuses = containers.map(({ name }) => containerStatus(name, phase, ready))
  store.replace(podsResource, { ...pod, status: { ...pod.status, ...started, phase, conditions, containerStatuses } })
}

/** What a kubelet says of a container: clients take a pod whose containers say nothing for one that has ended. */
function containerStatus(name: string, phase: 'Running' | 'Succeeded', ready: boolean) {
  const state = phase === 'Running' ? { running: {} } : { terminated: { exitCode: 0, reason: 'Completed' } }
  return { name, image: pauseImage, imageID: '', ready, restartCount: 0, started: phase === 'Running', state }
}

const pauseImage = 'registry.k8s.io/pause:3.10'

/** Adds the condition that tells a pod's owner why it goes (kubernetes eviction.go addConditionAndDeletePod). */
export function markDisrupted({ store }: World, pod: PodObject): PodObject {
  const conditions = withCondition(pod.status.conditions ?? [], {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  })
  return store.replace(podsResource, { ...pod, status: { ...pod.status, conditions } })
}

export function podConditions(
  before: readonly Condition[],
  phase: PodPlace['phase'],
  ready: boolean,
): readonly Condition[] {
  const status = ready ? ('True' as const) : ('False' as const)
  const done = phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}
  const why = ready || phase === 'Succeeded' ? done : { reason: 'ContainersNotReady' }
  return [
    { type: 'PodScheduled', status: 'True' as const },
    { type: 'Initialized', status: 'True' as const, ...done },
    { type: 'ContainersReady', status, ...why },
    { type: 'Ready', status, ...why },
  ].reduce<readonly Condition[]>((conditions, next) => withCondition(conditions, next), before)
}

function draftPod(plan: PodPlan, { name, generateName, node, owner, phase }: PodPlace): Draft<PodObject> {
  const mirror = owner?.kind === 'Node'
  const volumes = [
    ...(plan.emptyDir ? [{ name: 'scratch', emptyDir: {} }] : []),
    ...(plan.volumeClaim === undefined
      ? []
      : [{ name: 'data', persistentVolumeClaim: { claimName: plan.volumeClaim } }]),
  ]
  const hash = Buffer.from(name).toString('hex').slice(0, 32)
  const fromFile = { 'kubernetes.io/config.hash': hash, 'kubernetes.io/config.mirror': hash }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: plan.namespace,
      generation: 1,
      labels: plan.labels,
      ...(generateName !== undefined && { generateName }),
      ...(mirror && { annotations: { ...fromFile, 'kubernetes.io/config.source': 'file' } }),
      ...(owner !== undefined && { ownerReferences: [owner] }),
    },
    spec: {
      ...(node !== undefined && { nodeName: node }),
      ...(plan.nodeSelector !== undefined && { nodeSelector: plan.nodeSelector }),
      ...(plan.toleratesAll && { tolerations: [{ operator: 'Exists' }] }),
      ...(volumes.length > 0 && { volumes }),
      containers: [{ name: plan.container ?? 'main', image: plan.image ?? pauseImage }],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: plan.grace,
      ...(mirror && { priorityClassName: 'system-node-critical' }),
    },
    status: {
      phase,
      ...(phase === 'Running' && { startTime: timestamp() }),
      ...(phase !== 'Pending' && {
        conditions: podConditions([], phase, phase === 'Running' && !plan.unready),
        containerStatuses: [containerStatus(plan.container ?? 'main', phase, phase === 'Running' && !plan.unready)],
      }),
    },
  }
}
