import { describe, expect, test } from 'vitest'
import { type Node, type Observed, observed, notObserved } from '../../../src/core/cluster/cluster.ts'
import type { KubernetesComponent } from '../../../src/core/cluster/components.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import { armedEntries, clusterOf, controlPlanes, type NodeChoices, worker } from './nodes.ts'
import { calm, outline, policy, summary, target } from '../upgrade/rollout.ts'

const component = (name: string, node: string, version: string): KubernetesComponent => ({
  component: name,
  node,
  version,
})
const nodes = [...controlPlanes({}, {}, {}), worker('w-1'), worker('w-2')]

function decide(
  components: Observed<readonly KubernetesComponent[]>,
  cluster: readonly Node[] = nodes,
  version = 'v1.13.9',
) {
  return decideUpgrade(clusterOf(...cluster), { ...target, version }, { ...calm, components }, policy)
}

describe('before anything is drained, Kubernetes is compared with the release', () => {
  test.each<[string, readonly KubernetesComponent[], string]>([
    ['all is in its range', [component('kubelet', 'w-1', 'v1.31.0'), component('kubelet', 'w-2', 'v1.36.9')], 'go w-1'],
    [
      'a kubelet that is too old',
      [component('kubelet', 'w-1', 'v1.30.14')],
      'wait: v1.13.9 needs Kubernetes 1.31 or later, and kubelet on w-1 is v1.30.14: upgrade Kubernetes first',
    ],
    [
      'one of a node that comes later',
      [component('kubelet', 'w-2', 'v1.30.14')],
      'wait: v1.13.9 needs Kubernetes 1.31 or later, and kubelet on w-2 is v1.30.14: upgrade Kubernetes first',
    ],
    [
      'a scheduler that is too old',
      [component('kube-scheduler', 'cp-2', 'v1.30.0')],
      'wait: v1.13.9 needs Kubernetes 1.31 or later, and kube-scheduler on cp-2 is v1.30.0: upgrade Kubernetes first',
    ],
    [
      'a controller manager that is too old',
      [component('kube-controller-manager', 'cp-3', 'v1.29.9')],
      'wait: v1.13.9 needs Kubernetes 1.31 or later, and kube-controller-manager on cp-3 is v1.29.9: upgrade Kubernetes first',
    ],
    [
      'an API server that is too new, beside another one',
      [component('kube-apiserver', 'cp-1', 'v1.36.3'), component('kube-apiserver', 'cp-2', 'v1.37.0')],
      'wait: v1.13.9 runs Kubernetes up to 1.36, and kube-apiserver on cp-2 is v1.37.0',
    ],
    ['a kubelet with a suffix of its vendor', [component('kubelet', 'w-1', 'v1.36.3+k3s1')], 'go w-1'],
    [
      'and one that is too old in spite of it',
      [component('kubelet', 'w-1', 'v1.30.3-gke.100')],
      'wait: v1.13.9 needs Kubernetes 1.31 or later, and kubelet on w-1 is v1.30.3-gke.100: upgrade Kubernetes first',
    ],
    ['a node that is none of ours', [component('kubelet', 'old-1', 'v1.20.0')], 'go w-1'],
  ])('%s', (_, components, expected) => {
    expect(summary(decide(observed(components)))).toBe(expected)
  })

  test('what is not known is no permission', () => {
    expect(summary(decide(notObserved('the API server answers 403')))).toBe(
      "wait: it is not known which versions Kubernetes' components are of (the API server answers 403)",
    )
  })

  test('a node that is paused keeps nobody back by its kubelet', () => {
    const choices: NodeChoices = { kubernetes: { paused: 'a guest' } }
    const cluster = [...controlPlanes({}, {}, {}), worker('w-1', choices), worker('w-2')]
    expect(summary(decide(observed([component('kubelet', 'w-1', 'v1.30.0')]), cluster))).toBe('go w-2')
  })
})

describe('a node that is closed already', () => {
  const cordon = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' } as const
  const closed = (talos: NodeChoices['talos'] = {}) => [
    ...controlPlanes({}, {}, {}),
    worker('w-1', { talos, kubernetes: { unschedulable: true, cordon } }),
  ]
  const old = observed([component('kubelet', 'w-1', 'v1.30.0')])

  test('is not installed either', () => {
    expect(summary(decide(old, closed()))).toBe(
      'wait: v1.13.9 needs Kubernetes 1.31 or later, and kubelet on w-1 is v1.30.0: upgrade Kubernetes first',
    )
  })

  test('is finished where it is installed', () => {
    expect(outline(decide(old, closed({ ...armedEntries })))).toContain('reboot: reboot w-1')
  })
})
