import { pods as podsResource } from './objects.ts'
import { findNode } from './nodes.ts'
import { createPod } from './pods.ts'
import type { World } from './world.ts'

const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const

/** Versions of the components of one control plane, `v1.36.3`; the API server's own where none is named. */
export type ComponentVersions = Readonly<Partial<Record<(typeof components)[number], string>>>

/**
 * Has a control plane run its three static pods, of which the API has mirrors, as Talos labels them (siderolabs/talos
 * …/controllers/k8s/control_plane_static_pod.go); called again it changes their images, as `talosctl upgrade-k8s` does.
 */
export function runControlPlane(world: World, name: string, versions: ComponentVersions, usual: string): void {
  const { store } = world
  const node = findNode(world, name)
  if (node === undefined) throw new Error(`the lab's cluster has no node ${name}`)
  for (const component of components) {
    const version = versions[component] ?? usual
    const image = `registry.k8s.io/${component}:${version}`
    const labels = {
      tier: 'control-plane',
      'k8s-app': component,
      component,
      'app.kubernetes.io/name': component,
      'app.kubernetes.io/version': version.replace(/^v/, ''),
      'app.kubernetes.io/component': 'control-plane',
      'app.kubernetes.io/managed-by': 'Talos',
    }
    const pod = `${component}-${name}`
    const before = store.get(podsResource, 'kube-system', pod)
    if (before !== undefined) store.remove(podsResource, before)
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid, controller: true }
    const traits = { grace: 30, emptyDir: false, toleratesAll: true, stuckTerminating: false, unready: false }
    createPod(
      world,
      { namespace: 'kube-system', labels, container: component, image, ...traits },
      { name: pod, node: name, owner, phase: 'Running' },
    )
  }
}

/** Versions of what Kubernetes runs on a node, by name, as an installer there finds them. */
export function componentsOf(world: World, name: string): Readonly<Record<string, string>> {
  const kubelet = findNode(world, name)?.status.nodeInfo.kubeletVersion
  const mirrors = components.flatMap((component) => {
    const labels = world.store.get(podsResource, 'kube-system', `${component}-${name}`)?.metadata.labels
    const version = labels?.['app.kubernetes.io/version']
    return version === undefined ? [] : [[component, `v${version}`] as const]
  })
  return Object.fromEntries([...(kubelet === undefined ? [] : [['kubelet', kubelet] as const]), ...mirrors])
}
