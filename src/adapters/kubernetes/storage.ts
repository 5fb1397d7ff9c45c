import type { StorageFacts } from '../../core/cluster/cluster.ts'
import type { Api } from './api.ts'
import { observeCeph } from './ceph.ts'
import { observeLonghorn } from './longhorn.ts'
import type { Systems } from './systems.ts'

/**
 * What the storage systems inside the cluster say, each through its own objects.
 *
 * @throws AgentError `unreachable` where it is not known which systems there are: half of them is not an answer
 */
export async function observeStorage(api: Api, systems: Systems, signal: AbortSignal): Promise<StorageFacts> {
  const { present, unknown } = await systems.find(signal)
  for (const error of unknown.values()) throw error
  const [longhorn, ceph] = await Promise.all([
    present.has('longhorn') ? observeLonghorn(api, systems, signal) : undefined,
    present.has('ceph') ? observeCeph(api, systems, signal) : undefined,
  ])
  return {
    systems: [...(longhorn ? ['longhorn'] : []), ...(ceph ? ['ceph'] : [])],
    unwell: [...(longhorn?.unwell ?? []), ...(ceph ?? [])],
    lastReplicas: longhorn?.lastReplicas ?? new Map<string, readonly string[]>(),
  }
}
