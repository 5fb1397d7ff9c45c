import type { StorageFacts } from '../../core/cluster.ts'
import { type Api } from './api.ts'
import { lookAtCeph } from './ceph.ts'
import { lookAtLonghorn } from './longhorn.ts'

/**
 * What the storage systems inside the cluster say, each through its own objects. Which there are is asked of the API's
 * list of groups, and not of a 404: that can also come from what stands in front of the API.
 */
export async function lookAtStorage(api: Api, signal: AbortSignal): Promise<StorageFacts> {
  const { groups = [] } = await api.send<{ groups?: readonly { readonly name: string }[] }>({
    method: 'GET',
    path: '/apis',
    signal,
  })
  const has = (group: string) => groups.some(({ name }) => name === group)
  const [longhorn, ceph] = await Promise.all([
    has('longhorn.io') ? lookAtLonghorn(api, signal) : undefined,
    has('ceph.rook.io') ? lookAtCeph(api, signal) : undefined,
  ])
  return {
    systems: [...(longhorn ? ['longhorn'] : []), ...(ceph ? ['ceph'] : [])],
    unwell: [...(longhorn?.unwell ?? []), ...(ceph ?? [])],
    lastReplicas: longhorn?.lastReplicas ?? new Map<string, readonly string[]>(),
  }
}
