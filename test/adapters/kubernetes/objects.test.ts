import { afterEach, beforeEach, expect, test } from 'vitest'
import { createObjects, type Objects } from '../../../src/adapters/kubernetes/objects.ts'
import type { ObjectReference } from '../../../src/core/cluster/check.ts'
import { cephClusters } from '../../lab/kubernetes/custom.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
let objects: Objects
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.125')
  objects = createObjects(at.api)
  for (const [name, namespace] of [
    ['db-0', 'default'],
    ['db-0', 'media'],
    ['web-0', 'media'],
  ] as const) {
    const app = name.slice(0, -2)
    at.lab.addPod({ name, namespace, node: 'w-1', labels: { app }, owner: { kind: 'StatefulSet', name: app } })
  }
})
afterEach(() => at[Symbol.asyncDispose]())

const find = async (reference: ObjectReference) =>
  ((await objects.find(reference, soon())) as { metadata: { name: string; namespace?: string } }[]).map(
    ({ metadata: { namespace, name } }) => (namespace ? `${namespace}/${name}` : name),
  )
const pod = { apiVersion: 'v1', kind: 'Pod' }

test.each<{ name: string; reference: ObjectReference; names: string[] }>([
  { name: 'by its name', reference: { ...pod, namespace: 'media', name: 'db-0' }, names: ['media/db-0'] },
  { name: 'by its name in all namespaces', reference: { ...pod, name: 'db-0' }, names: ['default/db-0', 'media/db-0'] },
  { name: 'by a label', reference: { ...pod, selector: 'app in (db)' }, names: ['default/db-0', 'media/db-0'] },
  {
    name: 'by a label in a namespace',
    reference: { ...pod, namespace: 'media', selector: 'app=db' },
    names: ['media/db-0'],
  },
  { name: 'by its namespace alone', reference: { ...pod, namespace: 'media' }, names: ['media/db-0', 'media/web-0'] },
  {
    name: 'of a group',
    reference: { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'media' },
    names: ['media/db', 'media/web'],
  },
  { name: 'without a namespace', reference: { apiVersion: 'v1', kind: 'Node', name: 'w-1' }, names: ['w-1'] },
  {
    name: 'that has no namespace in one',
    reference: { apiVersion: 'v1', kind: 'Node', namespace: 'x', name: 'w-1' },
    names: ['w-1'],
  },
  { name: 'that there is not', reference: { ...pod, namespace: 'media', name: 'db-9' }, names: [] },
])('an object is found $name', async ({ reference, names }) => {
  expect(await find(reference)).toEqual(names)
})

test('an object of a custom kind is found as soon as the kind is there, and says what it is', async () => {
  const reference = { apiVersion: 'ceph.rook.io/v1', kind: 'CephCluster', namespace: 'rook-ceph' }
  expect(await refusal(objects.find(reference, soon()))).toMatchObject({
    code: 'misconfigured',
    message: 'the cluster has no CephCluster of ceph.rook.io/v1',
  })
  at.lab.putCustom(cephClusters, { metadata: { name: 'home', namespace: 'rook-ceph' }, status: { phase: 'Ready' } })
  expect(await objects.find(reference, soon())).toMatchObject([
    { apiVersion: 'ceph.rook.io/v1', kind: 'CephCluster', metadata: { name: 'home' }, status: { phase: 'Ready' } },
  ])
})

test.each([
  ['v1', 'Cake'],
  ['v1', 'Eviction'],
  ['apps/v2', 'StatefulSet'],
])('a kind that there is not is the configuration’s mistake: %s %s', async (apiVersion, kind) => {
  expect(await refusal(objects.find({ apiVersion, kind }, soon()))).toMatchObject({
    code: 'misconfigured',
    message: `the cluster has no ${kind} of ${apiVersion}`,
  })
})

test('a selector that is none is refused', async () => {
  const error = await refusal(objects.find({ ...pod, selector: 'app in' }, soon()))
  expect(error).toMatchObject({ code: 'rejected', message: expect.stringContaining('unable to parse requirement') })
})

test('an API that does not answer is not a kind that there is not', async () => {
  at.lab.setAvailability('no-quorum')
  expect((await refusal(objects.find(pod, soon()))).retryable).toBe(true)
})
