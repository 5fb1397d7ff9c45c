import type { KubernetesObject, Resource } from './objects.ts'
import type { Owners } from './owners.ts'
import { isFields } from './patch.ts'
import { badRequest, noSuchResource } from './status.ts'
import { deployments, isScalable, owners as ownerResources, type ScalableObject } from './workloads.ts'
import type { World } from './world.ts'

/** The `scale` subresource of a workload (k8s.io/api autoscaling/v1 Scale). */
export function scaleOf(object: KubernetesObject): KubernetesObject {
  if (!isScalable(object)) throw noSuchResource()
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const status = isFields(object.status) ? object.status : {}
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: object.spec.replicas ?? 1 },
    status: { replicas: status['replicas'] ?? 0 },
  }
}

/** The workload as a client's version of its scale would have it; its resourceVersion is the workload's own. */
export function rescaled(object: KubernetesObject, scale: unknown): KubernetesObject {
  if (!isScalable(object)) throw noSuchResource()
  const { spec, metadata } = isFields(scale) ? scale : {}
  const replicas = isFields(spec) ? spec['replicas'] : undefined
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
    throw badRequest('spec.replicas: Invalid value: must be greater than or equal to 0')
  const version = isFields(metadata) ? metadata['resourceVersion'] : undefined
  const known = typeof version === 'string' && version !== '' ? { resourceVersion: version } : {}
  return { ...object, metadata: { ...object.metadata, ...known }, spec: { ...object.spec, replicas } }
}

/** Has each Deployment's ReplicaSet follow it, and writes down how far that is. In the lab it has the same name. */
export function settleDeployments({ store }: World, owners: Owners): void {
  for (const deployment of store.list(deployments)) {
    const { name, namespace = 'default' } = deployment.metadata
    owners.rescale({ kind: 'ReplicaSet', name }, namespace, replicasOf(deployment))
    const set = store.get(ownerResources.ReplicaSet, namespace, name)
    if (set !== undefined) copyAnnotations(store, deployment, set)
    const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = isFields(set?.status) ? set.status : {}
    const status = { replicas, updatedReplicas: replicas, readyReplicas, availableReplicas, observedGeneration: 1 }
    store.replace(deployments, { ...deployment, status })
  }
}

/** Of a Deployment's annotations these alone stay its own (kubernetes pkg/controller/deployment/util annotationsToSkip). */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
])

type Annotations = Readonly<Record<string, string>>

function pick(annotations: Annotations | undefined, isOwn: boolean): Annotations {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => ownAnnotations.has(key) === isOwn))
}

/** All others are copied to its present ReplicaSet, and never taken away there (copyDeploymentAnnotationsToReplicaSet). */
function copyAnnotations(store: World['store'], deployment: KubernetesObject, set: KubernetesObject): void {
  const copied = pick(deployment.metadata.annotations, false)
  if (Object.keys(copied).length === 0) return
  annotate(store, ownerResources.ReplicaSet, set, { ...set.metadata.annotations, ...copied })
}

function annotate(store: World['store'], resource: Resource, object: KubernetesObject, annotations: Annotations): void {
  const { annotations: _, ...metadata } = object.metadata
  const some = Object.keys(annotations).length > 0 ? { annotations } : {}
  store.replace(resource, { ...object, metadata: { ...metadata, ...some } })
}

/**
 * A new revision: the ReplicaSet of the one before stays, with nothing to run and the annotations that it has got. In the
 * lab the present one keeps the Deployment's name, and those before are `web-revision-1` and so on.
 */
export function rollOut({ store }: World, name: string, namespace: string): void {
  const { ReplicaSet } = ownerResources
  const present = store.get(ReplicaSet, namespace, name)
  if (present === undefined) throw new Error(`there is no Deployment ${namespace}/${name}`)
  const { annotations = {}, labels = {} } = present.metadata
  store.create(ReplicaSet, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-revision-${revisionsOf(store, name, namespace).length + 1}`,
      namespace,
      labels,
      annotations,
    },
    spec: { ...present.spec, replicas: 0 },
    status: {},
  })
  annotate(store, ReplicaSet, store.get(ReplicaSet, namespace, name) ?? present, {})
}

/** The last revision before becomes the present one, and brings its annotations (kubernetes/kubectl pkg/polymorphichelpers/rollback.go). */
export function rollBack({ store }: World, name: string, namespace: string): void {
  const before = revisionsOf(store, name, namespace).at(-1)
  const deployment = store.get(deployments, namespace, name)
  if (before === undefined || deployment === undefined) throw new Error(`${namespace}/${name} has no revision before`)
  const annotations = { ...pick(deployment.metadata.annotations, true), ...pick(before.metadata.annotations, false) }
  annotate(store, deployments, deployment, annotations)
}

/** The present one, and those of revisions before. */
export function replicaSetsOf({ store }: World, name: string, namespace: string): readonly KubernetesObject[] {
  const present = store.get(ownerResources.ReplicaSet, namespace, name)
  return [...(present === undefined ? [] : [present]), ...revisionsOf(store, name, namespace)]
}

function revisionsOf(store: World['store'], name: string, namespace: string): readonly KubernetesObject[] {
  return store
    .list(ownerResources.ReplicaSet, namespace)
    .filter((set) => set.metadata.name.startsWith(`${name}-revision-`))
}

function replicasOf({ spec }: ScalableObject): number {
  return spec.replicas ?? 1
}
