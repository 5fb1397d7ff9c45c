import type { StorageFacts } from '../../core/cluster.ts'
import { type Api, listOf } from './api.ts'

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

/** Longhorn's volumes: what is not whole, and which of them one node alone holds. */
export async function lookAtLonghorn(
  api: Api,
  signal: AbortSignal,
): Promise<Pick<StorageFacts, 'unwell' | 'lastReplicas'>> {
  const [volumes, replicas] = await Promise.all([
    listOf<VolumeObject>(api, '/apis/longhorn.io/v1beta2/volumes', signal),
    listOf<ReplicaObject>(api, '/apis/longhorn.io/v1beta2/replicas', signal),
  ])
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

/** A volume that nobody uses says `unknown` of itself, which is fine; one that is faulted is so whoever uses it. */
function describeUnwell(volume: VolumeObject): string[] {
  const { state = 'unknown', robustness = 'unknown' } = volume.status ?? {}
  const is = (what: string) => [`longhorn volume ${nameOf(volume)} is ${what}`]
  if (robustness === 'faulted' || robustness === 'degraded') return is(robustness)
  if (state === 'attaching') return is('attaching')
  if (state === 'attached' && robustness !== 'healthy') return is(`attached and its health ${robustness}`)
  return []
}

/** With the claim that people know it by, `pvc-1 (media/films)`. */
function nameOf({ metadata: { name }, status }: VolumeObject): string {
  const { namespace, pvcName } = status?.kubernetesStatus ?? {}
  return pvcName ? `${name} (${namespace}/${pvcName})` : name
}
