import { accessReviews, cronJobs, deployments, owners } from './workloads.ts'

/** What every Kubernetes object carries (k8s.io/apimachinery meta/v1 ObjectMeta), as far as the lab uses it. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly generateName?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation?: number
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller: boolean
  readonly blockOwnerDeletion?: boolean
}

/** An object as it is stored: never changed in place, each write stores a new one. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly spec?: object
  readonly status?: object
}

/** An object on its way into the store, which gives it uid, resourceVersion and creationTimestamp. */
export type Draft<T extends KubernetesObject = KubernetesObject> = Omit<T, 'metadata'> & {
  readonly metadata: Partial<ObjectMeta> & { readonly name: string }
}

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime: string
  readonly lastHeartbeatTime?: string
  readonly observedGeneration?: number
}

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
  readonly timeAdded?: string
}

export interface NodeObject extends KubernetesObject {
  readonly spec: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] }
  readonly status: {
    readonly conditions: readonly Condition[]
    readonly addresses: readonly { readonly type: string; readonly address: string }[]
    readonly nodeInfo: Readonly<Record<string, string>>
    readonly [field: string]: unknown
  }
}

export interface PodObject extends KubernetesObject {
  readonly spec: {
    readonly nodeName?: string
    readonly terminationGracePeriodSeconds: number
    readonly nodeSelector?: Readonly<Record<string, string>>
    readonly tolerations?: readonly { readonly operator: 'Exists' }[]
    readonly volumes?: readonly Readonly<Record<string, unknown>>[]
    readonly [field: string]: unknown
  }
  readonly status: {
    readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
    readonly conditions?: readonly Condition[]
    readonly [field: string]: unknown
  }
}

/** One of a selector's matchExpressions (k8s.io/apimachinery meta/v1 LabelSelectorRequirement). */
export interface Requirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values?: readonly string[]
}

export interface DisruptionBudgetObject extends KubernetesObject {
  readonly spec: {
    readonly minAvailable?: number | string
    readonly maxUnavailable?: number | string
    readonly selector: {
      readonly matchLabels?: Readonly<Record<string, string>>
      readonly matchExpressions?: readonly Requirement[]
    }
    readonly unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow'
  }
  readonly status: {
    readonly conditions?: readonly Condition[]
    readonly currentHealthy: number
    readonly desiredHealthy: number
    readonly disruptionsAllowed: number
    readonly expectedPods: number
    /** Absent until the controller has worked the budget out for the first time. */
    readonly observedGeneration?: number
  }
}

export interface VolumeAttachmentObject extends KubernetesObject {
  readonly spec: {
    readonly attacher: string
    readonly nodeName: string
    readonly source: { readonly persistentVolumeName: string }
  }
  readonly status: { readonly attached: boolean }
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

/** One kind of object the API serves (k8s.io/apimachinery meta/v1 APIResource). */
export interface Resource<T extends KubernetesObject = KubernetesObject> {
  /** Never set: ties the objects' type to the resource. */
  readonly objects?: T
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly Verb[]
  readonly shortNames: readonly string[]
  /** What of its objects is written beside their `spec`, as custom kinds may have it. */
  readonly fields?: readonly string[]
}

const reading = ['get', 'list', 'watch'] as const

export const nodes: Resource<NodeObject> = {
  group: '',
  version: 'v1',
  plural: 'nodes',
  singular: 'node',
  kind: 'Node',
  namespaced: false,
  verbs: [...reading, 'update', 'patch'],
  shortNames: ['no'],
}
export const pods: Resource<PodObject> = {
  group: '',
  version: 'v1',
  plural: 'pods',
  singular: 'pod',
  kind: 'Pod',
  namespaced: true,
  verbs: [...reading, 'update', 'patch', 'delete'],
  shortNames: ['po'],
}
export const namespaces: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  singular: 'namespace',
  kind: 'Namespace',
  namespaced: false,
  verbs: reading,
  shortNames: ['ns'],
}
export const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  singular: 'lease',
  kind: 'Lease',
  namespaced: true,
  verbs: [...reading, 'create', 'update', 'patch', 'delete'],
  shortNames: [],
}
export const disruptionBudgets: Resource<DisruptionBudgetObject> = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  kind: 'PodDisruptionBudget',
  namespaced: true,
  verbs: reading,
  shortNames: ['pdb'],
}
export const volumeAttachments: Resource<VolumeAttachmentObject> = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  kind: 'VolumeAttachment',
  namespaced: false,
  verbs: reading,
  shortNames: [],
}

/** What describes a custom kind, and what describes a version of a group. */
export const customResourceDefinitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  kind: 'CustomResourceDefinition',
  namespaced: false,
  verbs: reading,
  shortNames: ['crd', 'crds'],
}
export const apiServices: Resource = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  singular: 'apiservice',
  kind: 'APIService',
  namespaced: false,
  verbs: reading,
  shortNames: [],
}

/** Everything the API serves, in discovery's order. */
export const resources: readonly Resource[] = [
  namespaces,
  nodes,
  pods,
  owners.DaemonSet,
  deployments,
  owners.ReplicaSet,
  owners.StatefulSet,
  cronJobs,
  accessReviews,
  disruptionBudgets,
  leases,
  volumeAttachments,
  customResourceDefinitions,
  apiServices,
]

/** 'v1' for the core group, '<group>/<version>' for all others. */
export function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`
}

/** How errors name a resource (schema.GroupResource.String): 'nodes', 'leases.coordination.k8s.io'. */
export function qualified({ group, plural }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`
}

/** A metav1.Time: whole seconds, as the API server writes it. */
export function timestamp(at: number = Date.now()): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** A metav1.MicroTime, which leases use: exactly six digits, or client-go and the server refuse to parse it. */
export function microTimestamp(at: number = Date.now()): string {
  return new Date(at).toISOString().replace('Z', '000Z')
}

export function isNode(object: KubernetesObject): object is NodeObject {
  return object.kind === nodes.kind
}

export function isPod(object: KubernetesObject): object is PodObject {
  return object.kind === pods.kind
}

/** Whether the pod's Ready condition is True (kubernetes pkg/api/v1/pod IsPodReady). */
export function isPodReady(pod: PodObject): boolean {
  return pod.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false
}

export function isPodFinished(pod: PodObject): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed'
}

/** The conditions with this one in place; the transition time moves only when the status does. */
export function withCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
): readonly Condition[] {
  const before = conditions.find((each) => each.type === next.type)
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : timestamp()
  const after: Condition = { ...next, lastTransitionTime }
  if (before === undefined) return [...conditions, after]
  return conditions.map((each) => (each === before ? after : each))
}

/** The claims a pod mounts; in the lab a volume has its claim's name, prefixed by 'pv-' and the namespace. */
export function volumesOf(pod: PodObject): readonly string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    const claim = volume['persistentVolumeClaim']
    if (typeof claim !== 'object' || claim === null || !('claimName' in claim)) return []
    return [`pv-${pod.metadata.namespace}-${String(claim.claimName)}`]
  })
}
