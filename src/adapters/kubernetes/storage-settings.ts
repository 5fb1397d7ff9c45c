import type { Kubernetes, StorageSetting } from '../../core/ports.ts'
import { type Api, ApiRefusal } from './api.ts'
import { cephNamespaces, lookAtFlags, setFlag } from './ceph-flags.ts'
import { groupsOf } from './groups.ts'
import { lookAtSettings, setSetting } from './longhorn-settings.ts'

/** What keeps Longhorn and Ceph from copying data about while nodes are away on purpose. */
export function createStorageSettings(api: Api): Pick<Kubernetes, 'storageSettings' | 'setStorage'> {
  return {
    async storageSettings(signal) {
      const groups = await groupsOf(api, signal)
      const [longhorn, ceph] = await Promise.all([
        groups.has('longhorn.io') ? lookAtSettings(api, signal).catch(withoutForbidden) : [],
        groups.has('ceph.rook.io') ? flagsOfAll(api, signal) : [],
      ])
      return [...longhorn, ...ceph]
    },
    async setStorage(setting, value, signal) {
      const [set, group] = setting.system === 'ceph' ? [setFlag, 'ceph.rook.io'] : [setSetting, 'longhorn.io']
      try {
        await set(api, setting, value, signal)
      } catch (error) {
        // The whole system was taken out of the cluster, its kinds with it.
        const isGone = error instanceof ApiRefusal && error.status === 404 && !(await groupsOf(api, signal)).has(group)
        if (!isGone) throw error
      }
    },
  }
}

async function flagsOfAll(api: Api, signal: AbortSignal): Promise<readonly StorageSetting[]> {
  const namespaces = await cephNamespaces(api, signal).catch(withoutForbidden)
  return (await Promise.all(namespaces.map((each) => lookAtFlags(api, each, signal).catch(withoutForbidden)))).flat()
}

/** What we may not do is left out here, and told by `forbidden`: the rest is worth doing without it. */
function withoutForbidden(error: unknown): readonly never[] {
  if (error instanceof ApiRefusal && error.status === 403) return []
  throw error
}
