import type { Cluster } from './cluster.ts'
import { evictPod } from './disruption.ts'
import {
  apiVersionOf,
  isNode,
  isPod,
  leases,
  namespaces,
  type KubernetesObject,
  type NodeObject,
  type Verb,
} from './objects.ts'
import { applyPatch, draftObject, isFields, reviseObject } from './patch.ts'
import { deletePod } from './pods.ts'
import type { Route, User } from './routes.ts'
import { rescaled, scaleOf } from './scale.ts'
import { parseSelectors } from './selectors.ts'
import { badRequest, conflict, isRefusal, noSuchResource, notFound } from './status.ts'
import { tableOf } from './table.ts'
import type { Watch } from './watch.ts'
import { isCronJob } from './workloads.ts'

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

/** Carries a request out on the cluster, as the storage of each resource does; throws refusals. */
export function carryOut(cluster: Cluster, diary: DiaryEntry[], request: Request): Reply {
  const { world, owners, faults } = cluster
  const { store } = world
  const { route, query, contentType, body, user, form } = request
  const { resource, namespace, name = '' } = route
  const dryRun = query.get('dryRun') === 'All'

  const note = (text: string, grace?: number): void => {
    if (!dryRun) diary.push({ at: Date.now(), text, by: user.name, ...(grace !== undefined && { grace }) })
  }

  function existing(): KubernetesObject {
    const found = store.get(resource, namespace, name)
    if (found === undefined) throw notFound(resource, name)
    return found
  }

  function list(): Reply {
    const selects = parseSelectors(resource, query)
    // Elements of a list do not repeat their kind; clients have to know it.
    const found = store.list(resource, namespace).filter(selects)
    const page = faults.page(found, query)
    const metadata = { resourceVersion: String(store.version()), ...page.metadata }
    if (form === 'table') {
      const table = tableOf(resource, page.items, metadata.resourceVersion)
      return ok({ ...table, metadata })
    }
    const items = page.items.map(withoutKind)
    return ok({ kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items })
  }

  function create(): Reply {
    const draft = draftObject(resource, namespace, body)
    if (namespace !== undefined && store.get(namespaces, undefined, namespace) === undefined)
      throw notFound(namespaces, namespace)
    return { code: 201, body: dryRun ? draft : store.create(resource, draft) }
  }

  function write(by: 'patch' | 'update', wanted: (before: KubernetesObject) => unknown): Reply {
    faults.disturb(store, resource, existing())
    const before = existing()
    const next = reviseObject(resource, before, wanted(before), by)
    if (dryRun) return ok(next)
    // Noted first: what the controllers make of it comes after it.
    if (isNode(before) && isNode(next)) noteCordon(before, next)
    const suspend = isCronJob(next) && isCronJob(before) && before.spec.suspend !== next.spec.suspend
    if (suspend) note(`${next.spec.suspend ? 'suspend' : 'resume'} ${namespace}/${name}`)
    const value = (resource.fields ?? []).map((field) => Object.entries(next).find(([key]) => key === field)?.[1])
    if (value.length > 0) note(`set ${namespace}/${name} to ${value.join(', ')}`)
    return ok(store.replace(resource, next))
  }

  /** Carried out on the workload, whose resourceVersion the scale has. */
  function writeScale(wanted: (scale: KubernetesObject) => unknown): Reply {
    faults.disturb(store, resource, existing())
    const before = existing()
    const next = reviseObject(resource, before, rescaled(before, wanted(scaleOf(before))), 'update')
    if (dryRun) return ok(scaleOf(next))
    note(`scale ${namespace}/${name} to ${Object.values(scaleOf(next).spec ?? {}).join('')}`)
    return ok(scaleOf(store.replace(resource, next)))
  }

  function noteCordon({ spec: before }: NodeObject, { spec: after, metadata }: NodeObject): void {
    if ((before.unschedulable ?? false) === (after.unschedulable ?? false)) return
    note(`${after.unschedulable ? 'cordon' : 'uncordon'} ${metadata.name}`)
  }

  function remove(): Reply {
    const object = existing()
    const options = readDeleteOptions(body)
    checkPreconditions(object, options)
    if (!isPod(object)) {
      if (!dryRun) store.remove(resource, object)
      const details = { name, group: resource.group, kind: resource.plural, uid: object.metadata.uid }
      return ok({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
    }
    const inQuery = query.get('gracePeriodSeconds')
    const grace = options.grace ?? (inQuery === null ? undefined : Number(inQuery))
    if (grace !== undefined && !Number.isInteger(grace)) throw badRequest('gracePeriodSeconds is not a number')
    note(`delete ${namespace}/${name}`, grace)
    return ok(dryRun ? object : deletePod(world, object, grace))
  }

  function evict(): Reply {
    if (!isFields(body) || body['kind'] !== 'Eviction')
      throw badRequest('the object provided is unrecognized (must be of type Eviction)')
    // Older clients still send the other one (EvictionREST.AcceptsGroupVersion).
    if (body['apiVersion'] !== 'policy/v1' && body['apiVersion'] !== 'policy/v1beta1')
      throw badRequest(
        `no kind "Eviction" is registered for version "${typeof body['apiVersion'] === 'string' ? body['apiVersion'] : ''}"`,
      )
    const metadata = isFields(body['metadata']) ? body['metadata'] : {}
    if (metadata['name'] !== name) throw badRequest('name in URL does not match name in Eviction object')
    const pod = existing()
    if (!isPod(pod)) throw noSuchResource()
    const options = readDeleteOptions(body['deleteOptions'])
    checkPreconditions(pod, options)
    try {
      evictPod(world, owners, pod, { grace: options.grace, dryRun: true })
    } catch (error) {
      if (isRefusal(error)) note(`evict-refused ${namespace}/${name}`, options.grace)
      throw error
    }
    note(`evict ${namespace}/${name}`, options.grace)
    evictPod(world, owners, pod, { grace: options.grace, dryRun: dryRun || options.dryRun })
    return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
  }

  function checkPreconditions({ metadata }: KubernetesObject, { uid, version }: DeleteOptions): void {
    if (uid !== undefined && uid !== metadata.uid) {
      const found = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid})`
      throw conflict(resource, name, `${found}. The object might have been deleted and then recreated`)
    }
    if (version !== undefined && version !== metadata.resourceVersion) {
      const found = `the ResourceVersion in the precondition (${version}) does not match`
      throw conflict(resource, name, `${found} the ResourceVersion in record (${metadata.resourceVersion}).`)
    }
  }

  const isScale = route.subresource === 'scale'
  const verbs: Readonly<Record<Verb, () => Reply>> = {
    get: () => ok(isScale ? scaleOf(existing()) : form === 'table' ? tableOf(resource, [existing()], '') : existing()),
    list,
    watch: () => ({ watch: { resource, namespace, selects: parseSelectors(resource, query), query, form } }),
    create: route.subresource === 'eviction' ? evict : create,
    // Leases alone may be made by an update (kubernetes pkg/registry/coordination/lease AllowCreateOnUpdate).
    update: () =>
      isScale
        ? writeScale(() => body)
        : resource === leases && store.get(resource, namespace, name) === undefined
          ? create()
          : write('update', () => body),
    patch: () =>
      isScale
        ? writeScale((scale) => applyPatch(scale, contentType, body))
        : write('patch', (before) => applyPatch(before, contentType, body)),
    delete: remove,
  }
  return verbs[route.verb]()
}

interface DeleteOptions {
  readonly grace: number | undefined
  readonly uid: string | undefined
  readonly version: string | undefined
  readonly dryRun: boolean
}

function readDeleteOptions(body: unknown): DeleteOptions {
  const options = isFields(body) ? body : {}
  const { gracePeriodSeconds, preconditions, dryRun } = options
  const { uid, resourceVersion } = isFields(preconditions) ? preconditions : {}
  return {
    grace: typeof gracePeriodSeconds === 'number' ? gracePeriodSeconds : undefined,
    uid: typeof uid === 'string' ? uid : undefined,
    version: typeof resourceVersion === 'string' ? resourceVersion : undefined,
    dryRun: Array.isArray(dryRun) && dryRun.includes('All'),
  }
}

function withoutKind(object: KubernetesObject): object {
  const { kind: _, apiVersion: __, ...item } = object
  return item
}

function ok(body: object): Reply {
  return { code: 200, body }
}
