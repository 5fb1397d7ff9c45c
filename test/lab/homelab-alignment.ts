import type { KubernetesApi } from './kubernetes/api.ts'
import type { LabEtcd } from './talos/etcd.ts'
import type { TalosNode } from './talos/node.ts'

/** How the cluster was at one moment, as the lab itself knows it. */
export interface Moment {
  /** ms since the epoch. */
  readonly at: number
  readonly quorum: boolean
  /** Nodes that are not running and ready. */
  readonly down: readonly string[]
}

/** Keeps the Kubernetes API in line with the machines below it, and writes down how the cluster was. */
export interface Alignment {
  /** Looks at everything again. */
  align(): void
  /** Every change of the cluster, oldest first. */
  readonly moments: readonly Moment[]
  /** Names of machines in the order in which they powered off. */
  readonly poweredOff: string[]
}

interface Aligned {
  readonly nodes: readonly TalosNode[]
  readonly etcd: LabEtcd
  readonly kubernetes: KubernetesApi
}

export function createAlignment({ nodes, etcd, kubernetes }: Aligned): Alignment {
  const moments: Moment[] = []
  const poweredOff: string[] = []
  const running = new Set<string>()
  /** By node, the boot that its kubelet has reported. */
  const reported = new Map<string, string>()

  function alignKubernetes(quorum: boolean): void {
    const apiServers = nodes.filter((node) => node.role === 'controlplane' && node.stage === 'running')
    kubernetes.setAvailability(apiServers.length === 0 ? 'down' : quorum ? 'serving' : 'no-quorum')
    for (const node of nodes) {
      const isReady = node.stage === 'running' && node.ready
      // A kubelet reports the boot before it reports that it is Ready in it.
      if (isReady && reported.get(node.name) !== node.bootId && quorum && apiServers.length > 0) {
        reported.set(node.name, node.bootId)
        kubernetes.setNodeInfo(node.name, { bootID: node.bootId, machineID: node.machineId, systemUUID: node.uuid })
      }
      kubernetes.setNodeReady(node.name, isReady)
    }
  }

  function notePower(): void {
    for (const { name, power } of nodes) {
      if (power === 'off' && running.delete(name)) poweredOff.push(name)
      if (power === 'on') running.add(name)
    }
  }

  function noteMoment(quorum: boolean): void {
    const down = nodes.filter((node) => !node.ready).map(({ name }) => name)
    const last = moments.at(-1)
    if (last?.quorum !== quorum || last.down.join() !== down.join()) moments.push({ at: Date.now(), quorum, down })
  }

  function align(): void {
    const quorum = etcd.hasQuorum()
    alignKubernetes(quorum)
    notePower()
    noteMoment(quorum)
  }

  return { align, moments, poweredOff }
}
