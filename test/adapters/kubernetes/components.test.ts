import { afterEach, beforeEach, expect, test } from 'vitest'
import { podOf } from '../../lab/kubernetes/test-client.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.134')
})
afterEach(() => at[Symbol.asyncDispose]())

const found = async () =>
  (await at.kubernetes.components(soon())).map(({ component, node, version }) => `${component} ${node} ${version}`)

test('an upgrade of Kubernetes that is half done shows in each of its components', async () => {
  at.lab.runControlPlane('cp-1', { 'kube-scheduler': 'v1.35.9', 'kube-controller-manager': 'v1.36.0' })
  at.lab.setNodeInfo('w-2', { kubeletVersion: 'v1.33.2' })
  expect((await found()).toSorted()).toEqual([
    'kube-apiserver cp-1 v1.36.3',
    'kube-controller-manager cp-1 v1.36.0',
    'kube-scheduler cp-1 v1.35.9',
    'kubelet cp-1 v1.36.3',
    'kubelet w-1 v1.36.3',
    'kubelet w-2 v1.33.2',
  ])
})

test.each([
  ['registry.k8s.io/kube-scheduler:v1.35.9@sha256:aa', 'v1.35.9'],
  ['10.0.0.5:5000/mirror/kube-scheduler:v1.34.1', 'v1.34.1'],
  // Without a tag Talos' own label tells.
  ['registry.k8s.io/kube-scheduler@sha256:aa', 'v1.32.0'],
])('the image %s is of %s', async (image, version) => {
  at.lab.addPod({
    name: 'kube-scheduler-cp-1',
    namespace: 'kube-system',
    node: 'cp-1',
    labels: { tier: 'control-plane', 'k8s-app': 'kube-scheduler', 'app.kubernetes.io/version': '1.32.0' },
    container: 'kube-scheduler',
    image,
  })
  expect(podOf(at.lab, 'kube-scheduler-cp-1')?.spec['containers']).toEqual([{ name: 'kube-scheduler', image }])
  expect(await found()).toContain(`kube-scheduler cp-1 ${version}`)
})

test('other pods of kube-system are none of its components', async () => {
  const labels = { tier: 'control-plane', 'k8s-app': 'kube-vip' }
  at.lab.addPod({ name: 'vip', namespace: 'kube-system', node: 'cp-1', labels, image: 'kube-vip:v0.9.0' })
  expect(await found()).toEqual(['kubelet cp-1 v1.36.3', 'kubelet w-1 v1.36.3', 'kubelet w-2 v1.36.3'])
})
