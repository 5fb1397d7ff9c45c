import type { Role } from '../../core/cluster/cluster.ts'
import type { ClusterMember } from '../../core/setup/seen.ts'
import { type Api, listOf } from './api.ts'

interface NodeObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] }
}

/** By the label that Talos' kubelets put on control planes (kubernetes/kubeadm's word for them). */
const controlPlane = 'node-role.kubernetes.io/control-plane'

/** The nodes as Kubernetes knows them, with their own addresses: kubelets leave virtual ones out. */
export async function readMembers(api: Api, signal: AbortSignal): Promise<readonly ClusterMember[]> {
  const nodes = await listOf<NodeObject>(api, '/api/v1/nodes', signal)
  return nodes.map(({ metadata: { name, labels = {} }, status }) => ({
    name,
    role: (controlPlane in labels ? 'controlplane' : 'worker') satisfies Role,
    addresses: (status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : [])),
  }))
}
