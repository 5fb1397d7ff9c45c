import type { StorageFacts } from '../../core/cluster.ts'
import type { Api } from './api.ts'
import { lookAtCeph } from './ceph.ts'
import { groupsOf } from './groups.ts'
import { lookAtLonghorn } from './longhorn.ts'

/** What the storage systems inside the cluster say, each through its own objects. */
export async function lookAtStorage(api: Api, signal: AbortSignal): Promise<StorageFacts> {
  const groups = await groupsOf(api, signal)
  const [longhorn, ceph] = await Promise.all([
    groups.has('longhorn.io') ? lookAtLonghorn(api, signal) : undefined,
    groups.has('ceph.rook.io') ? lookAtCeph(api, signal) : undefined,
  ])
  return {
    systems: [...(longhorn ? ['longhorn'] : []), ...(ceph ? ['ceph'] : [])],
    unwell: [...(longhorn?.unwell ?? []), ...(ceph ?? [])],
    lastReplicas: longhorn?.lastReplicas ?? new Map<string, readonly string[]>(),
  }
}
