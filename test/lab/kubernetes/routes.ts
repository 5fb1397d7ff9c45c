import { rootOf } from './discovery.ts'
import type { Resource, Verb } from './objects.ts'
import { methodNotAllowed, noSuchResource } from './status.ts'

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
  readonly subresource: Subresource | undefined
}

export type Subresource = 'eviction' | 'exec' | 'scale'

/** By the resource: which method is which verb. A WebSocket begins with GET. */
const subresources: Readonly<Record<string, Partial<Record<Subresource, Readonly<Record<string, Verb>>>>>> = {
  pods: { eviction: { POST: 'create' }, exec: { GET: 'get', POST: 'create' } },
  deployments: { scale: { GET: 'get', PUT: 'update', PATCH: 'patch' } },
  statefulsets: { scale: { GET: 'get', PUT: 'update', PATCH: 'patch' } },
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
  const [plural, name, part, ...more] = scoped ? parts.slice(2) : parts
  const resource = resources.find((each) => rootOf(each) === root && each.plural === plural)
  if (resource === undefined || more.length > 0 || resource.namespaced < scoped) throw noSuchResource()
  if (resource.namespaced && name !== undefined && !scoped) throw noSuchResource()
  if (part === undefined) {
    const verb = verbOf(method, name, searchParams)
    if (verb === undefined || !resource.verbs.includes(verb)) throw methodNotAllowed()
    return { resource, namespace, name, verb, subresource: undefined }
  }
  const subresource = (['eviction', 'exec', 'scale'] as const).find((each) => each === part)
  const verbs = subresource && subresources[resource.plural]?.[subresource]
  if (verbs === undefined) throw noSuchResource()
  const verb = verbs[method]
  if (verb === undefined) throw methodNotAllowed()
  return { resource, namespace, name, verb, subresource }
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb | undefined {
  const named = { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const
  const unnamed = { GET: 'list', POST: 'create' } as const
  const verbs: Readonly<Record<string, Verb>> = name === undefined ? unnamed : named
  const watching = ['1', 'true'].includes(query.get('watch') ?? '')
  return verbs[method] === 'list' && watching ? 'watch' : verbs[method]
}
