import { isHealthy, type Node } from '../cluster/cluster.ts'
import { isArmed } from '../cluster/next-boot.ts'
import type { Facts } from '../known-facts.ts'
import { createSamples, gauge, type Sample, type Samples, timestampOf } from './metric.ts'

const node = 'name of a node'

/** The cluster as it was seen last. */
export const nodeMetrics = {
  caretaker_cluster_observed_timestamp_seconds: gauge(
    'When the cluster was looked at last: everything about nodes is as it was then',
    {},
  ),
  caretaker_kubernetes_info: gauge('The version of the API server: 1', { version: 'version of Kubernetes' }),
  caretaker_nodes: gauge('Configured nodes', { role: 'controlplane, worker' }),
  caretaker_node_info: gauge('What a node runs: 1', {
    node,
    role: 'controlplane, worker',
    version: 'release of Talos; empty where it does not answer',
    schematic: 'first 12 digits of its id; empty where there is none',
  }),
  caretaker_node_healthy: gauge('Whether a node is as well as an upgrade asks for', { node }),
  caretaker_node_reachable: gauge('Whether Talos answered on a node', { node }),
  caretaker_node_ready: gauge('Whether a node is Ready in Kubernetes', { node }),
  caretaker_node_cordoned: gauge('Whether a node is cordoned', { node }),
  caretaker_node_paused: gauge('Whether a person has paused upgrades of a node', { node }),
  caretaker_node_armed: gauge('Whether a release is installed on a node that it has not booted', { node }),
  caretaker_node_outdated: gauge('Whether a node runs another release than the target', { node }),
  caretaker_node_upgrade_attempts: gauge('Attempts at the release that a node was to get last', { node }),
  caretaker_etcd_database_size_bytes: gauge('Size of the database of etcd on a node', { node }),
  caretaker_etcd_alarms: gauge('Alarms of etcd that a node reports', { node }),
  caretaker_etcd_learner: gauge('Whether the member of etcd on a node has no vote yet', { node }),
} as const

export function readNodes({ known: { cluster }, releases: { target } }: Facts): readonly Sample[] {
  const samples = createSamples(nodeMetrics)
  if (!cluster) return samples.all
  samples.add('caretaker_cluster_observed_timestamp_seconds', {}, timestampOf(cluster.observedAt))
  if (cluster.kubernetes.ok) samples.add('caretaker_kubernetes_info', { version: cluster.kubernetes.value }, 1)
  for (const role of ['controlplane', 'worker'])
    samples.add('caretaker_nodes', { role }, cluster.nodes.filter((one) => one.configuredRole === role).length)
  for (const one of cluster.nodes) readNode(samples, one, target)
  return samples.all
}

function readNode(samples: Samples<typeof nodeMetrics>, one: Node, target: string | undefined): void {
  const { name, role, talos, kubernetes } = one
  const labels = { node: name }
  const { version = '', schematic = '' } = talos.ok ? talos.value : {}
  samples.add('caretaker_node_info', { node: name, role, version, schematic: schematic.slice(0, 12) }, 1)
  samples.add('caretaker_node_healthy', labels, isHealthy(one))
  samples.add('caretaker_node_reachable', labels, talos.ok)
  if (talos.ok) {
    samples.add('caretaker_node_armed', labels, isArmed(one))
    if (target !== undefined) samples.add('caretaker_node_outdated', labels, version !== target)
    const { etcd } = talos.value
    if (etcd?.ok) {
      samples.add('caretaker_etcd_database_size_bytes', labels, etcd.value.dbSize)
      samples.add('caretaker_etcd_alarms', labels, etcd.value.alarms.length)
      samples.add('caretaker_etcd_learner', labels, etcd.value.learner)
    }
  }
  if (!kubernetes.ok) return
  const { ready, unschedulable, paused, attempts } = kubernetes.value
  samples.add('caretaker_node_ready', labels, ready)
  samples.add('caretaker_node_cordoned', labels, unschedulable)
  samples.add('caretaker_node_paused', labels, paused !== undefined)
  samples.add('caretaker_node_upgrade_attempts', labels, attempts?.count ?? 0)
}
