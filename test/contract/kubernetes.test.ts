import { describe } from 'vitest'
import { startKubernetesLab } from '../adapters/kubernetes-lab.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { kubernetesContract } from './kubernetes.contract.ts'

describe('Kubernetes, over its API', () => {
  kubernetesContract(async () => {
    const at = await startKubernetesLab('127.0.44.114')
    for (const node of ['w-1', 'w-2'])
      at.lab.addPod({ name: `web-${node}`, node, owner: { kind: 'ReplicaSet', name: 'web' } })
    return {
      kubernetes: at.kubernetes,
      cordonByHand: (node) => at.patchNode(node, { spec: { unschedulable: true } }),
      uncordonByHand: (node) => at.patchNode(node, { spec: { unschedulable: null } }),
      makeStubborn: async (node) => {
        const labels = { app: 'db' }
        at.lab.addPod({ name: 'db-0', node, labels, owner: { kind: 'StatefulSet', name: 'db' } })
        at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: labels, minAvailable: 1 })
      },
      [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
    }
  })
})

describe('the fake Kubernetes', () => {
  kubernetesContract(async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker' })
    return {
      kubernetes: homelab.ports.kubernetes,
      cordonByHand: async (node) => void (homelab.machine(node).unschedulable = true),
      uncordonByHand: async (node) => void (homelab.machine(node).unschedulable = false),
      makeStubborn: async (node) => void (homelab.machine(node).stubborn = true),
      [Symbol.asyncDispose]: async () => {},
    }
  })
})
