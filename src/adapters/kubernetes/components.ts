import type { KubernetesComponent } from '../../core/cluster/components.ts'
import { type Api, listOf, queryOf } from './api.ts'

interface NodeVersion {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } }
}

interface StaticPod {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec?: {
    readonly nodeName?: string
    readonly containers?: readonly { readonly name: string; readonly image?: string }[]
  }
}

/** How Talos labels its static pods (siderolabs/talos …/controllers/k8s/control_plane_static_pod.go). */
const staticPods = `/api/v1/namespaces/kube-system/pods${queryOf({ labelSelector: 'tier=control-plane' })}`
const known = new Set(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])

/** Of which version Kubernetes' components are, node by node: kubelets by what they report, static pods by their image. */
export async function findComponents(api: Api, signal: AbortSignal): Promise<readonly KubernetesComponent[]> {
  const [nodes, pods] = await Promise.all([
    listOf<NodeVersion>(api, '/api/v1/nodes', signal),
    listOf<StaticPod>(api, staticPods, signal),
  ])
  const kubelets = nodes.flatMap(({ metadata, status }) => {
    const version = status?.nodeInfo?.kubeletVersion
    return version ? [{ component: 'kubelet', node: metadata.name, version }] : []
  })
  return [...kubelets, ...pods.flatMap(componentsOf)]
}

function componentsOf({ metadata: { labels = {} }, spec }: StaticPod): readonly KubernetesComponent[] {
  const { nodeName, containers = [] } = spec ?? {}
  const component = labels['k8s-app'] ?? labels['component'] ?? ''
  const image = containers.find(({ name }) => name === component)?.image ?? containers[0]?.image
  const label = labels['app.kubernetes.io/version']
  const version = versionOf(image) ?? (label && `v${label.replace(/^v/, '')}`)
  if (nodeName === undefined || !known.has(component) || !version) return []
  return [{ component, node: nodeName, version }]
}

/** `v1.36.3` of `registry.k8s.io/kube-scheduler:v1.36.3@sha256:…`, as Talos reads it; undefined where it has no tag. */
function versionOf(image: string | undefined): string | undefined {
  return image === undefined ? undefined : /:(v\d[^@/:]*)(?:@|$)/.exec(image)?.[1]
}
