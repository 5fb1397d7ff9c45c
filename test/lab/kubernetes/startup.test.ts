import { describe, expect, it } from 'vitest'
import { cephClusters } from './custom.ts'
import type { KubernetesApi } from './api.ts'
import type { StartUp } from './startup.ts'
import { createKubernetesClient, until } from './test-client.ts'

const client = createKubernetesClient('127.0.41.6')
const { homelab, ask, get, patch } = client
const clusters = '/apis/ceph.rook.io/v1/cephclusters'
const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/cephclusters.ceph.rook.io'

async function restarted(symptoms: StartUp): Promise<KubernetesApi> {
  const api = await homelab()
  api.defineCustom(cephClusters)
  api.startUp({ lasts: 0, forbids: 0, unavailable: 0, hides: 0, initializes: 0, ...symptoms })
  await api.restart()
  return api
}
const groups = async () => JSON.stringify((await get('/apis')).body)
const long = 60_000

describe('an API server that has just started', () => {
  it('has no custom kinds in its discovery, no paths of theirs, and their definitions', async () => {
    await restarted({ hides: long })
    expect(await groups()).not.toContain('ceph.rook.io')
    expect(await groups()).toContain('apps')
    expect(await get(clusters)).toEqual({ code: 404, body: { text: '404 page not found\n' } })
    expect((await get(definition)).body).toMatchObject({ metadata: { name: 'cephclusters.ceph.rook.io' } })
    expect((await get('/apis/apiregistration.k8s.io/v1/apiservices/v1.ceph.rook.io')).code).toBe(200)
    expect((await get('/apis/apiregistration.k8s.io/v1/apiservices/v1.apps')).code).toBe(200)
  })

  it('forbids everything to all but system:masters, but for its health', async () => {
    await restarted({ forbids: long })
    const as = await client.authority.issueClient({ common: 'agent', organizations: ['agents'] })
    for (const path of ['/version', '/apis', '/api/v1/nodes'])
      expect([(await get(path)).code, (await ask('GET', path, undefined, { as })).code]).toEqual([200, 403])
    expect((await ask('GET', '/api/v1/nodes/w-1', undefined, { as })).body['message']).toBe(
      'nodes "w-1" is forbidden: User "agent" cannot get resource "nodes" in API group "" at the cluster scope',
    )
    const review = { kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'nodes' } } }
    const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    expect((await ask('POST', reviews, review, { as })).code).toBe(403)
    expect((await ask('GET', '/readyz', undefined, { as })).code).toBe(200)
  })

  it('has not all its paths, and no storage to list from, and says when to come again', async () => {
    await restarted({ unavailable: long, initializes: long })
    expect(await get(clusters)).toMatchObject({ code: 503, body: { details: { retryAfterSeconds: 5 } } })
    expect(await get('/api/v1/nodes')).toMatchObject({ code: 429, body: { message: 'storage is (re)initializing' } })
    expect((await get('/api/v1/nodes/w-1')).code).toBe(200)
  })

  it('is not ready and alive for as long as it lasts, and has none of this after that', async () => {
    await restarted({ lasts: 150, hides: 150 })
    expect([(await get('/readyz')).code, (await get('/livez')).code]).toEqual([500, 200])
    let ready = 0
    await until(() => (void get('/readyz').then(({ code }) => (ready = code)), ready === 200))
    expect(await groups()).toContain('ceph.rook.io')
    expect((await get(clusters)).code).toBe(200)
  })

  it('has all of it by default, and not when only its etcd was away', async () => {
    const api = await homelab()
    api.defineCustom(cephClusters)
    api.startUp({ lasts: long })
    api.setAvailability('no-quorum')
    api.setAvailability('serving')
    expect((await get('/readyz')).code).toBe(200)
    api.setAvailability('down')
    api.setAvailability('no-quorum')
    api.setAvailability('serving')
    await expect.poll(() => get('/readyz').catch(() => undefined)).toMatchObject({ code: 500 })
    expect([(await get(clusters)).code, (await get('/api/v1/nodes')).code]).toEqual([503, 429])
  })
})

describe('a custom kind', () => {
  it('that is taken out takes its definition with it', async () => {
    const api = await homelab()
    api.defineCustom(cephClusters)
    api.removeCustom(cephClusters)
    expect(await get(definition)).toMatchObject({
      code: 404,
      body: { details: { kind: 'customresourcedefinitions', name: 'cephclusters.ceph.rook.io' } },
    })
    expect(await groups()).not.toContain('ceph.rook.io')
  })
})

describe('what goes wrong at a working server', () => {
  it('is a list in pages whose tokens grow old', async () => {
    const api = await homelab()
    const page = async (token = '') => (await get(`/api/v1/nodes?limit=2${token && `&continue=${token}`}`)).body
    const first = await page()
    expect(first['metadata']).toMatchObject({ remainingItemCount: 1 })
    const token = first['metadata']!['continue']
    expect((await page(token))['items']).toHaveLength(1)
    expect((await page(token))['metadata']).not.toHaveProperty('continue')
    api.expireContinue(1)
    expect(await page(token)).toMatchObject({ code: 410, reason: 'Expired' })
    expect(await page('made-up')).toMatchObject({ code: 410 })
  })

  it('is a writer that is always a moment earlier', async () => {
    const api = await homelab()
    api.keepBusy('nodes', 'w-1', 1)
    const { resourceVersion } = api.node('w-1')!.metadata
    const body = { metadata: { resourceVersion }, spec: { unschedulable: true } }
    expect((await patch('/api/v1/nodes/w-1', body)).code).toBe(409)
    const now = api.node('w-1')!.metadata.resourceVersion
    expect((await patch('/api/v1/nodes/w-1', { ...body, metadata: { resourceVersion: now } })).code).toBe(200)
  })

  it('is a Deployment’s annotation that its ReplicaSet keeps, and a rollback brings back', async () => {
    const api = await homelab()
    const web = '/apis/apps/v1/namespaces/default/deployments/web'
    api.addDeployment({ name: 'web', replicas: 1, labels: { app: 'web' } })
    const revision = { 'deployment.kubernetes.io/revision': '1' }
    await patch(web, { metadata: { annotations: { note: 'old', ...revision }, labels: { mark: 'x' } } })
    await patch(web, { metadata: { annotations: { note: null } } })
    const [present] = api.replicaSets('web')
    expect([present?.metadata.annotations, present?.metadata.labels]).toEqual([{ note: 'old' }, { app: 'web' }])
    api.rollOut('web')
    expect(api.workload('Deployment', 'web')?.metadata.annotations).toEqual(revision)
    api.rollBack('web')
    expect(api.workload('Deployment', 'web')?.metadata.annotations).toEqual({ note: 'old', ...revision })
  })
})
