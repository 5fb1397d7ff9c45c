import type { StorageFacts, StorageWarning } from '../../core/cluster/cluster.ts'
import { type Api, listOf } from './api.ts'
import type { Systems } from './systems.ts'

const root = '/apis/longhorn.io/v1beta2'

/** longhorn/longhorn-manager k8s/pkg/apis/longhorn/v1beta2/volume.go */
interface VolumeObject {
  readonly metadata: { readonly name: string }
  readonly spec?: { readonly numberOfReplicas?: number }
  readonly status?: {
    /** creating, attached, detached, attaching, detaching, deleting */
    readonly state?: string
    /** healthy, degraded, faulted, unknown */
    readonly robustness?: string
    readonly kubernetesStatus?: { readonly namespace?: string; readonly pvcName?: string }
  }
}

/** longhorn/longhorn-manager k8s/pkg/apis/longhorn/v1beta2/replica.go */
interface ReplicaObject {
  readonly metadata: { readonly deletionTimestamp?: string }
  readonly spec?: {
    readonly volumeName?: string
    readonly nodeID?: string
    /** When it failed, and when it was last whole; empty where it did not, or never was. */
    readonly failedAt?: string
    readonly healthyAt?: string
  }
  readonly status?: { readonly currentState?: string }
}

/**
 * Longhorn's volumes: what is not whole, and which of them one node alone holds; undefined where there is no Longhorn,
 * but some of its definitions were left behind.
 */
export async function observeLonghorn(
  api: Api,
  { whereServed }: Systems,
  signal: AbortSignal,
): Promise<Pick<StorageFacts, 'unwell' | 'lastReplicas'> | undefined> {
  const list = <T>(plural: string) =>
    whereServed({ group: 'longhorn.io', plural }, () => listOf<T>(api, `${root}/${plural}`, signal), signal)
  const [volumes, replicas] = await Promise.all([list<VolumeObject>('volumes'), list<ReplicaObject>('replicas')])
  if (!volumes || !replicas) return undefined
  const lastReplicas = new Map<string, string[]>()
  for (const volume of volumes) {
    // Who wants one replica alone has chosen that the volume is away with its node: no later moment is a better one.
    if ((volume.spec?.numberOfReplicas ?? 0) === 1) continue
    const holders = new Set(
      replicas
        .filter((replica) => replica.spec?.volumeName === volume.metadata.name && isWhole(replica))
        .map(({ spec }) => spec?.nodeID ?? ''),
    )
    // Several on one node are lost together: a volume can call itself healthy with all its replicas on one machine.
    const [only, ...others] = holders
    if (only && others.length === 0) lastReplicas.set(only, [...(lastReplicas.get(only) ?? []), nameOf(volume)])
  }
  return { unwell: volumes.flatMap(describeUnwell), lastReplicas }
}

/** Running and complete: one that is being rebuilt has no healthyAt yet (longhorn-manager types IsReplicaRunningAndHealthy…). */
function isWhole({ metadata, spec, status }: ReplicaObject): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status?.currentState === 'running' &&
    (spec?.failedAt ?? '') === '' &&
    (spec?.healthyAt ?? '') !== ''
  )
}

/**
 * A volume that nobody uses says `unknown` of itself, which is fine; one that is faulted is so whoever uses it. One that
 * lacks replicas may do so for ever, where it is to have more of them than there are nodes.
 */
function describeUnwell(volume: VolumeObject): StorageWarning[] {
  const { state = 'unknown', robustness = 'unknown', kubernetesStatus: claim } = volume.status ?? {}
  const is = (what: string, endangers: StorageWarning['endangers']): StorageWarning[] => [
    {
      name: volume.metadata.name,
      ...(claim?.pvcName ? { alias: `${claim.namespace}/${claim.pvcName}` } : {}),
      text: `longhorn volume ${nameOf(volume)} is ${what}`,
      endangers,
    },
  ]
  if (robustness === 'faulted') return is(robustness, 'data')
  if (robustness === 'degraded') return is(robustness, 'redundancy')
  if (state === 'attaching') return is('attaching', 'unknown')
  if (state === 'attached' && robustness !== 'healthy') return is(`attached with robustness ${robustness}`, 'unknown')
  return []
}

/** With the claim that people know it by, `pvc-1 (media/films)`. */
function nameOf({ metadata: { name }, status }: VolumeObject): string {
  const { namespace, pvcName } = status?.kubernetesStatus ?? {}
  return pvcName ? `${name} (${namespace}/${pvcName})` : name
}
