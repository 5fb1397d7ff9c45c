import type { Cluster } from './cluster.ts'
import {
  apiVersionOf,
  isNode,
  leases,
  namespaces,
  type KubernetesObject,
  type NodeObject,
  type Verb,
} from './objects.ts'
import { applyPatch, draftObject, reviseObject } from './patch.ts'
import { evict, remove } from './removals.ts'
import { rescaled, scaleOf } from './scale.ts'
import { parseSelectors } from './selectors.ts'
import { notFound } from './status.ts'
import { tableOf } from './table.ts'
import { beginUndertaking, ok, type DiaryEntry, type Reply, type Request, type Undertaking } from './undertaking.ts'
import { isCronJob } from './workloads.ts'

/** Carries a request out on the cluster, as the storage of each resource does; throws refusals. */
export function carryOut(cluster: Cluster, diary: DiaryEntry[], request: Request): Reply {
  const undertaking = beginUndertaking(cluster, diary, request)
  const { subresource, verb } = request.route
  return (subresource === 'scale' ? verbsOfScale : verbs)[verb](undertaking)
}

type Verbs = Readonly<Record<Verb, (undertaking: Undertaking) => Reply>>

const verbs: Verbs = {
  get({ route, form, existing }) {
    return ok(form === 'table' ? tableOf(route.resource, [existing()], '') : existing())
  },
  list,
  watch({ route: { resource, namespace }, query, form }) {
    return { watch: { resource, namespace, selects: parseSelectors(resource, query), query, form } }
  },
  create: (one) => (one.route.subresource === 'eviction' ? evict(one) : create(one)),
  update: (one) => (isNewLease(one) ? create(one) : write(one, 'update', () => one.body)),
  patch: (one) => write(one, 'patch', (before) => applyPatch(before, one.contentType, one.body)),
  delete: remove,
}

const verbsOfScale: Verbs = {
  ...verbs,
  get: ({ existing }) => ok(scaleOf(existing())),
  update: (one) => writeScale(one, () => one.body),
  patch: (one) => writeScale(one, (scale) => applyPatch(scale, one.contentType, one.body)),
}

/** Leases alone may be made by an update (kubernetes pkg/registry/coordination/lease AllowCreateOnUpdate). */
function isNewLease({ cluster, route: { resource, namespace }, name }: Undertaking): boolean {
  return resource === leases && cluster.world.store.get(resource, namespace, name) === undefined
}

function list({ cluster, route: { resource, namespace }, query, form }: Undertaking): Reply {
  const { store } = cluster.world
  const selects = parseSelectors(resource, query)
  // Elements of a list do not repeat their kind; clients have to know it.
  const found = store.list(resource, namespace).filter(selects)
  const page = cluster.faults.page(found, query)
  const metadata = { resourceVersion: String(store.version()), ...page.metadata }
  if (form === 'table') {
    const table = tableOf(resource, page.items, metadata.resourceVersion)
    return ok({ ...table, metadata })
  }
  const items = page.items.map(withoutKind)
  return ok({ kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items })
}

function create({ cluster, route: { resource, namespace }, body, dryRun }: Undertaking): Reply {
  const { store } = cluster.world
  const draft = draftObject(resource, namespace, body)
  if (namespace !== undefined && store.get(namespaces, undefined, namespace) === undefined)
    throw notFound(namespaces, namespace)
  return { code: 201, body: dryRun ? draft : store.create(resource, draft) }
}

function write(one: Undertaking, by: 'patch' | 'update', wanted: (before: KubernetesObject) => unknown): Reply {
  const { store } = one.cluster.world
  const { resource, namespace } = one.route
  one.cluster.faults.disturb(store, resource, one.existing())
  const before = one.existing()
  const next = reviseObject(resource, before, wanted(before), by)
  if (one.dryRun) return ok(next)
  // Noted first: what the controllers make of it comes after it.
  if (isNode(before) && isNode(next)) noteCordon(one, before, next)
  const suspend = isCronJob(next) && isCronJob(before) && before.spec.suspend !== next.spec.suspend
  if (suspend) one.note(`${next.spec.suspend ? 'suspend' : 'resume'} ${namespace}/${one.name}`)
  const value = (resource.fields ?? []).map((field) => Object.entries(next).find(([key]) => key === field)?.[1])
  if (value.length > 0) one.note(`set ${namespace}/${one.name} to ${value.join(', ')}`)
  return ok(store.replace(resource, next))
}

/** Carried out on the workload, whose resourceVersion the scale has. */
function writeScale(one: Undertaking, wanted: (scale: KubernetesObject) => unknown): Reply {
  const { store } = one.cluster.world
  const { resource, namespace } = one.route
  one.cluster.faults.disturb(store, resource, one.existing())
  const before = one.existing()
  const next = reviseObject(resource, before, rescaled(before, wanted(scaleOf(before))), 'update')
  if (one.dryRun) return ok(scaleOf(next))
  one.note(`scale ${namespace}/${one.name} to ${Object.values(scaleOf(next).spec ?? {}).join('')}`)
  return ok(scaleOf(store.replace(resource, next)))
}

function noteCordon({ note }: Undertaking, { spec: before }: NodeObject, { spec: after, metadata }: NodeObject): void {
  if ((before.unschedulable ?? false) === (after.unschedulable ?? false)) return
  note(`${after.unschedulable ? 'cordon' : 'uncordon'} ${metadata.name}`)
}

function withoutKind(object: KubernetesObject): object {
  const { kind: _, apiVersion: __, ...item } = object
  return item
}
