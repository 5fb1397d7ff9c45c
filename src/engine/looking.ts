import type { Cluster } from '../core/cluster/cluster.ts'
import { createListeners } from '../core/listeners.ts'
import type { Ports } from '../core/ports.ts'
import { type Inventory, type LookLimits, observe } from './observe.ts'

/** Looks at the cluster for whoever asks, and tells all others what was seen. */
export function createLooking(inventory: () => Inventory, ports: Pick<Ports, 'talos' | 'kubernetes'>) {
  const looks = createListeners<Cluster>()
  return {
    look: async (signal: AbortSignal, limits: LookLimits = {}): Promise<Cluster> => {
      const cluster = await observe(inventory(), ports, signal, limits)
      // A look that is cut short may miss nodes: it is nobody else's.
      if (limits.within === undefined) looks.tell(cluster)
      return cluster
    },
    onLook: looks.subscribe,
  }
}
