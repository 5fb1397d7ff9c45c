import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DrainPolicy } from '../../../src/core/cluster/drain.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { patience, soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.120')
  await at.patchNode('w-1', { spec: { unschedulable: true } })
})
afterEach(() => at[Symbol.asyncDispose]())

const drain = (policy: DrainPolicy = {}, signal = soon()) => at.kubernetes.drain('w-1', policy, signal)
const done = () => at.diary().filter((text) => !text.includes('cordon'))
const podsOn = (node: string) =>
  at.lab
    .pods()
    .filter(({ spec }) => spec.nodeName === node)
    .map(({ metadata }) => metadata.name)
const attached = async () => {
  const path = '/apis/storage.k8s.io/v1/volumeattachments'
  const { items } = await at.api.send<{ items: { spec: { nodeName: string } }[] }>({
    method: 'GET',
    path,
    signal: soon(),
  })
  return items.filter(({ spec }) => spec.nodeName === 'w-1').length
}
const web = () => at.lab.addPod({ name: 'web', node: 'w-1', labels: { app: 'web' }, terminateMs: 60 })
const database = (more = {}) =>
  at.lab.addPod({ name: 'db', node: 'w-1', labels: { app: 'db' }, volumeClaim: 'data', terminateMs: 60, ...more })
const storage = (name = 'ceph', tier = 'storage') => at.lab.addPod({ name, node: 'w-1', labels: { tier } })
const budget = (app: string) => at.lab.addPodDisruptionBudget({ name: app, matchLabels: { app }, minAvailable: 1 })

describe('a drain in tiers', () => {
  test('lets plain pods go first, then those with volumes, then each of the last, and not one before its turn', async () => {
    storage('arbiter', 'monitor')
    storage()
    database()
    web()
    const policy = { ordered: true, last: [{ selector: 'tier in (storage, other)' }, { selector: 'tier' }] } as const
    const there: string[][] = []
    const draining = drain(policy)
    await vi.waitUntil(() => {
      there.push(podsOn('w-1').toSorted())
      return podsOn('w-1').length === 0
    }, patience)
    await draining
    expect(done()).toEqual(['evict default/web', 'evict default/db', 'evict default/ceph', 'evict default/arbiter'])
    // Each was gone before the next was asked.
    expect(there.some((pods) => pods.includes('web') && !pods.includes('db'))).toBe(false)
  })

  test('without an order keeps back only the last', async () => {
    storage()
    database()
    web()
    await drain({ last: [{ selector: 'tier=storage' }] })
    expect(done().slice(0, 2).toSorted()).toEqual(['evict default/db', 'evict default/web'])
    expect(done()[2]).toBe('evict default/ceph')
  })

  test.each([
    ['app=db', ['evict default/web', 'evict default/db']],
    ['app notin (db, web), app', ['evict default/web', 'evict default/db']],
    ['!tier, app in (web)', ['evict default/db', 'evict default/web']],
    ['app!=db', ['evict default/db', 'evict default/web']],
  ])('lets go last what %s chooses, as it means everywhere', async (selector, order) => {
    web()
    database()
    await drain({ ordered: true, last: [{ selector }] })
    expect(done()).toEqual(order)
  })

  test('with a selector that is none is refused before any pod is asked to go', async () => {
    web()
    const error = await refusal(drain({ ordered: true, last: [{ selector: 'app in' }] }))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain('unable to parse requirement')
    expect(done()).toEqual([])
  })

  test('gives plain pods and those with volumes their time, and says which of them would not go', async () => {
    web()
    database()
    budget('db')
    const error = await refusal(drain({ ordered: true, tierTimeout: 300 }))
    expect(error).toMatchObject({ code: 'timed-out' })
    expect(error.message).toBe(
      'still on the node after 300 ms: default/db: The disruption budget db needs 1 healthy pods and has 1 currently',
    )
    expect(podsOn('w-1')).toEqual(['db'])
  })

  test('does not begin with the next tier when one would not go', async () => {
    web()
    budget('web')
    database()
    storage()
    const error = await refusal(drain({ ordered: true, tierTimeout: 200, last: [{ selector: 'tier' }] }))
    expect(error.message).toMatch(
      /^still on the node after 200 ms: default\/web: .* \(2 more pods are evicted after that\)$/,
    )
    expect(new Set(done())).toEqual(new Set(['evict-refused default/web']))
  })

  test('gives each of the last a time of its own, from when its turn comes', async () => {
    at.lab.addPod({ name: 'slow', node: 'w-1', terminateMs: 400 })
    at.lab.addPod({ name: 'osd', node: 'w-1', labels: { tier: 'storage' }, stuckTerminating: true })
    const error = await refusal(drain({ ordered: true, last: [{ selector: 'tier', timeout: 200 }] }))
    expect(error.message).toBe('still on the node after 200 ms: default/osd: still terminating')
    expect(done()).toEqual(['evict default/slow', 'evict default/osd'])
  })

  test('does not count against the last what those before have taken', async () => {
    at.lab.addPod({ name: 'slow', node: 'w-1', terminateMs: 700 })
    at.lab.addPod({ name: 'osd', node: 'w-1', labels: { tier: 'storage' }, terminateMs: 100 })
    await drain({ ordered: true, last: [{ selector: 'tier', timeout: 600 }] })
    expect(podsOn('w-1')).toEqual([])
  })

  test('deletes what a budget has kept for long enough in its own tier', async () => {
    at.lab.addPod({ name: 'slow', node: 'w-1', terminateMs: 400 })
    database()
    budget('db')
    await drain({ ordered: true, deleteAfter: 200 })
    expect(done().slice(0, 2)).toEqual(['evict default/slow', 'evict-refused default/db'])
    expect(done().at(-1)).toBe('delete default/db')
  })

  test('asks Longhorn’s engines last, whose budgets go when no volume needs them any more', async () => {
    database()
    at.lab.addPod({
      name: 'instance-manager-1',
      namespace: 'longhorn-system',
      node: 'w-1',
      labels: { 'longhorn.io/component': 'instance-manager' },
      controller: { apiVersion: 'longhorn.io/v1beta2', kind: 'InstanceManager', name: 'instance-manager-1' },
    })
    const matchLabels = { 'longhorn.io/component': 'instance-manager' }
    at.lab.addPodDisruptionBudget({ name: 'im', namespace: 'longhorn-system', matchLabels, minAvailable: 1 })
    const draining = drain({ ordered: true, tierTimeout: 2_000, volumeDetachTimeout: 2_000 })
    await vi.waitFor(() => expect(done()).toContain('evict-refused longhorn-system/instance-manager-1'), patience)
    expect(done()[0]).toBe('evict default/db')
    at.lab.removePodDisruptionBudget('im', 'longhorn-system')
    await draining
    expect(podsOn('w-1')).toEqual([])
  })
})

describe('a drain that waits for volumes', () => {
  test('is done when they are detached, and not before', async () => {
    database()
    await drain({ volumeDetachTimeout: 2_000 })
    expect(await attached()).toBe(0)
  })

  test('names those that are left', async () => {
    database()
    at.lab.holdVolume('pv-default-data')
    const error = await refusal(drain({ volumeDetachTimeout: 200 }))
    expect(error).toMatchObject({
      code: 'timed-out',
      message: expect.stringMatching(
        /^still attached to w-1 2\d\d ms after its pods are gone: pv-default-data \(driver\.longhorn\.io\)$/,
      ),
    })
    expect(podsOn('w-1')).toEqual([])
  })

  test('goes on when the one that hung comes off after all', async () => {
    database()
    at.lab.holdVolume('pv-default-data')
    const draining = drain({ volumeDetachTimeout: 5_000 })
    await vi.waitUntil(() => podsOn('w-1').length === 0, patience)
    at.lab.holdVolume('pv-default-data', false)
    await draining
    expect(await attached()).toBe(0)
  })

  test('does not wait for those of other nodes, nor at all where it is not to', async () => {
    database()
    at.lab.addPod({ name: 'other', node: 'w-2', volumeClaim: 'other' })
    at.lab.holdVolume('pv-default-data')
    await drain()
    at.lab.holdVolume('pv-default-data', false)
    await drain({ volumeDetachTimeout: 2_000 })
    expect(podsOn('w-2')).toContain('other')
  })

  test('ends at once when it is called off', async () => {
    database()
    at.lab.holdVolume('pv-default-data')
    const stop = new AbortController()
    const draining = drain({ volumeDetachTimeout: 60_000 }, stop.signal)
    await vi.waitUntil(() => podsOn('w-1').length === 0, patience)
    stop.abort()
    expect(await refusal(draining)).toMatchObject({ code: 'timed-out' })
  })
})

describe('a drain that keeps what would be lost', () => {
  test('is refused before any pod is asked to go, naming those with data in an emptyDir', async () => {
    at.lab.addPod({ name: 'web', node: 'w-1', owner: { kind: 'ReplicaSet', name: 'web' } })
    at.lab.addPod({ name: 'cache-0', node: 'w-1', emptyDir: true, owner: { kind: 'StatefulSet', name: 'cache' } })
    at.lab.addPod({ node: 'w-1', emptyDir: true, owner: { kind: 'DaemonSet', name: 'agent' } })
    expect(await refusal(drain({ keepEmptyDir: true }))).toMatchObject({
      code: 'rejected',
      message: 'refusing to evict: default/cache-0 (of StatefulSet cache) keeps data in an emptyDir',
    })
    expect(done()).toEqual([])
  })

  test('is refused before any pod is asked to go, naming those that nobody makes anew', async () => {
    at.lab.addPod({ name: 'web', node: 'w-1', owner: { kind: 'ReplicaSet', name: 'web' } })
    at.lab.addPod({ name: 'web-1', node: 'w-1' })
    at.lab.addPod({ name: 'static', node: 'w-1', owner: { kind: 'Node', name: 'w-1' } })
    at.lab.addPod({ name: 'ended', node: 'w-1', completed: true })
    expect(await refusal(drain({ keepUnmanaged: true }))).toMatchObject({
      code: 'rejected',
      message: 'refusing to evict: default/web-1 has no controller to recreate it',
    })
    expect(done()).toEqual([])
  })

  test('lets the others go', async () => {
    at.lab.addPod({ name: 'web', node: 'w-1', owner: { kind: 'ReplicaSet', name: 'web' } })
    at.lab.addPod({ name: 'ended', node: 'w-1', completed: true, emptyDir: true })
    await drain({ keepEmptyDir: true, keepUnmanaged: true })
    expect(done()).toEqual(['evict default/web'])
  })
})

describe('a pod that comes back to the closed node', () => {
  test('because it tolerates the cordon is asked to go once, and then left like a DaemonSet’s', async () => {
    at.lab.addPod({
      name: 'operator-1',
      node: 'w-1',
      toleratesAll: true,
      nodeSelector: { 'kubernetes.io/hostname': 'w-1' },
      owner: { kind: 'ReplicaSet', name: 'operator' },
    })
    await drain()
    expect(done()).toEqual(['evict default/operator-1'])
    expect(podsOn('w-1')).toHaveLength(1)
  })

  test('because it is bound to it by its name is named, and not evicted for ever', async () => {
    at.lab.addPod({ name: 'bound-1', node: 'w-1', boundTo: 'w-1', owner: { kind: 'ReplicaSet', name: 'bound' } })
    const error = await refusal(drain())
    expect(error).toMatchObject({ code: 'rejected' })
    expect(error.message).toMatch(
      /^default\/bound-\d+ \(of ReplicaSet bound\) is recreated on w-1 after every eviction: its spec names the node/,
    )
    expect(done()).toHaveLength(4)
  })

  test('does not include the twin that was there from the beginning', async () => {
    const twin = { node: 'w-1', toleratesAll: true, owner: { kind: 'ReplicaSet', name: 'twins' } } as const
    at.lab.addPod({ ...twin, name: 'twin-1', terminateMs: 20 })
    at.lab.addPod({ ...twin, name: 'twin-2', terminateMs: 300 })
    await drain()
    expect(done().toSorted()).toEqual(['evict default/twin-1', 'evict default/twin-2'])
  })
})

test('a drain whose time is over names the Deployment, and not its ReplicaSet', async () => {
  at.lab.addPod({
    name: 'web-5d4f-x',
    node: 'w-1',
    labels: { app: 'web', 'pod-template-hash': '5d4f' },
    owner: { kind: 'ReplicaSet', name: 'web-5d4f' },
  })
  budget('web')
  const error = await refusal(drain({}, soon(150)))
  expect(error.message).toContain(
    'still on the node: default/web-5d4f-x (of Deployment web): The disruption budget web',
  )
})
