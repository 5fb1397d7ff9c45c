import { isDeepStrictEqual } from 'node:util'
import { leases, nodes, pods, type KubernetesObject, type ObjectMeta, type Resource } from './objects.ts'
import { badRequest, conflict, invalid, refuse, unsupportedMediaType } from './status.ts'

/** A JSON object whose fields nobody has looked at yet. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Lists that a strategic merge patch merges, by what names their elements (patchMergeKey in k8s.io/api). */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  addresses: 'type',
  ownerReferences: 'uid',
  containers: 'name',
  volumes: 'name',
}

const patchTypes = {
  'application/merge-patch+json': false,
  'application/strategic-merge-patch+json': true,
}

/** The object after a patch, not yet checked; null removes, as in RFC 7386. */
export function applyPatch(object: KubernetesObject, contentType: string, patch: unknown): unknown {
  if (!(contentType in patchTypes)) throw unsupportedMediaType(Object.keys(patchTypes))
  if (!isFields(patch)) throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type map')
  return merge(object, patch, contentType === 'application/strategic-merge-patch+json')
}

function merge(before: unknown, patch: Fields, strategic: boolean): Fields {
  const after: Record<string, unknown> = { ...(isFields(before) && before) }
  for (const [field, value] of Object.entries(patch)) {
    if (strategic && field.startsWith('$')) throw badRequest(`the lab knows no strategic directive ${field}`)
    const key = strategic ? mergeKeys[field] : undefined
    if (value === null) delete after[field]
    else if (isFields(value)) after[field] = merge(after[field], value, strategic)
    else if (key !== undefined && Array.isArray(value)) after[field] = mergeList(after[field], value, key)
    else after[field] = value
  }
  return after
}

function mergeList(before: unknown, patch: readonly unknown[], key: string): readonly unknown[] {
  const after: unknown[] = Array.isArray(before) ? [...before] : []
  for (const element of patch) {
    if (!isFields(element)) throw badRequest('expected a list of maps')
    const at = after.findIndex((each) => isFields(each) && each[key] === element[key])
    if (at < 0) after.push(element)
    else after[at] = merge(after[at], element, true)
  }
  return after
}

/**
 * What the client's version of an object becomes: its metadata is the server's where clients have no say, its status
 * stays (another endpoint writes it), and an old resourceVersion is a conflict (k8s.io/apiserver
 * pkg/registry/generic/registry/store.go Update, pkg/registry/rest/update.go BeforeUpdate).
 */
export function reviseObject(
  resource: Resource,
  before: KubernetesObject,
  wanted: unknown,
  by: 'patch' | 'update',
): KubernetesObject {
  const { name, namespace } = before.metadata
  const { object, metadata } = checkShape(resource, name, wanted, by)
  if (metadata['name'] !== name) {
    const found = show(metadata['name'] ?? '')
    throw badRequest(`the name of the object (${found}) does not match the name on the URL (${name})`)
  }
  if (metadata['namespace'] !== undefined && metadata['namespace'] !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const uid = metadata['uid'] ?? before.metadata.uid
  if (uid !== before.metadata.uid) {
    const found = `UID in precondition: ${show(uid)}, UID in object meta: ${before.metadata.uid}`
    throw conflict(resource, name, `Precondition failed: ${found}`)
  }
  const version = metadata['resourceVersion'] ?? ''
  if (version === '' || version === '0') {
    // Only leases insist on it (kubernetes pkg/registry/coordination/lease/strategy.go AllowUnconditionalUpdate).
    if (resource === leases)
      throw invalid(resource, name, {
        field: 'metadata.resourceVersion',
        problem: 'Invalid value: 0: must be specified for an update',
        cause: 'FieldValueInvalid',
      })
  } else if (version !== before.metadata.resourceVersion) throw conflict(resource, name)
  if (resource === pods && !isDeepStrictEqual(object['spec'], before.spec)) {
    const problem = 'Forbidden: pod updates may not change fields other than `spec.containers[*].image`'
    throw invalid(resource, name, { field: 'spec', problem, cause: 'FieldValueForbidden' })
  }
  const { labels: _, annotations: __, ownerReferences: ___, ...kept } = before.metadata
  const after = { ...before, metadata: { ...kept, ...ownMetadata(metadata) } }
  const own = (resource.fields ?? []).flatMap((field) => (field in object ? [[field, object[field]]] : []))
  return { ...after, ...Object.fromEntries(own), ...(isFields(object['spec']) && { spec: object['spec'] }) }
}

/** A client's new object, for the store. */
export function draftObject(resource: Resource, namespace: string | undefined, wanted: unknown) {
  const { object, metadata } = checkShape(resource, '', wanted, 'update')
  const { name, resourceVersion } = metadata
  if (typeof name !== 'string' || name === '')
    throw invalid(resource, '', {
      field: 'metadata.name',
      problem: 'Required value: name or generateName is required',
      cause: 'FieldValueRequired',
    })
  if (metadata['namespace'] !== undefined && metadata['namespace'] !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  if (resourceVersion !== undefined && resourceVersion !== '')
    throw refuse(500, 'resourceVersion should not be set on objects to be created')
  const own = { name, ...(namespace !== undefined && { namespace }), ...ownMetadata(metadata) }
  const spec = isFields(object['spec']) ? object['spec'] : {}
  return { apiVersion: `${resource.group}/${resource.version}`, kind: resource.kind, metadata: own, spec }
}

function ownMetadata(metadata: Fields): Pick<ObjectMeta, 'labels' | 'annotations' | 'ownerReferences'> {
  const names = ['labels', 'annotations', 'ownerReferences']
  const filled = ([field, value]: [string, unknown]) =>
    names.includes(field) && typeof value === 'object' && value !== null && Object.keys(value).length > 0
  // checkShape has seen that labels and annotations are maps of strings.
  return Object.fromEntries(Object.entries(metadata).filter(filled))
}

/** Refuses what the server could not decode into the kind's Go type, or what its validation refuses. */
function checkShape(
  resource: Resource,
  name: string,
  wanted: unknown,
  by: 'patch' | 'update',
): { object: Fields; metadata: Fields } {
  if (!isFields(wanted)) throw badRequest('the object provided is unrecognized (must be of type Object)')
  // A document that the client sent cannot be decoded; of a patch the server says that the patch is invalid.
  const undecodable = (field: string, problem: string) =>
    by === 'patch'
      ? invalid(resource, name, {
          field: 'patch',
          problem: `Invalid value: ${field}: ${problem}`,
          cause: 'FieldValueInvalid',
        })
      : badRequest(`${resource.kind} in version "v1" cannot be handled as a ${resource.kind}: ${field}: ${problem}`)
  const kind = wanted['kind'] ?? resource.kind
  if (kind !== resource.kind) throw badRequest(`${show(kind)} in version "v1" cannot be handled as a ${resource.kind}`)
  const metadata = wanted['metadata'] ?? {}
  if (!isFields(metadata)) throw undecodable('metadata', 'json: cannot unmarshal')
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field] ?? {}
    if (!isFields(map) || Object.values(map).some((value) => typeof value !== 'string'))
      throw undecodable(`metadata.${field}`, 'json: cannot unmarshal into Go struct field of type string')
  }
  const spec = wanted['spec'] ?? {}
  if (!isFields(spec)) throw undecodable('spec', 'json: cannot unmarshal')
  if (resource === nodes && !['boolean', 'undefined'].includes(typeof spec['unschedulable']))
    throw undecodable('spec.unschedulable', 'json: cannot unmarshal into Go struct field of type bool')
  if (resource === leases) checkLease(name, spec, undecodable)
  return { object: wanted, metadata }
}

function checkLease(name: string, spec: Fields, undecodable: (field: string, problem: string) => Error): void {
  for (const field of ['acquireTime', 'renewTime']) {
    const value = spec[field] ?? undefined
    // metav1.MicroTime parses exactly six digits; what Date.toISOString gives has three and is refused.
    if (value !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/.test(show(value)))
      throw undecodable(`spec.${field}`, `parsing time "${show(value)}" as "2006-01-02T15:04:05.000000Z07:00"`)
  }
  const seconds = spec['leaseDurationSeconds'] ?? 1
  if (!Number.isInteger(seconds)) throw undecodable('spec.leaseDurationSeconds', 'json: cannot unmarshal')
  if (Number(seconds) <= 0) {
    const problem = `Invalid value: ${Number(seconds)}: must be greater than 0`
    throw invalid(leases, name, { field: 'spec.leaseDurationSeconds', problem, cause: 'FieldValueInvalid' })
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
