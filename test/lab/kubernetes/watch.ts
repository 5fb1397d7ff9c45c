import { apiVersionOf, type KubernetesObject, type Resource } from './objects.ts'
import type { Selects } from './selectors.ts'
import { failure } from './status.ts'
import type { Change, Store } from './store.ts'
import { tableOf } from './table.ts'

/** What a watch is to tell. */
export interface Watch {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly selects: Selects
  readonly query: URLSearchParams
  readonly form: 'json' | 'table'
}

/**
 * Tells the changes of a kind as they happen, one JSON document a line (k8s.io/apiserver pkg/endpoints/handlers/watch.go).
 * Without a resourceVersion, or with 0, it begins with what there is. Ends by itself only when it cannot go on.
 * @returns how to stop it.
 */
export function startWatch(store: Store, watch: Watch, write: (line: string) => void, end: () => void): () => void {
  const { resource, namespace, selects, query, form } = watch
  const isOurs = (object: KubernetesObject | undefined): boolean =>
    object !== undefined && (namespace === undefined || object.metadata.namespace === namespace) && selects(object)
  const send = (type: string, object: object): void => write(`${JSON.stringify({ type, object })}\n`)
  // A table of one row each.
  const show = (type: string, object: KubernetesObject): void =>
    send(type, form === 'table' ? tableOf(resource, [object], object.metadata.resourceVersion) : object)

  function tell(change: Change): void {
    if (change.resource !== resource) return
    const now = change.type !== 'DELETED' && isOurs(change.object)
    const before = isOurs(change.before)
    // An object that a selector no longer finds is deleted as far as this client can tell.
    if (now) show(before ? 'MODIFIED' : 'ADDED', change.object)
    else if (before) show('DELETED', change.object)
  }

  const from = query.get('resourceVersion') ?? ''
  const wantsInitial = query.get('sendInitialEvents') === 'true'
  if (from === '' || from === '0' || wantsInitial) {
    for (const object of store.list(resource, namespace)) if (isOurs(object)) show('ADDED', object)
    if (wantsInitial) send('BOOKMARK', endOfInitialEvents(resource, store.version()))
  } else {
    const missed = store.since(Number(from))
    if (missed === undefined) {
      const message = `too old resource version: ${from} (${store.version()})`
      send('ERROR', failure(410, message, { reason: 'Expired' }))
      end()
      return () => {}
    }
    missed.forEach(tell)
  }
  return store.subscribe(tell)
}

function endOfInitialEvents(resource: Resource, version: number): object {
  const annotations = { 'k8s.io/initial-events-end': 'true' }
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(version), creationTimestamp: null, annotations },
  }
}
