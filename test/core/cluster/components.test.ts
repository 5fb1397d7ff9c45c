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
  test.each<{ name: string; components: readonly KubernetesComponent[]; expected: string }>([
    {
      name: 'all is in its range',
      components: [component('kubelet', 'w-1', 'v1.31.0'), component('kubelet', 'w-2', 'v1.36.9')],
      expected: 'go w-1',
    },
    {
      name: 'a kubelet that is too old',
      components: [component('kubelet', 'w-1', 'v1.30.14')],
      expected:
        'wait: v1.13.9 needs Kubernetes 1.31 or later, but kubelet on w-1 is v1.30.14: upgrade Kubernetes first',
    },
    {
      name: 'one of a node that comes later',
      components: [component('kubelet', 'w-2', 'v1.30.14')],
      expected:
        'wait: v1.13.9 needs Kubernetes 1.31 or later, but kubelet on w-2 is v1.30.14: upgrade Kubernetes first',
    },
    {
      name: 'a scheduler that is too old',
      components: [component('kube-scheduler', 'cp-2', 'v1.30.0')],
      expected:
        'wait: v1.13.9 needs Kubernetes 1.31 or later, but kube-scheduler on cp-2 is v1.30.0: upgrade Kubernetes first',
    },
    {
      name: 'a controller manager that is too old',
      components: [component('kube-controller-manager', 'cp-3', 'v1.29.9')],
      expected:
        'wait: v1.13.9 needs Kubernetes 1.31 or later, but kube-controller-manager on cp-3 is v1.29.9: upgrade Kubernetes first',
    },
    {
      name: 'an API server that is too new, beside another one',
      components: [component('kube-apiserver', 'cp-1', 'v1.36.3'), component('kube-apiserver', 'cp-2', 'v1.37.0')],
      expected: 'wait: v1.13.9 supports Kubernetes up to 1.36, but kube-apiserver on cp-2 is v1.37.0',
    },
    {
      name: 'a kubelet with a suffix of its vendor',
      components: [component('kubelet', 'w-1', 'v1.36.3+k3s1')],
      expected: 'go w-1',
    },
    {
      name: 'and one that is too old in spite of it',
      components: [component('kubelet', 'w-1', 'v1.30.3-gke.100')],
      expected:
        'wait: v1.13.9 needs Kubernetes 1.31 or later, but kubelet on w-1 is v1.30.3-gke.100: upgrade Kubernetes first',
    },
    { name: 'a node that is none of ours', components: [component('kubelet', 'old-1', 'v1.20.0')], expected: 'go w-1' },
  ])('$name', ({ components, expected }) => {
    expect(summary(decide(observed(components)))).toBe(expected)
  })

  test('what is not known is no permission', () => {
    expect(summary(decide(notObserved('the API server answers 403')))).toBe(
      'wait: the versions of the Kubernetes components are unknown (the API server answers 403)',
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
      'wait: v1.13.9 needs Kubernetes 1.31 or later, but kubelet on w-1 is v1.30.0: upgrade Kubernetes first',
    )
  })

  test('is finished where it is installed', () => {
    expect(outline(decide(old, closed({ ...armedEntries })))).toContain('reboot: reboot w-1')
  })
})
