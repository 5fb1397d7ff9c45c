import { describe, expect, it } from 'vitest'
import { createKubernetesClient, isReady, placesOf, podOf, texts, until, type Document } from './test-client.ts'

const { homelab, ask, get, patch, cordon, evict } = createKubernetesClient('127.0.41.2')

describe('evicting', () => {
  it('lets the pod stop in its grace and starts another one elsewhere', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' }, grace: 60, terminateMs: 500 })
    expect(placesOf(api, 'web')).toEqual(['web-1 w-1 Running', 'web-2 w-2 Running'])
    await cordon('w-1')
    expect(await evict('web-1')).toMatchObject({ code: 201, body: { kind: 'Status', status: 'Success', code: 201 } })
    const going = await get('/api/v1/namespaces/default/pods/web-1')
    expect(going.body['metadata']).toMatchObject({ deletionGracePeriodSeconds: 60 })
    const end = Date.parse(going.body['metadata']?.['deletionTimestamp'] ?? '')
    expect(end - Date.now()).toBeGreaterThan(50_000)
    expect(podOf(api, 'web-1')?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }),
    )
    await until(() => isReady(api, 'web-3'))
    await until(() => podOf(api, 'web-1') === undefined)
    expect(placesOf(api, 'web')).toEqual(['web-2 w-2 Running', 'web-3 w-2 Running'])
    expect((await evict('web-1')).code).toBe(404)
    expect(texts(api)).toEqual(['cordon w-1', 'evict default/web-1'])
  })

  it('is refused while the budget needs every pod', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' } })
    api.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 2 })
    expect(await evict('web-1')).toEqual({
      code: 429,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        reason: 'TooManyRequests',
        details: {
          causes: [
            {
              reason: 'DisruptionBudget',
              message: 'The disruption budget web needs 2 healthy pods and has 2 currently',
            },
          ],
        },
        code: 429,
      },
    })
    expect(texts(api)).toEqual(['evict-refused default/web-1'])
    // A deletion asks no budget.
    expect((await ask('DELETE', '/api/v1/namespaces/default/pods/web-1')).code).toBe(200)
  })

  it('goes on when the replacement of the pod before is ready, and never when none can be', async () => {
    const api = await homelab({ pace: { reschedule: 500 } })
    api.addDeployment({ name: 'web', replicas: 3, labels: { app: 'web' } })
    api.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, maxUnavailable: 1 })
    const budget = async () => (await get('/apis/policy/v1/namespaces/default/poddisruptionbudgets/web')).body['status']
    expect(await budget()).toMatchObject({ disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2 })
    // Together, before any controller had the time to count again.
    const both = await Promise.all([evict('web-1'), evict('web-2')])
    expect(both.map(({ code }) => code).sort((a, b) => a - b)).toEqual([201, 429])
    expect(await budget()).toMatchObject({ disruptionsAllowed: 0, expectedPods: 3 })
    await until(() => isReady(api, 'web-4'))
    expect((await evict('web-3')).code).toBe(201)
    await until(() => isReady(api, 'web-5'))
    await cordon('w-1')
    await cordon('w-2')
    expect((await evict('web-4')).code).toBe(201)
    expect((await evict('web-5')).code).toBe(429)
    expect(placesOf(api, 'web')).toContain('web-6 - Pending')
    await patch('/api/v1/nodes/w-2', { spec: { unschedulable: null } })
    await until(() => isReady(api, 'web-6'))
    expect((await evict('web-5')).code).toBe(201)
  })

  it('fails for a pod with two budgets', async () => {
    const api = await homelab()
    api.addPod({ name: 'db', node: 'w-1', labels: { app: 'db' } })
    for (const name of ['one', 'two']) api.addPodDisruptionBudget({ name, matchLabels: { app: 'db' }, minAvailable: 0 })
    const answer = await evict('db')
    expect(answer).toMatchObject({ code: 500, body: { status: 'Failure', code: 500 } })
    expect(answer.body['message']).toContain('more than one PodDisruptionBudget')
  })

  it('asks no budget for a pod that is done, and asks for one that is not ready whether enough others are', async () => {
    const api = await homelab()
    api.addPod({ name: 'job', node: 'w-1', labels: { app: 'job' }, completed: true })
    api.addPod({ name: 'sick', node: 'w-1', labels: { app: 'sick' }, unready: true })
    for (const app of ['job', 'sick']) api.addPodDisruptionBudget({ name: app, matchLabels: { app }, minAvailable: 1 })
    expect((await evict('job')).code).toBe(201)
    expect(podOf(api, 'job')).toBeUndefined()
    expect((await evict('sick')).code).toBe(429)
    api.addPod({ name: 'well', node: 'w-2', labels: { app: 'sick' } })
    expect((await evict('sick')).code).toBe(201)
    expect((await evict('well')).code).toBe(429)
  })
})

describe('deleting', () => {
  const path = '/api/v1/namespaces/default/pods/db-0'

  it('shortens the grace but never lengthens it, and removes at once with none', async () => {
    const api = await homelab()
    api.addPod({ name: 'db-0', node: 'w-1', grace: 600, stuckTerminating: true })
    const deletion = async (query: string, body?: object) => (await ask('DELETE', path + query, body)).body['metadata']
    expect(await deletion('')).toMatchObject({ deletionGracePeriodSeconds: 600 })
    expect(await deletion('', { gracePeriodSeconds: 30 })).toMatchObject({ deletionGracePeriodSeconds: 30 })
    expect(await deletion('?gracePeriodSeconds=90')).toMatchObject({ deletionGracePeriodSeconds: 30 })
    expect(podOf(api, 'db-0')).toBeDefined()
    await deletion('?gracePeriodSeconds=0')
    expect(podOf(api, 'db-0')).toBeUndefined()
    expect(api.diary.map(({ grace }) => grace)).toEqual([undefined, 30, 90, 0])
    expect(new Set(texts(api))).toEqual(new Set(['delete default/db-0']))
  })

  it('does nothing to another pod that has got the name', async () => {
    const api = await homelab()
    api.addPod({ name: 'db-0', node: 'w-1' })
    expect((await ask('DELETE', path, { preconditions: { uid: 'another' } })).code).toBe(409)
    expect(api.diary).toEqual([])
  })

  it('brings a StatefulSet back under its name when the old pod has gone and its volume is free', async () => {
    const api = await homelab({ pace: { detach: 400 } })
    api.addPod({ node: 'w-1', owner: { kind: 'StatefulSet', name: 'db' }, volumeClaim: 'data', terminateMs: 300 })
    const before = podOf(api, 'db-0')?.metadata.uid
    const attached = async () => {
      const { body } = await get('/apis/storage.k8s.io/v1/volumeattachments')
      return Array.from<Document>(Object.values(body['items'] ?? {})).map((item) => item['spec']?.['nodeName'])
    }
    expect(await attached()).toEqual(['w-1'])
    await cordon('w-1')
    await evict('db-0')
    expect(podOf(api, 'db-0')?.metadata.uid).toBe(before)
    await until(() => podOf(api, 'db-0')?.spec.nodeName === 'w-2')
    expect(podOf(api, 'db-0')?.status.phase).toBe('Pending')
    expect(await attached()).toEqual(['w-1'])
    await until(() => isReady(api, 'db-0'))
    expect(await attached()).toEqual(['w-2'])
  })

  it('brings pods of DaemonSets and static pods back on the same node, cordoned or not', async () => {
    const api = await homelab()
    api.addPod({ node: 'w-1', owner: { kind: 'DaemonSet', name: 'proxy' } })
    api.addPod({ name: 'static-w-1', node: 'w-1', owner: { kind: 'Node', name: 'w-1' } })
    expect(podOf(api, 'static-w-1')?.metadata.annotations).toHaveProperty(['kubernetes.io/config.mirror'])
    const before = podOf(api, 'static-w-1')?.metadata.uid
    await cordon('w-1')
    for (const name of ['proxy-1', 'static-w-1']) await ask('DELETE', `/api/v1/namespaces/default/pods/${name}`)
    await until(() => isReady(api, 'proxy-2'))
    expect(podOf(api, 'proxy-2')?.spec.nodeName).toBe('w-1')
    await until(() => podOf(api, 'static-w-1') !== undefined && podOf(api, 'static-w-1')?.metadata.uid !== before)
    expect((await get('/apis/apps/v1/namespaces/default/daemonsets/proxy')).body).toMatchObject({
      status: { desiredNumberScheduled: 1 },
    })
  })
})
