import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Api } from '../../../src/adapters/kubernetes/api.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { patience, soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.121')
})
afterEach(() => at[Symbol.asyncDispose]())

const evict = (name: string) =>
  at.api.send({
    method: 'POST',
    path: `/api/v1/namespaces/default/pods/${name}/eviction?dryRun=All`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } },
    signal: soon(),
  })
/** What was named beforehand is what the API server does. */
const expectRefused = async (name: string, status = 429) => expect(await refusal(evict(name))).toMatchObject({ status })
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

  test.each([[{ maxUnavailable: 1 }], [{ maxUnavailable: '50%' }], [{ minAvailable: '1%' }]])(
    'when only a number of pods would count those without a controller: %j',
    async (limit) => {
      at.lab.addPod({ name: 'one', node: 'w-1', labels: { app: 'tool' } })
      at.lab.addPod({ name: 'two', node: 'w-2', labels: { app: 'tool' } })
      at.lab.addPodDisruptionBudget({ name: 'tool', matchLabels: { app: 'tool' }, ...limit })
      expect((await workloads()).blocking).toEqual([
        {
          budget: 'default/tool',
          why: 'pod "one" has no controller, and only an absolute minAvailable counts such pods',
          pods: [
            { name: 'one', node: 'w-1', owner: undefined },
            { name: 'two', node: 'w-2', owner: undefined },
          ],
        },
      ])
      await expectRefused('one')
    },
  )

  test.each([
    { name: 'all of them', limit: { minAvailable: '100%' }, why: 'needs 2 of 2 pods' },
    { name: 'a share that is rounded up to all', limit: { minAvailable: '51%' }, why: 'needs 2 of 2 pods' },
    { name: 'a share of none that may be missing', limit: { maxUnavailable: '0%' }, why: 'needs 2 of 2 pods' },
    { name: 'more than there are', limit: { minAvailable: 3 }, why: 'needs 3 of 2 pods' },
  ])('when it asks for $name', async ({ limit, why }) => {
    db('db-0', 'w-1')
    db('db-1', 'w-2')
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, ...limit })
    expect((await workloads()).blocking).toMatchObject([{ why }])
    await expectRefused('db-0')
  })

  test('when it counts pods whose work is done among those that must stay', async () => {
    at.lab.addPod({ name: 'old', node: 'w-1', labels: { app: 'db' }, completed: true })
    db('db-0', 'w-1')
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: 1 })
    expect((await workloads()).blocking).toMatchObject([{ why: 'needs 1 of 1 pods', pods: [{ name: 'db-0' }] }])
    await expectRefused('db-0')
  })

  test('when its pods have another one too, whatever the two say', async () => {
    db('db-0', 'w-1')
    db('db-1', 'w-2', { labels: { app: 'db', tier: 'back' }, unready: true })
    at.lab.addPod({ name: 'web', node: 'w-1', labels: { app: 'web', tier: 'back' } })
    const loose = { minAvailable: 0, unhealthyPodEvictionPolicy: 'AlwaysAllow' } as const
    at.lab.addPodDisruptionBudget({ name: 'a', matchLabels: { app: 'db' }, ...loose })
    at.lab.addPodDisruptionBudget({ name: 'b', matchLabels: { tier: 'back' }, ...loose })
    at.lab.addPodDisruptionBudget({ name: 'c', matchExpressions: [{ key: 'app', operator: 'Exists' }], ...loose })
    at.lab.addPodDisruptionBudget({ name: 'd', namespace: 'other', matchLabels: { app: 'db' }, ...loose })
    const often = (names: string) => `${names} covers the same pods, and a pod with two budgets is never evicted`
    expect((await workloads()).blocking).toEqual([
      { budget: 'default/a', why: often('c'), pods: [{ name: 'db-0', node: 'w-1', owner: 'StatefulSet db' }] },
      { budget: 'default/a', why: often('b and c'), pods: [{ name: 'db-1', node: 'w-2', owner: 'StatefulSet db' }] },
      { budget: 'default/b', why: often('c'), pods: [{ name: 'web', node: 'w-1', owner: undefined }] },
    ])
    for (const name of ['db-0', 'db-1', 'web']) await expectRefused(name, 500)
  })

  test('when its controller never could count, though it has observed no generation of it', async () => {
    at.lab.addPod({ name: 'agent', node: 'w-1', labels: { app: 'x' }, owner: { kind: 'DaemonSet', name: 'agent' } })
    at.lab.addPod({ name: 'web', node: 'w-1', labels: { app: 'x' }, owner: { kind: 'ReplicaSet', name: 'web' } })
    at.lab.addPodDisruptionBudget({ name: 'x', matchLabels: { app: 'x' }, maxUnavailable: 1 })
    const path = '/apis/policy/v1/namespaces/default/poddisruptionbudgets/x'
    const { status } = await at.api.send<{ status: object }>({ method: 'GET', path, signal: soon() })
    expect(status).not.toHaveProperty('observedGeneration')
    expect((await workloads()).blocking).toEqual([
      {
        budget: 'default/x',
        why: 'daemonsets.apps does not implement the scale subresource',
        pods: [{ name: 'web', node: 'w-1', owner: 'ReplicaSet web' }],
      },
    ])
    await expectRefused('web')
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

  test('when its pods are not ready and may go in any case', async () => {
    db('db-0', 'w-1', { unready: true })
    const policy = { unhealthyPodEvictionPolicy: 'AlwaysAllow' } as const
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, maxUnavailable: 0, ...policy })
    at.lab.addPod({ name: 'tool', node: 'w-1', labels: { app: 'tool' }, unready: true })
    at.lab.addPodDisruptionBudget({ name: 'tool', matchLabels: { app: 'tool' }, maxUnavailable: 1, ...policy })
    expect((await workloads()).blocking).toEqual([])
    for (const name of ['db-0', 'tool']) await evict(name)
  })

  test('when a number of pods without a controller must stay, and there are more', async () => {
    for (const name of ['one', 'two']) at.lab.addPod({ name, node: 'w-1', labels: { app: 'tool' } })
    at.lab.addPodDisruptionBudget({ name: 'tool', matchLabels: { app: 'tool' }, minAvailable: 1 })
    expect((await workloads()).blocking).toEqual([])
    await evict('one')
  })

  test('when pods with a controller make up for those without', async () => {
    db('db-0', 'w-1')
    db('db-1', 'w-2')
    at.lab.addPod({ name: 'tool', node: 'w-1', labels: { app: 'db' } })
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: '100%' })
    expect((await workloads()).blocking).toEqual([])
    await evict('db-0')
  })

  test('when pods without a controller make up for one that is unwell', async () => {
    db('db-0', 'w-1')
    db('db-1', 'w-2', { unready: true })
    at.lab.addPod({ name: 'tool', node: 'w-1', labels: { app: 'db' } })
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: '100%' })
    await expectRefused('db-0')
    expect((await workloads()).blocking).toEqual([])
  })

  test('and then its pods are not even listed, where it can share none with another one', async () => {
    for (const [name, namespace] of [
      ['a', 'default'],
      ['b', 'default'],
      ['a', 'other'],
    ] as const)
      at.lab.addPodDisruptionBudget({ name, namespace, matchLabels: { app: name, tier: 'x' }, maxUnavailable: 1 })
    for (const app of ['a', 'b'])
      for (const namespace of ['default', 'other'])
        at.lab.addPod({ namespace, node: 'w-1', labels: { app, tier: 'x' }, owner: { kind: 'ReplicaSet', name: app } })
    const paths: string[] = []
    const send: Api['send'] = (request) => {
      paths.push(request.path.split('?')[0]!)
      return at.api.send(request)
    }
    await createKubernetes({ ...at.api, send }).workloads(soon())
    expect(paths).toEqual(['/apis/policy/v1/poddisruptionbudgets', '/api/v1/pods'])
  })

  test('when its pods have no labels, or the other budget is of other pods', async () => {
    at.lab.addPod({ name: 'bare', node: 'w-1' })
    db('db-0', 'w-1')
    db('db-1', 'w-2')
    at.lab.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, maxUnavailable: 1 })
    at.lab.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, maxUnavailable: 1 })
    expect((await workloads()).blocking).toEqual([])
    at.lab.removePodDisruptionBudget('web')
    at.lab.removePodDisruptionBudget('db')
    at.lab.addPodDisruptionBudget({ name: 'all', minAvailable: 3 })
    const pods = [{ name: 'db-0' }, { name: 'db-1' }]
    expect((await workloads()).blocking).toMatchObject([{ budget: 'default/all', pods }])
    await evict('bare')
    await expectRefused('db-0')
  })

  test('when its controller has not looked at it at all', async () => {
    db('db-0', 'w-1')
    const budget = { metadata: { name: 'db', namespace: 'default', generation: 1 }, spec: { selector: {} } }
    const send = (async (request) => {
      if (!request.path.includes('poddisruptionbudgets')) return at.api.send(request)
      return { items: [{ ...budget, status: { disruptionsAllowed: 0, expectedPods: 0, desiredHealthy: 0 } }] }
    }) as Api['send']
    expect((await createKubernetes({ ...at.api, send }).workloads(soon())).blocking).toEqual([])
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
  await vi.waitFor(async () => expect((await workloads()).pending).toEqual([]), patience)
})
