import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { timestamp, type Draft, type KubernetesObject, type ObjectMeta, type Resource } from './objects.ts'
import { alreadyExists } from './status.ts'

/** One change, as a watch tells it. `before` is what the object was, for selectors that it may have left. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly resource: Resource
  readonly version: number
  readonly object: KubernetesObject
  readonly before?: KubernetesObject
}

/** The objects of the cluster and one counter of versions for all of them, as etcd's revision is. */
export interface Store {
  version(): number
  get<T extends KubernetesObject>(resource: Resource<T>, namespace: string | undefined, name: string): T | undefined
  /** All of a kind, by namespace and name as etcd's keys sort. */
  list<T extends KubernetesObject>(resource: Resource<T>, namespace?: string): readonly T[]
  create<T extends KubernetesObject>(resource: Resource<T>, draft: Draft<T>): T
  /** Stores a changed object; one that is the same keeps its resourceVersion, as in etcd3/store.go GuaranteedUpdate. */
  replace<T extends KubernetesObject>(resource: Resource<T>, next: T): T
  remove(resource: Resource, object: KubernetesObject): void
  /** The changes after a version, or undefined when they are no longer remembered ("too old resource version"). */
  since(version: number): readonly Change[] | undefined
  /** Called after each change, in order; returns how to stop. */
  subscribe(listener: (change: Change) => void): () => void
}

const remembered = 2_000

export function createStore(): Store {
  const kept = new Map<Resource, Map<string, KubernetesObject>>()
  const listeners = new Set<(change: Change) => void>()
  const history: Change[] = []
  const untold: Change[] = []
  let telling = false
  // A new cluster has written a good deal before anybody looks; small numbers would hide clients that compare them as text.
  let version = 995
  let forgotten = version

  function shelf<T extends KubernetesObject>(resource: Resource<T>): Map<string, T> {
    const found = kept.get(resource) ?? new Map<string, KubernetesObject>()
    kept.set(resource, found)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only what has the resource's type was put there
    return found as Map<string, T>
  }
  const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ''}/${name}`

  function tell(change: Change): void {
    history.push(change)
    if (history.length > remembered) forgotten = history.shift()?.version ?? forgotten
    untold.push(change)
    // A listener may write: what it wrote is told after this change has reached everybody, so all see one order.
    if (telling) return
    telling = true
    try {
      for (let next = untold.shift(); next !== undefined; next = untold.shift())
        listeners.forEach((listener) => listener(next))
    } finally {
      telling = false
    }
  }

  function keep<T extends KubernetesObject>(resource: Resource<T>, next: T, before?: T): T {
    version += 1
    const object = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } }
    shelf(resource).set(keyOf(object.metadata.namespace, object.metadata.name), object)
    tell(
      before === undefined
        ? { type: 'ADDED', resource, version, object }
        : { type: 'MODIFIED', resource, version, object, before },
    )
    return object
  }

  return {
    version: () => version,
    get: (resource, namespace, name) => shelf(resource).get(keyOf(namespace, name)),
    list: (resource, namespace) =>
      [...shelf(resource)]
        .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => object),
    create<T extends KubernetesObject>(resource: Resource<T>, draft: Draft<T>): T {
      const { namespace, name } = draft.metadata
      if (shelf(resource).has(keyOf(namespace, name))) throw alreadyExists(resource, name)
      const born = { uid: randomUUID(), creationTimestamp: timestamp(), resourceVersion: '' }
      const metadata: ObjectMeta = { ...draft.metadata, ...born }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a draft is the object but for what `born` adds
      return keep(resource, { ...draft, metadata } as unknown as T)
    },
    replace<T extends KubernetesObject>(resource: Resource<T>, next: T): T {
      const before = shelf(resource).get(keyOf(next.metadata.namespace, next.metadata.name))
      if (isDeepStrictEqual(before, next)) return next
      return keep(resource, next, before)
    },
    remove(resource, object) {
      if (!shelf(resource).delete(keyOf(object.metadata.namespace, object.metadata.name))) return
      version += 1
      const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
      tell({ type: 'DELETED', resource, version, object: last, before: object })
    },
    since: (from) => (from < forgotten ? undefined : history.filter((change) => change.version > from)),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
