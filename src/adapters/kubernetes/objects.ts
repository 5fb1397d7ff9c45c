import type { ObjectReference } from '../../core/check.ts'
import { AgentError } from '../../core/errors.ts'
import { type Api, ApiRefusal, isMissing, listOf, queryOf } from './api.ts'

/** k8s.io/apimachinery meta/v1 APIResource */
interface ApiResource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}

export interface Objects {
  /**
   * What the reference names: one object or none by its name, or all that its selector chooses. Without a namespace, of
   * all namespaces.
   *
   * @throws AgentError `misconfigured` where the cluster has no such kind
   */
  find(reference: ObjectReference, signal: AbortSignal): Promise<readonly unknown[]>
}

/** Objects of any kind, custom ones too: which path a kind has is asked of the API itself (its discovery). */
export function createObjects(api: Api): Objects {
  const known = new Map<string, ApiResource>()

  /** What is not there may come, with its operator; so only what was found is remembered. */
  async function resourceOf(apiVersion: string, kind: string, signal: AbortSignal): Promise<ApiResource> {
    const key = `${apiVersion} ${kind}`
    const found = known.get(key) ?? (await servedBy(apiVersion, signal)).find((one) => one.kind === kind)
    if (!found) throw new AgentError('misconfigured', `the cluster has no ${kind} of ${apiVersion}`)
    known.set(key, found)
    return found
  }

  async function servedBy(apiVersion: string, signal: AbortSignal): Promise<readonly ApiResource[]> {
    try {
      const path = rootOf(apiVersion)
      const { resources = [] } = await api.send<{ resources?: readonly ApiResource[] }>({ method: 'GET', path, signal })
      // `pods/status` and the like are parts of objects, with kinds of their own.
      return resources.filter(({ name }) => !name.includes('/'))
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 404) return []
      throw error
    }
  }

  return {
    async find({ apiVersion, kind, namespace, name, selector }, signal) {
      const resource = await resourceOf(apiVersion, kind, signal)
      const inside = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
      const path = `${rootOf(apiVersion)}${inside}/${resource.name}`
      if (name !== undefined && (inside !== '' || !resource.namespaced)) {
        try {
          return [await api.send<object>({ method: 'GET', path: `${path}/${encodeURIComponent(name)}`, signal })]
        } catch (error) {
          if (isMissing(error, resource.name)) return []
          throw error
        }
      }
      const query = queryOf({ labelSelector: selector, fieldSelector: name && `metadata.name=${name}` })
      // Elements of a list don't repeat what they are; for an expression each is to look as if it stood alone.
      return (await listOf<object>(api, `${path}${query}`, signal)).map((item) => ({ apiVersion, kind, ...item }))
    },
  }
}

/** `/api/v1` of the core group, `/apis/<group>/<version>` of all others. */
function rootOf(apiVersion: string): string {
  const parts = apiVersion.split('/').map(encodeURIComponent)
  return parts.length === 1 ? `/api/${parts[0]}` : `/apis/${parts.join('/')}`
}
