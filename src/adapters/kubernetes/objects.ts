import type { ObjectReference } from '../../core/cluster/check.ts'
import { AgentError } from '../../core/errors.ts'
import { demandReady, NotServed, testify } from './absence.ts'
import { type Api, ApiRefusal, isMissing, listOf, queryOf } from './api.ts'

/** k8s.io/apimachinery meta/v1 APIResource */
interface ApiResource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}

/** kubernetes/kube-aggregator pkg/apis/apiregistration/v1 APIService */
const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices'

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

  /** A missing kind may be installed later, so only found kinds are cached. */
  async function resourceOf(apiVersion: string, kind: string, signal: AbortSignal): Promise<ApiResource> {
    const key = `${apiVersion} ${kind}`
    const found =
      known.get(key) ??
      (await servedBy(apiVersion, signal)).find((one) => one.kind === kind) ??
      (await discoverAgain(apiVersion, signal)).find((one) => one.kind === kind)
    if (!found) throw new AgentError('misconfigured', `the cluster has no ${kind} of ${apiVersion}`)
    known.set(key, found)
    return found
  }

  /** An API server that has just started serves only part of its kinds: only a ready one is trusted. */
  async function discoverAgain(apiVersion: string, signal: AbortSignal): Promise<readonly ApiResource[]> {
    await demandReady(api, signal)
    const served = await servedBy(apiVersion, signal)
    // The core group is served from the first moment.
    if (served.length > 0 || !apiVersion.includes('/')) return served
    const [group = '', version = ''] = apiVersion.split('/')
    // Each version of a group has an object of its own, in etcd as long as the group is there (kube-aggregator).
    const witness = { resource: 'apiservices', name: `${version}.${group}`, collection: apiServices }
    if ((await testify(api, witness, signal)) === 'there') throw new NotServed(apiVersion)
    return served
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

  /** A kind that is no longer served is temporarily unavailable, or uninstalled. */
  async function whileServed<T>(apiVersion: string, kind: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.status !== 404) throw error
      known.delete(`${apiVersion} ${kind}`)
      throw new NotServed(`${kind} of ${apiVersion}`, error)
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
          return await whileServed(apiVersion, kind, () => Promise.reject(error))
        }
      }
      const query = queryOf({ labelSelector: selector, fieldSelector: name && `metadata.name=${name}` })
      // Elements of a list don't repeat what they are; for an expression each is to look as if it stood alone.
      const found = await whileServed(apiVersion, kind, () => listOf<object>(api, `${path}${query}`, signal))
      return found.map((item) => ({ apiVersion, kind, ...item }))
    },
  }
}

/** `/api/v1` of the core group, `/apis/<group>/<version>` of all others. */
function rootOf(apiVersion: string): string {
  const parts = apiVersion.split('/').map(encodeURIComponent)
  return parts.length === 1 ? `/api/${parts[0]}` : `/apis/${parts.join('/')}`
}
