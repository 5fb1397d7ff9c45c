import { describe } from 'vitest'
import { longhornSettings } from '../lab/kubernetes/custom.ts'
import { startKubernetesLab } from '../adapters/kubernetes/lab.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { kubernetesContract } from './kubernetes.contract.ts'
import { kubernetesPowerContract } from './kubernetes.power.contract.ts'
import { soon } from '../patience.ts'

const longhorn = [
  { name: 'concurrent-replica-rebuild-per-node-limit', value: '5', during: '0' },
  { name: 'node-drain-policy', value: 'block-if-contains-last-replica', during: 'always-allow' },
  { name: 'replica-replenishment-wait-interval', value: '600', during: '3600' },
]
const longhornAt = 'longhorn-system'

describe('Kubernetes, over its API', () => {
  kubernetesContract(async () => {
    const at = await startKubernetesLab('127.0.44.114')
    at.lab.runControlPlane('cp-1')
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

  kubernetesPowerContract(async () => {
    const at = await startKubernetesLab('127.0.44.126')
    const { lab, kubernetes } = at
    const roots = { Deployment: 'apps/v1', StatefulSet: 'apps/v1', CronJob: 'batch/v1' } as const
    let ceph: ReturnType<typeof lab.addCeph> | undefined
    return {
      kubernetes,
      add: async ({ kind, namespace, name, replicas }, labels) => {
        if (kind === 'CronJob') lab.addCronJob({ namespace, name, labels, suspend: replicas === 0 })
        else if (kind === 'Deployment') lab.addDeployment({ namespace, name, labels, replicas })
        else lab.addStatefulSet({ namespace, name, labels, replicas })
      },
      scaleByHand: async ({ kind, namespace, name }, replicas) => {
        const path = `/apis/${roots[kind]}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`
        await at.api.send({ method: 'PATCH', path, body: { spec: { replicas } }, signal: soon() })
      },
      replicasOf: async ({ kind, namespace, name }) => {
        const { suspend, replicas = suspend ? 0 : 1 } = lab.workload(kind, name, namespace)!.spec as Spec
        return replicas
      },
      addStorage: async () => {
        for (const { name, value } of longhorn)
          lab.putCustom(longhornSettings, { metadata: { name, namespace: longhornAt }, value })
        ceph = lab.addCeph({ flags: ['noout'] })
      },
      loseWrites: async () => {
        ceph!.groups = { 'active+undersized+degraded': 3, 'active+clean': 30 }
      },
      deny: async () => lab.deny('create pods/eviction', 'patch settings.longhorn.io', 'create pods/exec'),
      [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
    }
  })
})

interface Spec {
  readonly replicas?: number
  readonly suspend?: boolean
}

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

  kubernetesPowerContract(async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' })
    const { scalables, storageSettings, ports } = homelab
    const find = (kind: string, name: string) => scalables.find((one) => one.kind === kind && one.name === name)!
    return {
      kubernetes: ports.kubernetes,
      add: async (workload, labels) => void scalables.push({ ...workload, labels }),
      scaleByHand: async ({ kind, name }, replicas) => void (find(kind, name).replicas = replicas),
      replicasOf: async ({ kind, name }) => find(kind, name).replicas,
      addStorage: async () => {
        for (const one of longhorn) storageSettings.push({ system: 'longhorn', namespace: longhornAt, ...one })
        const ceph = { system: 'ceph', namespace: 'rook-ceph', during: 'set' } as const
        for (const name of ['noout', 'nobackfill', 'norecover', 'norebalance'])
          storageSettings.push({ ...ceph, name, value: name === 'noout' ? 'set' : 'unset' })
      },
      loseWrites: async () => void (homelab.healing = 2),
      deny: async () => {
        homelab.forbidden = ['evict pods', "change Longhorn's settings", "set Ceph's flags"]
      },
      [Symbol.asyncDispose]: async () => {},
    }
  })
})
