import { type Api, listOf } from './api.ts'

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

/** Flags that people and Rook set for maintenance, and that take nothing away from the data (Ceph's `osd set`). */
const harmlessFlags = new Set([
  'noout',
  'norebalance',
  'nobackfill',
  'norecover',
  'noscrub',
  'nodeep-scrub',
  'nosnaptrim',
])

/**
 * What Ceph warns of, through Rook; undefined where Rook runs no cluster. Where the data lie is not known to Kubernetes,
 * so of Ceph we can't say whether a node holds the last copy: that nothing may go while a placement group is not whole
 * is what its health tells, and Rook's own disruption budgets keep a second failure domain from being drained.
 */
export async function lookAtCeph(api: Api, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const clusters = await listOf<CephClusterObject>(api, '/apis/ceph.rook.io/v1/cephclusters', signal)
  return clusters.length === 0 ? undefined : clusters.flatMap(describeUnwell)
}

function describeUnwell({ metadata: { name, namespace }, status }: CephClusterObject): string[] {
  const { health, details = {} } = status?.ceph ?? {}
  const cluster = `ceph cluster ${namespace}/${name}`
  if (health === undefined || health === '') return [`${cluster} does not tell its health`]
  if (health === 'HEALTH_OK') return []
  const checks = Object.entries(details).map(([code, { message = '' }]) => ({ code, message }))
  if (health === 'HEALTH_WARN' && checks.length > 0 && checks.every(isHarmless)) return []
  const what = checks.filter((check) => !isHarmless(check)).map(({ code, message }) => `${code} ${message}`.trim())
  return [`${cluster} is ${health}${what.length > 0 ? `: ${what.join('; ')}` : ''}`]
}

/** `noout,noscrub flag(s) set` of the whole cluster, or `… have {NOUP,NODOWN,NOIN,NOOUT} flags set` of parts (ceph src/osd/OSDMap.cc). */
function isHarmless({ code, message }: { readonly code: string; readonly message: string }): boolean {
  if (code === 'OSD_FLAGS') return true
  const flags = /^(\S+) flag\(s\) set/.exec(message)?.[1]?.split(',') ?? []
  return code === 'OSDMAP_FLAGS' && flags.length > 0 && flags.every((flag) => harmlessFlags.has(flag))
}
