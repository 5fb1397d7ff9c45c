import type { KubernetesObject, Resource, Verb } from './objects.ts'

/** A Deployment or a StatefulSet, as far as it is scaled. */
export interface ScalableObject extends KubernetesObject {
  readonly spec: { readonly replicas?: number; readonly [field: string]: unknown }
}

export interface CronJobObject extends KubernetesObject {
  readonly spec: { readonly schedule: string; readonly suspend?: boolean; readonly [field: string]: unknown }
}

const reading: readonly Verb[] = ['get', 'list', 'watch']
const writing: readonly Verb[] = [...reading, 'update', 'patch']

function app(kind: string, shortName: string, verbs = reading): Resource {
  const singular = kind.toLowerCase()
  return {
    group: 'apps',
    version: 'v1',
    plural: `${singular}s`,
    singular,
    kind,
    namespaced: true,
    verbs,
    shortNames: [shortName],
  }
}

/** What the pods of the lab are kept by. */
export const owners = {
  ReplicaSet: app('ReplicaSet', 'rs'),
  StatefulSet: app('StatefulSet', 'sts', writing),
  DaemonSet: app('DaemonSet', 'ds'),
} as const

/** Keeps a ReplicaSet. */
export const deployments = app('Deployment', 'deploy', writing) as Resource<ScalableObject>

export const cronJobs: Resource<CronJobObject> = {
  group: 'batch',
  version: 'v1',
  plural: 'cronjobs',
  singular: 'cronjob',
  kind: 'CronJob',
  namespaced: true,
  verbs: writing,
  shortNames: ['cj'],
}

/** A question, of which no object remains. */
export const accessReviews: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
  verbs: ['create'],
  shortNames: [],
}

export function isCronJob(object: KubernetesObject): object is CronJobObject {
  return object.kind === cronJobs.kind
}

/** Those with a `scale` subresource. */
export function isScalable(object: KubernetesObject): object is ScalableObject {
  return object.kind === deployments.kind || object.kind === owners.StatefulSet.kind
}
