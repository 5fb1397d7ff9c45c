import type { StorageWarning } from '../../core/cluster/cluster.ts'
import { type Api, listOf } from './api.ts'
import { dangerOf, isHarmlessFlag } from './ceph-checks.ts'
import { cephClusters, type Systems } from './systems.ts'

/** rook/rook pkg/apis/ceph.rook.io/v1/types.go CephStatus */
interface CephClusterObject {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly status?: {
    readonly ceph?: {
      /** HEALTH_OK, HEALTH_WARN, HEALTH_ERR */
      readonly health?: string
      readonly details?: Readonly<Record<string, { readonly severity?: string; readonly message?: string }>>
    }
  }
}

/**
 * What Ceph warns of, through Rook; undefined where Rook runs no cluster. Where the data lie is not known to Kubernetes,
 * so of Ceph we can't say whether a node holds the last copy: that nothing may go while a placement group is not whole
 * is what its health tells, and Rook's own disruption budgets keep a second failure domain from being drained.
 */
export async function observeCeph(
  api: Api,
  { whereServed }: Systems,
  signal: AbortSignal,
): Promise<readonly StorageWarning[] | undefined> {
  const path = '/apis/ceph.rook.io/v1/cephclusters'
  const clusters = (await whereServed(cephClusters, () => listOf<CephClusterObject>(api, path, signal), signal)) ?? []
  return clusters.length === 0 ? undefined : clusters.flatMap(describeUnwell)
}

function describeUnwell({ metadata: { name, namespace }, status }: CephClusterObject): StorageWarning[] {
  const { health = '', details = {} } = status?.ceph ?? {}
  const cluster = `ceph cluster ${namespace}/${name}`
  if (health === '') return [{ name, text: `${cluster} does not report its health`, endangers: 'unknown' }]
  if (health === 'HEALTH_OK') return []
  const warnings = Object.entries(details).flatMap(([code, { message = '', severity = health }]): StorageWarning[] => {
    // Set by a person, or by us while nodes are down.
    if (isHarmlessFlag(code, message)) return []
    const text = `${cluster} is ${health}: ${`${code} ${message}`.trim()}`
    return [{ name: code, text, endangers: dangerOf(code, severity) }]
  })
  const isError = health !== 'HEALTH_WARN'
  const explained = Object.values(details).some(({ severity = health }) => !isError || severity === health)
  // It is worse than anything that it names.
  const endangers = isError ? (health === 'HEALTH_ERR' ? 'data' : 'unknown') : 'redundancy'
  if (!explained) warnings.push({ name: health, text: `${cluster} is ${health}`, endangers })
  return warnings
}
