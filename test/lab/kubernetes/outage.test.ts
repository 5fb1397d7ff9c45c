import { describe, expect, it, vi } from 'vitest'
import { createKubernetesClient, isReady, placesOf, podOf, texts, until } from './test-client.ts'
import { patience } from '../../patience.ts'

const { homelab, ask, get, cordon, evict } = createKubernetesClient('127.0.41.3')

describe('a node whose kubelet is gone', () => {
  it('is Unknown, and its pods stay, running but not ready, until it is back', async () => {
    const api = await homelab()
    api.addPod({ name: 'db', node: 'w-1', labels: { app: 'db' } })
    api.setNodeReady('w-1', false)
    const { body } = await get('/api/v1/nodes/w-1')
    expect(body['status']?.['conditions']).toMatchObject([
      { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' },
    ])
    expect(api.node('w-1')?.spec.taints?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ])
    expect(placesOf(api, 'db')).toEqual(['db w-1 Running'])
    expect(isReady(api, 'db')).toBe(false)
    // Nobody is there to stop it.
    expect((await evict('db')).code).toBe(201)
    api.addPod({ name: 'other', node: 'w-2' })
    await evict('other')
    await until(() => podOf(api, 'other') === undefined)
    expect(podOf(api, 'db')?.metadata.deletionTimestamp).toBeDefined()
    api.setNodeReady('w-1', true)
    await until(() => podOf(api, 'db') === undefined)
    expect(api.node('w-1')?.spec).toEqual({})
  })

  it('cannot end a pod that was stopping when the kubelet went', async () => {
    const api = await homelab()
    api.addPod({ name: 'first', node: 'w-1', terminateMs: 400 })
    api.addPod({ name: 'second', node: 'w-2', terminateMs: 500 })
    await evict('first')
    await evict('second')
    api.setNodeReady('w-1', false)
    await until(() => podOf(api, 'second') === undefined)
    expect(podOf(api, 'first')).toBeDefined()
  })

  it('looks Ready again to control planes that have just come up, though it went long ago', async () => {
    const api = await homelab({ pace: { monitorGrace: 300 } })
    const ready = () => api.node('w-1')?.status.conditions[0]?.status
    const wentAt = Date.now()
    api.setAvailability('down')
    api.setNodeReady('w-1', false)
    await until(() => Date.now() - wentAt > 300)
    api.setAvailability('serving')
    expect(ready()).toBe('True')
    await until(() => ready() === 'Unknown')
  })

  it('still looks Ready for a while, and loses its pods after a longer one', async () => {
    const api = await homelab({ pace: { monitorGrace: 100, tolerateUnreachable: 100 } })
    api.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' } })
    api.setNodeReady('w-1', false)
    expect(api.node('w-1')?.status.conditions[0]?.status).toBe('True')
    await until(() => api.node('w-1')?.status.conditions[0]?.status === 'Unknown')
    await until(() => isReady(api, 'web-3'))
    expect(podOf(api, 'web-1')?.metadata.deletionTimestamp).toBeDefined()
    expect(podOf(api, 'web-3')?.spec.nodeName).toBe('w-2')
  })
})

describe('an API that loses its control planes', () => {
  it('hangs and fails without quorum, shows what it saw last, and goes on when quorum is back', async () => {
    const api = await homelab({ pace: { etcdTimeout: 150 } })
    api.addPod({ name: 'db', node: 'w-1', terminateMs: 200 })
    await evict('db')
    api.setAvailability('no-quorum')
    const timedOut = { code: 500, body: { status: 'Failure', message: 'etcdserver: request timed out' } }
    expect(await get('/api/v1/nodes')).toMatchObject(timedOut)
    expect(await cordon('w-1')).toMatchObject(timedOut)
    expect((await get('/readyz')).code).toBe(500)
    expect((await get('/version')).code).toBe(200)
    expect((await get('/api/v1/nodes?resourceVersion=0')).code).toBe(200)
    expect(podOf(api, 'db')).toBeDefined()
    api.setAvailability('serving')
    await until(() => podOf(api, 'db') === undefined)
    expect((await cordon('w-1')).code).toBe(200)
    expect(texts(api)).toEqual(['evict default/db', 'cordon w-1'])
  })

  it('is answered late but well when quorum comes back in time', async () => {
    const api = await homelab()
    api.setAvailability('no-quorum')
    const answer = cordon('w-1')
    expect((await get('/readyz')).code).toBe(500)
    api.setAvailability('serving')
    expect((await answer).code).toBe(200)
  })

  it('does not do after all what a client has given up waiting for', async () => {
    const api = await homelab()
    api.setAvailability('no-quorum')
    const giveUp = new AbortController()
    const answer = ask('DELETE', '/api/v1/namespaces/default/pods/db', undefined, { signal: giveUp.signal })
    const given = answer.catch((error: unknown) => String(error))
    api.addPod({ name: 'db', node: 'w-1' })
    expect((await get('/readyz')).code).toBe(500)
    giveUp.abort()
    expect(await given).toContain('AbortError')
    expect((await get('/readyz')).code).toBe(500)
    api.setAvailability('serving')
    expect((await get('/readyz')).code).toBe(200)
    expect(api.diary).toEqual([])
  })

  it('cuts connections and listens no more when it is down', async () => {
    const api = await homelab()
    api.setAvailability('no-quorum')
    const hanging = get('/api/v1/nodes').catch((error: unknown) => String(error))
    expect((await get('/readyz')).code).toBe(500)
    api.setAvailability('down')
    expect(await hanging).toMatch(/socket hang up|ECONNRESET/)
    await expect(get('/version')).rejects.toThrow('ECONNREFUSED')
    api.setNodeReady('w-1', false)
    expect(api.node('w-1')?.status.conditions[0]?.status).toBe('True')
    api.setAvailability('serving')
    await vi.waitFor(async () => expect((await get('/version')).code).toBe(200), patience)
    expect(api.node('w-1')?.status.conditions[0]?.status).toBe('Unknown')
  })
})
