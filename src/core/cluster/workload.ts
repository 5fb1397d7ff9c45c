/** Which workloads to choose: `tier=batch`, in one namespace or in all. */
export interface WorkloadSelection {
  /** A label selector in Kubernetes' words. */
  readonly selector: string
  readonly namespace?: string | undefined
}

/** A workload and how many replicas it had; a CronJob has 1, or 0 while it is suspended. */
export interface ScaledWorkload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'CronJob'
  readonly namespace: string
  readonly name: string
  readonly replicas: number
}

/** One setting of a storage system: Longhorn's `node-drain-policy`, Ceph's flag `noout` (`set` or `unset`). */
export interface StorageSetting {
  readonly system: 'longhorn' | 'ceph'
  readonly namespace: string
  readonly name: string
  readonly before: string
  readonly during: string
}
