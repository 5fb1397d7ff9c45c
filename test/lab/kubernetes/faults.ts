import { refuse } from './status.ts'
import type { KubernetesObject, Resource } from './objects.ts'
import type { Store } from './store.ts'

/** Requests that are turned away, whatever they are about. */
export interface Throttle {
  readonly code: 429 | 503
  /** So many of them. */
  readonly times: number
  /** The header: seconds, or a date. */
  readonly retryAfter?: string | undefined
  /** Which requests: of `GET /api/v1/nodes`. All unless said. */
  readonly of?: RegExp
}

/** What goes wrong at a working API server, on purpose. */
export interface Faults {
  throttle(throttle: Throttle): void
  /** The next so many tokens of long lists are too old. */
  expireContinue(times: number): void
  /** Before each of the next so many writes of a client to the object, somebody else writes it: its version is old. */
  keepBusy(plural: string, name: string, times: number): void
  /** Throws the refusal, with the header's value. */
  turnAway(what: string): void
  /** One page of a list, and the token of the next one; throws 410 for a token that is too old. */
  page(items: readonly KubernetesObject[], query: URLSearchParams): Page
  disturb(store: Store, resource: Resource, object: KubernetesObject): void
}

export interface Page {
  readonly items: readonly KubernetesObject[]
  readonly metadata: { readonly continue?: string; readonly remainingItemCount?: number }
}

export function createFaults(): Faults {
  const throttles: { rule: Throttle; left: number }[] = []
  const busy = new Map<string, number>()
  /** By token: what is left of a list as it was when it was begun, as etcd's revisions keep it. */
  const rests = new Map<string, readonly KubernetesObject[]>()
  let expiring = 0
  let tokens = 0
  let writes = 0

  return {
    throttle: (rule) => void throttles.push({ rule, left: rule.times }),
    expireContinue: (times) => void (expiring = times),
    keepBusy: (plural, name, times) => void busy.set(`${plural} ${name}`, times),
    turnAway(what) {
      const found = throttles.find(({ rule, left }) => left > 0 && (rule.of?.test(what) ?? true))
      if (found === undefined) return
      found.left -= 1
      const { code, retryAfter } = found.rule
      const [message, reason] =
        code === 429
          ? ['too many requests, please try again later', 'TooManyRequests']
          : ['the server is currently unable to handle the request', 'ServiceUnavailable']
      throw Object.assign(refuse(code, message, { reason }), { retryAfter })
    },
    page(items, query) {
      const token = query.get('continue') ?? ''
      const limit = Number(query.get('limit') ?? 0)
      const known = token === '' ? items : expiring > 0 ? undefined : rests.get(token)
      if (known === undefined) {
        expiring -= expiring > 0 ? 1 : 0
        throw tooOld()
      }
      if (limit <= 0 || known.length <= limit) return { items: known, metadata: {} }
      tokens += 1
      const next = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', start: tokens })).toString('base64url')
      rests.set(next, known.slice(limit))
      return {
        items: known.slice(0, limit),
        metadata: { continue: next, remainingItemCount: known.length - limit },
      }
    },
    disturb(store, resource, object) {
      const key = `${resource.plural} ${object.metadata.name}`
      const left = busy.get(key) ?? 0
      if (left === 0) return
      busy.set(key, left - 1)
      writes += 1
      const annotations = { ...object.metadata.annotations, 'example.org/writes': String(writes) }
      store.replace(resource, { ...object, metadata: { ...object.metadata, annotations } })
    },
  }
}

/** k8s.io/apiserver pkg/storage/etcd3/errors.go handleCompactedErrorForPaging */
function tooOld(): Error {
  return refuse(
    410,
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
    { reason: 'Expired' },
  )
}
