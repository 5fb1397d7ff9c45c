import { type Api, listOf, queryOf } from './api.ts'

/** What we read of a pod (k8s.io/api core/v1). */
export interface PodObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly deletionGracePeriodSeconds?: number
    readonly ownerReferences?: readonly OwnerReference[]
  }
  readonly spec?: {
    readonly nodeName?: string
    readonly terminationGracePeriodSeconds?: number
    readonly volumes?: readonly {
      readonly emptyDir?: object
      readonly persistentVolumeClaim?: object
      readonly ephemeral?: object
    }[]
    readonly tolerations?: readonly { readonly key?: string; readonly operator?: string; readonly effect?: string }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
  }
}

interface OwnerReference {
  readonly kind: string
  readonly name: string
  readonly uid?: string
  readonly controller?: boolean
}

/** The pods of a node, or those of them that a label selector chooses. */
export function podsOn(
  api: Api,
  node: string,
  signal: AbortSignal,
  labelSelector?: string,
): Promise<readonly PodObject[]> {
  const query = queryOf({ fieldSelector: `spec.nodeName=${node}`, labelSelector })
  return listOf<PodObject>(api, `/api/v1/pods${query}`, signal)
}

/**
 * Whether a drain is about this pod. Left alone are pods of DaemonSets, which would come back at once, mirror pods of the
 * kubelet, and pods that have ended (as `kubectl drain --ignore-daemonsets --force` does, kubernetes/kubectl
 * pkg/drain/filters.go).
 */
export function mustGo({ metadata, status }: PodObject): boolean {
  if (metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return false
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  return !metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DaemonSet' && controller !== false)
}

/** The controller that would recreate the pod; undefined where there is none. */
export function controllerOf({ metadata }: PodObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)
}

/**
 * `StatefulSet db`, and for a pod of a Deployment's ReplicaSet the Deployment itself: its ReplicaSets have its name, a
 * dash and the hash that is also on their pods (kubernetes pkg/controller/deployment/sync.go getNewReplicaSet).
 */
export function ownerOf(pod: PodObject): string | undefined {
  const owner = controllerOf(pod) ?? pod.metadata.ownerReferences?.[0]
  if (!owner) return undefined
  const suffix = `-${pod.metadata.labels?.['pod-template-hash'] ?? ''}`
  if (owner.kind === 'ReplicaSet' && suffix !== '-' && owner.name.endsWith(suffix))
    return `Deployment ${owner.name.slice(0, -suffix.length)}`
  return `${owner.kind} ${owner.name}`
}

/** `namespace/name`. */
export function fullName({ metadata: { namespace, name } }: PodObject): string {
  return `${namespace}/${name}`
}

/** With data that outlive it: its own claims, or ones that are made for it alone. */
export function hasVolumes({ spec }: PodObject): boolean {
  return spec?.volumes?.some((volume) => volume.persistentVolumeClaim ?? volume.ephemeral) ?? false
}

export function hasEmptyDir({ spec }: PodObject): boolean {
  return spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) ?? false
}

/** Whether the scheduler puts it on a cordoned node (node.kubernetes.io/unschedulable:NoSchedule). */
export function toleratesCordon({ spec }: PodObject): boolean {
  return (
    spec?.tolerations?.some(
      ({ key = '', operator, effect = '' }) =>
        (key === 'node.kubernetes.io/unschedulable' || (key === '' && operator === 'Exists')) &&
        (effect === '' || effect === 'NoSchedule'),
    ) ?? false
  )
}

/**
 * Longhorn's instance managers carry the volumes of the other pods: Longhorn keeps each by a budget of its own, and takes
 * that away when nothing on the node needs it any more (longhorn-manager controller/instance_manager_controller.go).
 */
export function isStorageEngine(pod: PodObject): boolean {
  return controllerOf(pod)?.kind === 'InstanceManager'
}
