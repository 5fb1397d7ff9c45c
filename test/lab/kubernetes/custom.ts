import {
  apiServices,
  apiVersionOf,
  customResourceDefinitions,
  type Draft,
  type KubernetesObject,
  type Resource,
} from './objects.ts'
import type { Store } from './store.ts'

/** A kind that a CustomResourceDefinition adds to the API. */
export interface CustomKind {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  /** In a namespace unless said. */
  readonly namespaced?: boolean
  /** What clients may write of it beside its `spec`; where it is not said, they may only read. */
  readonly fields?: readonly string[]
}

export interface CustomObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec?: object
  readonly status?: object
  /** A setting of Longhorn has it beside its metadata. */
  readonly value?: string
}

/** The storage systems' kinds, of their own CustomResourceDefinitions. */
export const longhornVolumes: CustomKind = {
  group: 'longhorn.io',
  version: 'v1beta2',
  plural: 'volumes',
  kind: 'Volume',
}
export const longhornReplicas: CustomKind = {
  group: 'longhorn.io',
  version: 'v1beta2',
  plural: 'replicas',
  kind: 'Replica',
}
export const longhornSettings: CustomKind = {
  group: 'longhorn.io',
  version: 'v1beta2',
  plural: 'settings',
  kind: 'Setting',
  fields: ['value'],
}
export const cephClusters: CustomKind = {
  group: 'ceph.rook.io',
  version: 'v1',
  plural: 'cephclusters',
  kind: 'CephCluster',
}

export interface CustomObjects {
  /** What is served beside the built-in kinds. */
  readonly resources: readonly Resource[]
  /** Has the kind served from now on, without an object of it, as an operator does that was just installed. */
  define(kind: CustomKind): void
  /** Puts an object there, or changes it, as its operator does. In namespace `default` unless said. */
  put(kind: CustomKind, object: CustomObject): void
  /** Takes the kind out of the cluster, with its definition and all objects of it. */
  remove(kind: CustomKind): void
}

export function createCustomObjects(store: Store): CustomObjects {
  const resources: Resource[] = []

  function resourceOf({ group, version, plural, kind, namespaced = true, fields }: CustomKind): Resource {
    const found = resources.find((each) => each.group === group && each.plural === plural)
    if (found !== undefined) return found
    const reading = ['get', 'list', 'watch'] as const
    const served =
      fields === undefined ? { verbs: reading } : { verbs: [...reading, 'update', 'patch'] as const, fields }
    const made = { group, version, plural, kind, namespaced, singular: kind.toLowerCase(), ...served, shortNames: [] }
    resources.push(made)
    describe(made)
    return made
  }

  /** The objects that say of a custom kind that it is there: etcd has them, whatever the API serves just now. */
  function describe({ group, version, plural, kind, namespaced, singular }: Resource): void {
    store.create(customResourceDefinitions, {
      apiVersion: apiVersionOf(customResourceDefinitions),
      kind: customResourceDefinitions.kind,
      metadata: { name: `${plural}.${group}`, generation: 1 },
      spec: {
        group,
        names: { plural, singular, kind, listKind: `${kind}List` },
        scope: namespaced ? 'Namespaced' : 'Cluster',
        versions: [{ name: version, served: true, storage: true }],
      },
      status: { conditions: [{ type: 'Established', status: 'True', reason: 'InitialNamesAccepted' }] },
    })
    const name = `${version}.${group}`
    if (store.get(apiServices, undefined, name) === undefined)
      store.create(apiServices, draftApiService(group, version))
  }

  return {
    resources,
    define: (kind) => void resourceOf(kind),
    remove({ group, version, plural }) {
      const index = resources.findIndex((each) => each.group === group && each.plural === plural)
      const [resource] = index < 0 ? [] : resources.splice(index, 1)
      if (resource === undefined) return
      for (const object of store.list(resource)) store.remove(resource, object)
      const isLast = !resources.some((each) => each.group === group && each.version === version)
      const described = [
        store.get(customResourceDefinitions, undefined, `${plural}.${group}`),
        isLast ? store.get(apiServices, undefined, `${version}.${group}`) : undefined,
      ]
      for (const [at, object] of described.entries())
        if (object !== undefined) store.remove(at === 0 ? customResourceDefinitions : apiServices, object)
    },
    put(kind, { metadata, ...rest }) {
      const resource = resourceOf(kind)
      const place = resource.namespaced ? { namespace: 'default', ...metadata } : metadata
      const before = store.get(resource, resource.namespaced ? place.namespace : undefined, metadata.name)
      const draft: Draft = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: place, ...rest }
      if (before === undefined) store.create(resource, draft)
      else {
        const next: KubernetesObject = { ...draft, metadata: { ...before.metadata, ...place } }
        store.replace(resource, next)
      }
    },
  }
}

/** kubernetes/kube-aggregator pkg/apis/apiregistration/v1: one for each version of a group, also of the built-in ones. */
export function draftApiService(group: string, version: string): Draft {
  return {
    apiVersion: apiVersionOf(apiServices),
    kind: apiServices.kind,
    metadata: { name: `${version}.${group}`, generation: 1 },
    spec: { group, version, groupPriorityMinimum: 1000, versionPriority: 100 },
    status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
  }
}
