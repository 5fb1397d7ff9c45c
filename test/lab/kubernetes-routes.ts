import { rootOf } from './kubernetes-discovery.ts'
import { qualified, type Resource, type Verb } from './kubernetes-objects.ts'
import { methodNotAllowed, noSuchResource, refuse } from './kubernetes-status.ts'

/** Who asks, from the client's certificate: CN is the user, each O a group (k8s.io/apiserver pkg/authentication/request/x509). */
export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

/** What a request is about. */
export interface Route {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly verb: Verb
  readonly eviction: boolean
}

/** Reads the path and the method, or throws the 404 or 405; undefined when no API is there at all. */
export function parseRoute(
  method: string,
  { pathname, searchParams }: URL,
  resources: readonly Resource[],
): Route | undefined {
  const roots = [...new Set(resources.map(rootOf))]
  const root = roots.find((each) => pathname.startsWith(`${each}/`))
  if (root === undefined) return undefined
  const parts = pathname
    .slice(root.length + 1)
    .split('/')
    .map(decodeURIComponent)
  // '/namespaces/x' is an object itself; only with something behind it does it say where.
  const scoped = parts[0] === 'namespaces' && parts.length > 2
  const namespace = scoped ? parts[1] : undefined
  const [plural, name, subresource, ...more] = scoped ? parts.slice(2) : parts
  const resource = resources.find((each) => rootOf(each) === root && each.plural === plural)
  if (resource === undefined || more.length > 0 || resource.namespaced < scoped) throw noSuchResource()
  if (resource.namespaced && name !== undefined && !scoped) throw noSuchResource()
  const eviction = plural === 'pods' && subresource === 'eviction'
  if (subresource !== undefined && !eviction) throw noSuchResource()
  const verb = eviction ? (method === 'POST' ? 'create' : undefined) : verbOf(method, name, searchParams)
  if (verb === undefined || (!eviction && !resource.verbs.includes(verb))) throw methodNotAllowed()
  return { resource, namespace, name, verb, eviction }
}

/** Throws the 403 for a write by a member of a group that may only read; system:masters may all. */
export function authorize(user: User, denied: readonly string[], route: Route): void {
  const { resource, namespace, name, verb, eviction } = route
  if (verb === 'get' || verb === 'list' || verb === 'watch' || user.groups.includes('system:masters')) return
  if (!user.groups.some((group) => denied.includes(group))) return
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const what = `resource "${resource.plural}${eviction ? '/eviction' : ''}" in API group "${resource.group}"`
  const which = `${qualified(resource)}${name === undefined ? '' : ` "${name}"`}`
  const message = `${which} is forbidden: User "${user.name}" cannot ${verb} ${what} ${where}`
  const details = { ...(name !== undefined && { name }), kind: resource.plural }
  throw refuse(403, message, {
    reason: 'Forbidden',
    details: { ...details, ...(resource.group !== '' && { group: resource.group }) },
  })
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb | undefined {
  const named = { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const
  const unnamed = { GET: 'list', POST: 'create' } as const
  const verbs: Readonly<Record<string, Verb>> = name === undefined ? unnamed : named
  const watching = ['1', 'true'].includes(query.get('watch') ?? '')
  return verbs[method] === 'list' && watching ? 'watch' : verbs[method]
}
