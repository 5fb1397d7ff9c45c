import type { PodPlan } from './pods.ts'
import type { Store } from './store.ts'

/** How fast the lab's cluster works, in milliseconds. */
export interface Pace {
  /** How long a pod takes to stop by itself; its grace period cuts it short. */
  readonly terminate: number
  /** From being bound to a node to Running and Ready; also from a kubelet's return to its pods being Ready again. */
  readonly reschedule: number
  /** From a pod's end to its volumes being detached from the node. */
  readonly detach: number
  /** From a kubelet's silence to its node's Ready being Unknown; 50 s in Kubernetes (node-monitor-grace-period). */
  readonly monitorGrace: number
  /** From Unknown to the node's pods being deleted; Kubernetes tolerates 300 s by default. */
  readonly tolerateUnreachable: number
  /** How often a living kubelet renews its node's lease; 10 s in Kubernetes. */
  readonly heartbeat: number
  /** How long a request waits for an etcd without quorum before it is refused; 7 s in Kubernetes. */
  readonly etcdTimeout: number
}

/** Named timers that never keep the process alive. */
export interface Timers {
  /** Runs `act` once after `ms`, unless a timer of this name is running already. */
  once(name: string, ms: number, act: () => void): void
  cancel(name: string): void
  cancelAll(): void
}

/** A kubelet: alive or not, whatever the API believes; `since` when (epoch ms). */
export interface Kubelet {
  readonly alive: boolean
  readonly since: number
}

/** What the controllers share. */
export interface World {
  readonly store: Store
  readonly timers: Timers
  readonly pace: Pace
  readonly kubelets: Map<string, Kubelet>
  /** Volumes that are never detached from their node, by name. */
  readonly heldVolumes: Set<string>
  /** What the lab was told about a pod, by the pod's uid. */
  readonly plans: Map<string, PodPlan>
  /** Whether etcd has quorum; without it neither controllers nor kubelets can write anything down. */
  readonly isWritable: () => boolean
  /** When the control plane last became able to write (epoch ms); it judges nodes afresh from then. */
  readonly writableSince: () => number
  /** Makes the controllers look again. */
  readonly settle: () => void
}

export function createTimers(): Timers {
  const running = new Map<string, NodeJS.Timeout>()
  function cancel(name: string): void {
    clearTimeout(running.get(name))
    running.delete(name)
  }
  return {
    once(name, ms, act) {
      if (running.has(name)) return
      const timer = setTimeout(() => {
        running.delete(name)
        act()
      }, ms)
      running.set(name, timer.unref())
    },
    cancel,
    cancelAll: () => [...running.keys()].forEach(cancel),
  }
}

export function isAlive({ kubelets }: World, node: string | undefined): boolean {
  return node !== undefined && (kubelets.get(node)?.alive ?? false)
}
