import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Api, ApiRefusal, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import { startKubernetesLab, type KubernetesLab, until } from './lab.ts'
import { refusal } from '../refusal.ts'
import { patience, soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.103')
  await at.patchNode('w-1', { spec: { unschedulable: true } })
})
afterEach(() => at[Symbol.asyncDispose]())

const drain = (policy: { deleteAfter?: number; maxGrace?: number } = {}, signal = soon()) =>
  at.kubernetes.drain('w-1', policy, signal)
const podsOn = (node: string) =>
  at.lab
    .pods()
    .filter(({ spec }) => spec.nodeName === node)
    .map(({ metadata }) => metadata.name)
const done = () => at.diary().filter((text) => !/cordon/.test(text))
const refusals = () => done().filter((text) => text.startsWith('evict-refused')).length
/** The first refusal has arrived. */
const isRefusedTwice = () => refusals() > 1
const graces = () => at.lab.diary.filter(({ text }) => /^(evict|delete) /.test(text)).map(({ grace }) => grace)
const database = (name: string, more = {}) =>
  at.lab.addPod({ name, node: 'w-1', labels: { app: 'db' }, owner: { kind: 'StatefulSet', name: 'db' }, ...more })
const budget = (name = 'db') => at.lab.addPodDisruptionBudget({ name, matchLabels: { app: 'db' }, minAvailable: 1 })

describe('a drain', () => {
  test('of an empty node is done at once', async () => {
    await drain()
    expect(done()).toEqual([])
  })

  test('evicts what runs there and ends when it is gone; DaemonSets, static and ended pods stay', async () => {
    at.lab.addPod({ name: 'web', node: 'w-1', owner: { kind: 'ReplicaSet', name: 'web' } })
    at.lab.addPod({ name: 'alone', node: 'w-1', emptyDir: true })
    at.lab.addPod({ name: 'elsewhere', node: 'w-2' })
    const stay = [
      at.lab.addPod({ node: 'w-1', owner: { kind: 'DaemonSet', name: 'agent' } }),
      at.lab.addPod({ name: 'static', node: 'w-1', owner: { kind: 'Node', name: 'w-1' } }),
      at.lab.addPod({ name: 'job', node: 'w-1', completed: true }),
    ]
    await drain()
    expect(podsOn('w-1').toSorted()).toEqual(stay.toSorted())
    expect(done().toSorted()).toEqual(['evict default/alone', 'evict default/web'])
    // Each pod gets the grace that it asks for itself.
    expect(graces()).toEqual([undefined, undefined])
  })

  test('waits while a disruption budget does not allow it, and goes on when it does', async () => {
    database('db-0')
    budget()
    const draining = drain()
    await vi.waitFor(() => expect(done().length).toBeGreaterThan(2), patience)
    expect(new Set(done())).toEqual(new Set(['evict-refused default/db-0']))
    at.lab.addPod({ name: 'db-1', node: 'w-2', labels: { app: 'db' } })
    await draining
    expect(podsOn('w-1')).toEqual([])
    expect(done().at(-1)).toBe('evict default/db-0')
  })

  test('whose time is over names the pod, its owner and the budget', async () => {
    database('db-0')
    budget()
    expect(await refusal(drain({}, until(isRefusedTwice)))).toMatchObject({
      code: 'timed-out',
      message:
        'still on the node: default/db-0 (of StatefulSet db): The disruption budget db needs 1 healthy pods and has 1 currently',
    })
    expect(podsOn('w-1')).toEqual(['db-0'])
  })

  test('says of a pod with two budgets that it never can be evicted', async () => {
    database('db-0')
    budget()
    budget('other')
    const error = await refusal(drain({}, until(isRefusedTwice)))
    expect(error.message).toContain('default/db-0 (of StatefulSet db): ')
    expect(error.message).toContain('This pod has more than one PodDisruptionBudget')
  })

  test('calls a pod that never ends still terminating', async () => {
    at.lab.addPod({ name: 'stuck', namespace: 'media', node: 'w-1', stuckTerminating: true })
    expect(
      await refusal(
        drain(
          {},
          until(() => done().length > 0),
        ),
      ),
    ).toMatchObject({
      code: 'timed-out',
      message: 'still on the node: media/stuck: still terminating',
    })
    expect(done()).toEqual(['evict media/stuck'])
  })

  test('names all who stay, and none who went', async () => {
    database('db-0')
    budget()
    at.lab.addPod({ name: 'web', node: 'w-1' })
    at.lab.addPod({ name: 'stuck', node: 'w-1', stuckTerminating: true })
    let before: number | undefined
    const isSeenWithoutWeb = () => {
      if (podsOn('w-1').includes('web')) return false
      before ??= refusals()
      // The first refusal may be of a round that began while it was there.
      return refusals() > before + 1
    }
    const { message } = await refusal(drain({}, until(isSeenWithoutWeb)))
    expect(message).toMatch(/^still on the node: .*default\/db-0 .*: The disruption budget db/)
    expect(message).toContain('default/stuck: still terminating')
    expect(message).not.toContain('web')
  })

  test('does not take a namesake for the pod that went', async () => {
    database('db-0')
    let replaced = false
    const send: Api['send'] = async (request) => {
      // Between the list and the eviction the pod goes, and comes back under its name on another node.
      if (request.path.endsWith('/eviction') && !replaced) {
        replaced = true
        const path = '/api/v1/namespaces/default/pods/db-0'
        await at.api.send({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 }, signal: soon() })
        await vi.waitUntil(() => podsOn('w-2').includes('db-0'), patience)
      }
      return at.api.send(request)
    }
    await createKubernetes({ ...at.api, send }, { evictEvery: 30 }).drain('w-1', {}, soon())
    expect(podsOn('w-2')).toContain('db-0')
    expect(done()).toEqual(['delete default/db-0'])
  })
})

describe('a drain of a pod whose namespace is being deleted', () => {
  test('waits until it is gone with it, and is not rejected', async () => {
    database('db-0')
    let refused = 0
    const end = new AbortController()
    const send: Api['send'] = (request) => {
      if (!request.path.endsWith('/eviction') || refused++ > 2) return at.api.send(request)
      if (refused === 2) end.abort()
      const causes = [{ reason: 'NamespaceTerminating', message: 'namespace default is being terminated' }]
      return Promise.reject(new ApiRefusal(403, 'pods "db-0" is forbidden', { causes }))
    }
    const kubernetes = createKubernetes({ ...at.api, send }, { evictEvery: 30 })
    const error = await refusal(kubernetes.drain('w-1', {}, end.signal))
    expect(error.message).toBe(
      'still on the node: default/db-0 (of StatefulSet db): its namespace default is being deleted',
    )
    await kubernetes.drain('w-1', {}, soon())
    expect(podsOn('w-1')).toEqual([])
  })
})

describe('a drain under a budget of time', () => {
  test('deletes what may not be evicted, with the grace that is left', async () => {
    database('db-0', { grace: 600, terminateMs: 20 })
    budget()
    await drain({ deleteAfter: 100, maxGrace: 3_000 })
    expect(podsOn('w-1')).toEqual([])
    expect(done().slice(0, 2)).toEqual(['evict-refused default/db-0', 'evict-refused default/db-0'])
    expect(done().at(-1)).toBe('delete default/db-0')
    expect(graces()).toEqual([3])
  })

  test('deletes a pod with two budgets too', async () => {
    database('db-0')
    budget()
    budget('other')
    await drain({ deleteAfter: 60 })
    expect(done().at(-1)).toBe('delete default/db-0')
    expect(graces()).toEqual([undefined])
  })

  test('gives the grace that is left when it comes to the deletion, and never none at all', async () => {
    database('db-0', { grace: 600, terminateMs: 20 })
    budget()
    await drain({ deleteAfter: 900, maxGrace: 1_000 })
    expect(graces()).toEqual([1])
  })

  test('shortens the grace of pods that ask for more, and leaves the others theirs', async () => {
    at.lab.addPod({ name: 'slow', node: 'w-1', grace: 600, terminateMs: 20 })
    at.lab.addPod({ name: 'quick', node: 'w-1', grace: 5, terminateMs: 20 })
    await drain({ maxGrace: 30_000 })
    const asked = at.lab.diary.filter(({ text }) => text.startsWith('evict')).map(({ text, grace }) => [text, grace])
    expect(new Map(asked as [string, number][])).toEqual(
      new Map([
        ['evict default/slow', 30],
        ['evict default/quick', undefined],
      ]),
    )
  })

  test('shortens what an earlier drain has given a pod that is stopping already', async () => {
    at.lab.addPod({ name: 'slow', node: 'w-1', grace: 600, terminateMs: 60_000 })
    await refusal(
      drain(
        {},
        until(() => done().includes('evict default/slow')),
      ),
    )
    await drain({ maxGrace: 1_000 })
    expect(podsOn('w-1')).toEqual([])
    expect(done()).toEqual(['evict default/slow', 'delete default/slow'])
    expect(graces()).toEqual([undefined, 1])
  })
})

describe('a drain that is disturbed', () => {
  test('by the API going away and coming back goes on', async () => {
    database('db-0')
    budget()
    const draining = drain()
    await vi.waitFor(() => expect(done()).toContain('evict-refused default/db-0'), patience)
    at.lab.setAvailability('down')
    at.lab.addPod({ name: 'db-1', node: 'w-2', labels: { app: 'db' } })
    await expect.poll(() => at.kubernetes.version(soon()).then(String, String)).toContain('refused')
    at.lab.setAvailability('serving')
    await draining
    expect(podsOn('w-1')).toEqual([])
  })

  test.each(['eviction', 'deletion'])('by something before the API that finds no pod asks again: %s', async (what) => {
    database('db-0')
    let lost = 2
    const send: Api['send'] = (request) => {
      const isOurs = request.path.includes('/pods/db-0') && request.method !== 'GET'
      if (isOurs && lost-- > 0) return Promise.reject(new ApiRefusal(404, 'HTTP 404 page not found', undefined))
      return at.api.send(request)
    }
    const behind = createKubernetes({ ...at.api, send }, { evictEvery: 30 })
    await behind.drain('w-1', what === 'deletion' ? { deleteAfter: 0 } : {}, soon())
    expect(podsOn('w-1')).toEqual([])
  })

  test('by an API that never comes back ends with its signal and says so', async () => {
    at.lab.setAvailability('down')
    await expect.poll(() => at.kubernetes.version(soon()).then(String, String)).toContain('refused')
    expect(await refusal(drain({}, soon(150)))).toMatchObject({
      code: 'timed-out',
      message: 'the Kubernetes API did not answer',
    })
  })

  test('by etcd without a quorum goes on when it is back', async () => {
    database('db-0')
    at.lab.setAvailability('no-quorum')
    const draining = drain()
    at.lab.setAvailability('serving')
    await draining
    expect(done()).toEqual(['evict default/db-0'])
  })

  test('by being called off while it waits for a budget ends at once', async () => {
    database('db-0')
    budget()
    const stop = new AbortController()
    const draining = drain({}, stop.signal)
    await vi.waitFor(() => expect(done()).not.toEqual([]), patience)
    const began = performance.now()
    stop.abort()
    expect(await refusal(draining)).toMatchObject({ code: 'timed-out' })
    expect(performance.now() - began).toBeLessThan(15_000)
  })

  test('by being called off while it waits for the API ends at once', async () => {
    const patient = await startKubernetesLab('127.0.44.104', { pace: { etcdTimeout: 60_000 } })
    patient.lab.setAvailability('no-quorum')
    const began = performance.now()
    const error = await refusal(patient.kubernetes.drain('w-1', {}, AbortSignal.timeout(50)))
    expect(performance.now() - began).toBeLessThan(15_000)
    await patient[Symbol.asyncDispose]()
    expect(error).toMatchObject({ code: 'timed-out' })
  })

  test('by a role that may not evict is rejected and not tried for ever', async () => {
    database('db-0')
    await at[Symbol.asyncDispose]()
    at = await startKubernetesLab('127.0.44.103', {
      tokens: { t: { name: 'reader', groups: ['r'] } },
      denyWrites: ['r'],
    })
    database('db-0')
    const access = parseKubeconfig(await at.lab.kubeconfig(), 'kubeconfig')
    using api = createApi({ ...access, cert: undefined, key: undefined, token: 't' })
    const error = await refusal(createKubernetes(api).drain('w-1', {}, soon()))
    expect(error).toMatchObject({ code: 'rejected' })
    expect(error.message).toContain('cannot create resource "pods/eviction"')
  })
})
