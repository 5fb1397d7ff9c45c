import type { Cluster } from './cluster.ts'
import type { KubernetesObject } from './objects.ts'
import type { Route, User } from './routes.ts'
import { notFound } from './status.ts'
import type { Watch } from './watch.ts'

/** Something a client did to a node, a pod, a workload or a setting. */
export interface DiaryEntry {
  /** Epoch milliseconds. */
  readonly at: number
  /**
   * 'cordon w-1', 'evict default/web-1', 'evict-refused default/db-0', 'delete default/db-0', 'uncordon w-1',
   * 'scale default/web to 0', 'suspend default/backup', 'resume default/backup',
   * 'set longhorn-system/node-drain-policy to always-allow', 'exec rook-ceph/rook-ceph-tools-1 ceph osd set noout'.
   */
  readonly text: string
  /** The client's user name. */
  readonly by: string
  /** The grace period an eviction or a deletion asked for, in seconds; absent when the pod's own was to be used. */
  readonly grace?: number
}

/** A request that may be carried out. */
export interface Request {
  readonly route: Route
  readonly query: URLSearchParams
  readonly contentType: string
  readonly body: unknown
  readonly user: User
  readonly form: 'json' | 'table'
}

export type Reply = { readonly code: number; readonly body: object } | { readonly watch: Watch }

/** A request on its way: what the storage of every resource needs to carry it out. */
export interface Undertaking extends Request {
  readonly cluster: Cluster
  /** The object's name; '' for a whole collection. */
  readonly name: string
  /** Nothing is to be changed or noted. */
  readonly dryRun: boolean
  /** Writes into the diary what the client did. */
  note(text: string, grace?: number): void
  /** What the request is about; throws a 404. */
  existing(): KubernetesObject
}

export function beginUndertaking(cluster: Cluster, diary: DiaryEntry[], request: Request): Undertaking {
  const { route, query, user } = request
  const { resource, namespace, name = '' } = route
  const dryRun = query.get('dryRun') === 'All'
  return {
    ...request,
    cluster,
    name,
    dryRun,
    note(text, grace) {
      if (!dryRun) diary.push({ at: Date.now(), text, by: user.name, ...(grace !== undefined && { grace }) })
    },
    existing() {
      const found = cluster.world.store.get(resource, namespace, name)
      if (found === undefined) throw notFound(resource, name)
      return found
    },
  }
}

export function ok(body: object): Reply {
  return { code: 200, body }
}
