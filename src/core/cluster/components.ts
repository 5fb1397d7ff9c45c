import type { Node, Observed } from './cluster.ts'
import { kubernetesMismatch } from '../release/compatibility.ts'

/** A part of Kubernetes that Talos runs on a node, in a version of its own: an upgrade of Kubernetes goes one by one. */
export interface KubernetesComponent {
  /** `kubelet`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`. */
  readonly component: string
  readonly node: string
  /** `v1.36.3`. */
  readonly version: string
}

/**
 * Why an installer would refuse one of these nodes for what Kubernetes runs there; undefined where none would. The
 * installer checks the kubelet, the API server, the scheduler and the controller manager of its own node
 * (siderolabs/talos cmd/installer/pkg/install/preflight.go), after the node has been drained. All nodes to come are
 * checked before the first of them: an upgrade of Kubernetes that is half done is to be finished before Talos'.
 */
export function componentsObstacle(
  nodes: readonly Node[],
  release: string,
  components: Observed<readonly KubernetesComponent[]>,
): string | undefined {
  if (!components.ok) return `the versions of the Kubernetes components are unknown (${components.error})`
  const names = new Set(nodes.map(({ name }) => name))
  for (const { component, node, version } of components.value) {
    if (!names.has(node)) continue
    const mismatch = kubernetesMismatch(release, version, `${component} on ${node} is ${version}`)
    if (mismatch) return mismatch
  }
  return undefined
}
