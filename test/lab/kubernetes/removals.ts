import { evictPod } from './disruption.ts'
import { isPod, type KubernetesObject } from './objects.ts'
import { isFields } from './patch.ts'
import { deletePod } from './pods.ts'
import { badRequest, conflict, isRefusal, noSuchResource } from './status.ts'
import { ok, type Reply, type Undertaking } from './undertaking.ts'

/** Deletes an object; a pod goes when its kubelet has stopped it. */
export function remove(one: Undertaking): Reply {
  const { cluster, route, query, name, dryRun } = one
  const { resource, namespace } = route
  const object = one.existing()
  const options = readDeleteOptions(one.body)
  checkPreconditions(one, object, options)
  if (!isPod(object)) {
    if (!dryRun) cluster.world.store.remove(resource, object)
    const details = { name, group: resource.group, kind: resource.plural, uid: object.metadata.uid }
    return ok({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
  }
  const inQuery = query.get('gracePeriodSeconds')
  const grace = options.grace ?? (inQuery === null ? undefined : Number(inQuery))
  if (grace !== undefined && !Number.isInteger(grace)) throw badRequest('gracePeriodSeconds is not a number')
  one.note(`delete ${namespace}/${name}`, grace)
  return ok(dryRun ? object : deletePod(cluster.world, object, grace))
}

/** Deletes a pod if its disruption budgets let it go. */
export function evict(one: Undertaking): Reply {
  const { cluster, body, name, dryRun } = one
  const { world, owners } = cluster
  const { namespace } = one.route
  const deleteOptions = readEviction(body, name)
  const pod = one.existing()
  if (!isPod(pod)) throw noSuchResource()
  const options = readDeleteOptions(deleteOptions)
  checkPreconditions(one, pod, options)
  try {
    evictPod(world, owners, pod, { grace: options.grace, dryRun: true })
  } catch (error) {
    if (isRefusal(error)) one.note(`evict-refused ${namespace}/${name}`, options.grace)
    throw error
  }
  one.note(`evict ${namespace}/${name}`, options.grace)
  evictPod(world, owners, pod, { grace: options.grace, dryRun: dryRun || options.dryRun })
  return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
}

/** The delete options of an Eviction of this pod. */
function readEviction(body: unknown, name: string): unknown {
  if (!isFields(body) || body['kind'] !== 'Eviction')
    throw badRequest('the object provided is unrecognized (must be of type Eviction)')
  const { apiVersion } = body
  // Older clients still send the other one (EvictionREST.AcceptsGroupVersion).
  if (apiVersion !== 'policy/v1' && apiVersion !== 'policy/v1beta1')
    throw badRequest(
      `no kind "Eviction" is registered for version "${typeof apiVersion === 'string' ? apiVersion : ''}"`,
    )
  const metadata = isFields(body['metadata']) ? body['metadata'] : {}
  if (metadata['name'] !== name) throw badRequest('name in URL does not match name in Eviction object')
  return body['deleteOptions']
}

function checkPreconditions(
  { route, name }: Undertaking,
  { metadata }: KubernetesObject,
  { uid, version }: DeleteOptions,
): void {
  if (uid !== undefined && uid !== metadata.uid) {
    const found = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid})`
    throw conflict(route.resource, name, `${found}. The object might have been deleted and then recreated`)
  }
  if (version !== undefined && version !== metadata.resourceVersion) {
    const found = `the ResourceVersion in the precondition (${version}) does not match`
    throw conflict(route.resource, name, `${found} the ResourceVersion in record (${metadata.resourceVersion}).`)
  }
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
