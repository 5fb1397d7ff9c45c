import type { KubernetesObject } from './kubernetes-objects.ts'
import type { Owners } from './kubernetes-owners.ts'
import { isFields } from './kubernetes-patch.ts'
import { badRequest, noSuchResource } from './kubernetes-status.ts'
import { deployments, isScalable, owners as ownerResources, type ScalableObject } from './kubernetes-workloads.ts'
import type { World } from './kubernetes-world.ts'

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
    const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = isFields(set?.status) ? set.status : {}
    const status = { replicas, updatedReplicas: replicas, readyReplicas, availableReplicas, observedGeneration: 1 }
    store.replace(deployments, { ...deployment, status })
  }
}

function replicasOf({ spec }: ScalableObject): number {
  return spec.replicas ?? 1
}
