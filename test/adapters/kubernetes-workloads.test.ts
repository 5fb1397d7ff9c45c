import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startKubernetesLab, type KubernetesLab } from './kubernetes-lab.ts'

const soon = (ms = 5_000) => AbortSignal.timeout(ms)
let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.121')
})
afterEach(() => at[Symbol.asyncDispose]())

const workloads = () => at.kubernetes.workloads(soon())
const db = (name: string, node: string, more = {}) =>
  at.lab.addPod({ name, node, labels: { app: 'db' }, owner: { kind: 'StatefulSet', name: 'db' }, ...more })

describe('a disruption budget is in the way for good', () => {
  test('when it needs every pod, with its pods, their nodes and whose they are', async () => {
    db('db-0', 'w-1')
    db('db-1', 'w-2')
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: 2 })
    expect(await workloads()).toEqual({
      blocking: [
        {
          budget: 'default/db',
          why: 'needs 2 of 2 pods',
          pods: [
            { name: 'db-0', node: 'w-1', owner: 'StatefulSet db' },
            { name: 'db-1', node: 'w-2', owner: 'StatefulSet db' },
          ],
        },
      ],
      pending: [],
    })
  })

  test('when none may be missing, whatever kind of selector it has', async () => {
    db('db-0', 'w-1', { namespace: 'data' })
    db('db-1', 'w-1', { namespace: 'data', labels: { app: 'db', old: 'yes' } })
    at.lab.addPod({ name: 'web', namespace: 'data', node: 'w-1', labels: { app: 'web' } })
    const matchExpressions = [
      { key: 'app', operator: 'In', values: ['db', 'cache'] },
      { key: 'app', operator: 'NotIn', values: ['web'] },
      { key: 'app', operator: 'Exists' },
      { key: 'old', operator: 'DoesNotExist' },
    ] as const
    at.lab.addPodDisruptionBudget({ name: 'db', namespace: 'data', matchExpressions, maxUnavailable: 0 })
    const pods = [{ name: 'db-0', node: 'w-1', owner: 'StatefulSet db' }]
    expect((await workloads()).blocking).toEqual([{ budget: 'data/db', why: 'needs 2 of 2 pods', pods }])
  })

  test('of a Deployment, named as such, also while a pod of it is unwell', async () => {
    const labels = { app: 'web', 'pod-template-hash': '5d4f' }
    const owner = { kind: 'ReplicaSet', name: 'web-5d4f' } as const
    at.lab.addPod({ name: 'web-5d4f-x', node: 'w-1', labels, owner, unready: true })
    at.lab.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 1 })
    expect((await workloads()).blocking).toMatchObject([{ pods: [{ owner: 'Deployment web' }] }])
  })

  test('when its controller can’t count, with what that says', async () => {
    const controller = { apiVersion: 'example.org/v1', kind: 'Database', name: 'pg' }
    at.lab.addPod({ name: 'pg-1', node: 'w-2', labels: { app: 'pg' }, controller })
    at.lab.addPodDisruptionBudget({ name: 'pg', matchLabels: { app: 'pg' }, maxUnavailable: 1 })
    expect((await workloads()).blocking).toEqual([
      {
        budget: 'default/pg',
        why: 'found no controllers for pod "pg-1"',
        pods: [{ name: 'pg-1', node: 'w-2', owner: 'Database pg' }],
      },
    ])
  })
})

describe('a disruption budget is not in the way for good', () => {
  test('when it only has no room because a pod is unwell', async () => {
    db('db-0', 'w-1')
    db('db-1', 'w-2', { unready: true })
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: 1 })
    expect((await workloads()).blocking).toEqual([])
  })

  test('when it allows an eviction, or has no pod', async () => {
    db('db-0', 'w-1')
    db('db-1', 'w-2')
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, maxUnavailable: 1 })
    at.lab.addPodDisruptionBudget({ name: 'gone', matchLabels: { app: 'gone' }, minAvailable: 1 })
    expect((await workloads()).blocking).toEqual([])
  })

  test('when its pods are ones that a drain leaves alone, or that Longhorn lets go by itself', async () => {
    at.lab.addPod({ node: 'w-1', labels: { app: 'agent' }, owner: { kind: 'DaemonSet', name: 'agent' } })
    at.lab.addPodDisruptionBudget({ name: 'agent', matchLabels: { app: 'agent' }, minAvailable: 1 })
    const controller = { apiVersion: 'longhorn.io/v1beta2', kind: 'InstanceManager', name: 'im-1' }
    at.lab.addPod({ name: 'im-1', node: 'w-1', labels: { app: 'im' }, controller })
    at.lab.addPodDisruptionBudget({ name: 'im-1', matchLabels: { app: 'im' }, minAvailable: 1 })
    expect((await workloads()).blocking).toEqual([])
  })
})

test('a pod that finds no node is told with what the scheduler says; one that is only starting is not', async () => {
  at.lab.addPod({ name: 'web', node: 'w-1' })
  at.lab.addDeployment({
    name: 'gpu',
    namespace: 'media',
    replicas: 1,
    labels: { app: 'gpu' },
    nodeSelector: { gpu: 'yes' },
  })
  expect((await workloads()).pending).toEqual([
    'media/gpu-1: 0/3 nodes are available: 3 node(s) were unschedulable or had untolerated taint(s).',
  ])
  await at.patchNode('w-2', { metadata: { labels: { gpu: 'yes' } } })
  await vi.waitFor(async () => expect((await workloads()).pending).toEqual([]))
})
