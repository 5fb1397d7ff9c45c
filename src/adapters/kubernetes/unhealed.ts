import type { StorageWarning } from '../../core/cluster/cluster.ts'
import { type Api, listOf, queryOf } from './api.ts'
import { observeCeph } from './ceph.ts'
import { cephNamespaces, isReady } from './ceph-flags.ts'
import { observeLonghorn } from './longhorn.ts'
import { observePlacementGroups } from './placement-groups.ts'
import type { PodObject } from './pods.ts'
import { cephClusters, type Systems } from './systems.ts'

/**
 * What of the storage systems' data is not whole now, asked of the systems themselves where what Kubernetes has of them
 * may be from before a power cut.
 *
 * @throws AgentError `unreachable` where it is not known which systems there are, or one of them can't be asked yet
 */
export async function observeUnhealed(
  api: Api,
  systems: Systems,
  signal: AbortSignal,
): Promise<readonly StorageWarning[]> {
  const { present, unknown } = await systems.find(signal)
  for (const error of unknown.values()) throw error
  const [longhorn, ceph] = await Promise.all([
    present.has('longhorn') ? observeVolumes(api, systems, signal) : [],
    present.has('ceph') ? observeCephs(api, systems, signal) : [],
  ])
  return [...longhorn, ...ceph]
}

async function observeCephs(api: Api, systems: Systems, signal: AbortSignal): Promise<readonly StorageWarning[]> {
  const namespaces = (await systems.whereServed(cephClusters, () => cephNamespaces(api, signal), signal)) ?? []
  const asked = await Promise.all(namespaces.map((each) => observePlacementGroups(api, each, signal)))
  // Without a toolbox there is only what Rook says.
  const reported = asked.includes(undefined) ? await observeCeph(api, systems, signal) : undefined
  return [...asked.flatMap((one) => one ?? []), ...(reported ?? [])]
}

/** Volumes keep the state of before the cut until Longhorn's managers run again on all nodes, and look. */
async function observeVolumes(api: Api, systems: Systems, signal: AbortSignal): Promise<readonly StorageWarning[]> {
  const [starting, facts] = await Promise.all([startingManagers(api, signal), observeLonghorn(api, systems, signal)])
  return [...starting, ...(facts?.unwell ?? [])]
}

/** Longhorn's managers that do not run yet (longhorn/longhorn chart/templates/daemonset-sa.yaml). */
async function startingManagers(api: Api, signal: AbortSignal): Promise<readonly StorageWarning[]> {
  const path = `/api/v1/pods${queryOf({ labelSelector: 'app=longhorn-manager' })}`
  const pods = await listOf<PodObject>(api, path, signal)
  return pods
    .filter((pod) => !isReady(pod))
    .map(({ metadata: { name } }) => ({ name, text: `longhorn manager ${name} is not ready`, endangers: 'unknown' }))
}
