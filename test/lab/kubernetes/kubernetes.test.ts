import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createAuthority } from '../authority.ts'
import { createKubernetesClient, merge, strategic, texts, until, type Document } from './test-client.ts'

interface Kubeconfig {
  readonly clusters: [{ readonly cluster: Record<string, string> }]
  readonly users: [{ readonly user: Record<string, string> }]
}

const address = '127.0.41.1'
const lab = createKubernetesClient(address)
const { homelab, ask, get, patch, cordon } = lab
const unsupported = 'the server does not allow this method on the requested resource'

describe('the API of the lab', () => {
  it('tells what it serves, so that kubectl finds evictions', async () => {
    await homelab()
    expect((await get('/version')).body).toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.3' })
    expect((await get('/api')).body['versions']).toEqual(['v1'])
    expect((await get('/apis')).body).toMatchObject({ kind: 'APIGroupList', apiVersion: 'v1' })
    const core = await get('/api/v1')
    expect(core.body).toMatchObject({ kind: 'APIResourceList', groupVersion: 'v1' })
    expect(core.body['resources']).toContainEqual(
      expect.objectContaining({ name: 'pods/eviction', kind: 'Eviction', group: 'policy', version: 'v1' }),
    )
    for (const group of ['apps', 'policy', 'coordination.k8s.io', 'storage.k8s.io'])
      expect((await get(`/apis/${group}/v1`)).body['groupVersion']).toBe(`${group}/v1`)
    expect((await get('/readyz')).body['text']).toBe('ok')
  })

  it('lists items without their kind and gets objects with it', async () => {
    await homelab()
    const { body } = await get('/api/v1/nodes')
    expect(body).toMatchObject({ kind: 'NodeList', apiVersion: 'v1' })
    expect(body['items']).toHaveLength(3)
    expect(body['items']?.[0]).not.toHaveProperty('kind')
    const node = await get('/api/v1/nodes/w-1')
    expect(node.body).toMatchObject({ kind: 'Node', metadata: { name: 'w-1' }, spec: {} })
    expect(node.body['metadata']?.['uid']).toMatch(/^[0-9a-f-]{36}$/)
    expect(node.body['metadata']?.['creationTimestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })

  it('selects pods by node and by label', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' } })
    api.addPod({ name: 'lone', node: 'w-1', labels: { app: 'lone' } })
    const names = async (query: string) => {
      const { body } = await get(`/api/v1/pods?${query}`)
      return Array.from<Document>(Object.values(body['items'] ?? {})).map((item) => item['metadata']?.['name'])
    }
    expect(await names('fieldSelector=spec.nodeName%3Dw-1')).toEqual(['lone', 'web-1'])
    expect(await names('labelSelector=app%3Dweb')).toEqual(['web-1', 'web-2'])
    expect(await names('labelSelector=app+in+(web,lone),app!%3Dweb')).toEqual(['lone'])
    expect((await get('/api/v1/pods?fieldSelector=spec.colour%3Dred')).code).toBe(400)
  })

  it.each([
    { method: 'GET', path: '/api/v1/nodes/w-9', code: 404, reason: 'NotFound', message: 'nodes "w-9" not found' },
    {
      method: 'GET',
      path: '/apis/apps/v1/cakes',
      code: 404,
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
    },
    { method: 'DELETE', path: '/api/v1/nodes/w-1', code: 405, reason: 'MethodNotAllowed', message: unsupported },
    {
      method: 'POST',
      path: '/api/v1/namespaces/default/pods',
      code: 405,
      reason: 'MethodNotAllowed',
      message: unsupported,
    },
  ])('answers $method $path with $code', async ({ method, path, code, reason, message }) => {
    await homelab()
    const answer = await ask(method, path)
    expect(answer).toMatchObject({ code, body: { kind: 'Status', status: 'Failure', reason, code } })
    expect(answer.body['message']).toBe(message)
  })

  it('refuses documents in a form it does not know', async () => {
    await homelab()
    expect((await patch('/api/v1/nodes/w-1', {}, 'application/json')).code).toBe(415)
    expect((await ask('PUT', '/api/v1/nodes/w-1', {}, { type: 'application/yaml' })).code).toBe(415)
    const yaml = { headers: { accept: 'application/yaml' } }
    expect((await ask('GET', '/api/v1/nodes', undefined, yaml)).code).toBe(406)
    expect((await patch('/api/v1/nodes/w-1', { metadata: { annotations: { a: 1 } } })).code).toBe(422)
    expect((await patch('/api/v1/nodes/w-1', { spec: { unschedulable: 'yes' } })).code).toBe(422)
    expect((await get('/nowhere')).body['text']).toBe('404 page not found\n')
  })
})

describe('who may ask', () => {
  it('is nobody without a certificate of the cluster', async () => {
    await homelab()
    const foreign = await createAuthority('elsewhere')
    const stranger = await foreign.issueClient({ common: 'admin', organizations: ['system:masters'] })
    const server = await lab.authority.issueServer({ common: 'admin' })
    for (const as of ['nobody', stranger, server] as const)
      expect(await ask('GET', '/api/v1/nodes', undefined, { as })).toMatchObject({
        code: 401,
        body: { reason: 'Unauthorized', message: 'Unauthorized' },
      })
  })

  it('may only read when its group is denied writes', async () => {
    const api = await homelab({ denyWrites: ['viewers'] })
    const as = await lab.authority.issueClient({ common: 'eve', organizations: ['viewers'] })
    expect((await ask('GET', '/api/v1/nodes', undefined, { as })).code).toBe(200)
    const answer = await ask('PATCH', '/api/v1/nodes/w-1', { spec: { unschedulable: true } }, { as, type: merge })
    expect(answer).toMatchObject({ code: 403, body: { reason: 'Forbidden' } })
    expect(answer.body['message']).toBe(
      'nodes "w-1" is forbidden: User "eve" cannot patch resource "nodes" in API group "" at the cluster scope',
    )
    expect(api.diary).toEqual([])
  })

  it('gets a kubeconfig that works as it is', async () => {
    const api = await homelab()
    const config: Kubeconfig = parse(await api.kubeconfig({ user: 'caretaker', groups: ['system:masters'] }))
    expect(config.clusters[0].cluster['server']).toBe(`https://${address}:6443`)
    const data = (text = '') => Buffer.from(text, 'base64').toString()
    const { 'client-certificate-data': cert, 'client-key-data': key } = config.users[0].user
    const as = { cert: data(cert), key: data(key) }
    expect(as.key).toContain('BEGIN PRIVATE KEY')
    await ask('PATCH', '/api/v1/nodes/w-1', { spec: { unschedulable: true } }, { as, type: merge })
    expect(api.diary).toMatchObject([{ text: 'cordon w-1', by: 'caretaker' }])
  })
})

describe('writing', () => {
  it('cordons and uncordons, with the taint that the controller adds', async () => {
    const api = await homelab()
    expect((await cordon('w-1')).body['spec']).toEqual({ unschedulable: true })
    expect(api.node('w-1')?.spec.taints).toMatchObject([{ key: 'node.kubernetes.io/unschedulable' }])
    await cordon('w-1')
    await patch('/api/v1/nodes/w-1', { spec: { unschedulable: null } })
    expect(api.node('w-1')?.spec).toEqual({})
    expect(texts(api)).toEqual(['cordon w-1', 'uncordon w-1'])
  })

  it('merges annotations, removes those that are null and leaves the status alone', async () => {
    const api = await homelab()
    await patch('/api/v1/nodes/w-1', { metadata: { annotations: { a: '1', b: '2' } } })
    await patch('/api/v1/nodes/w-1', { metadata: { annotations: { a: null } }, status: { conditions: [] } }, strategic)
    expect(api.node('w-1')?.metadata.annotations).toEqual({ b: '2' })
    expect(api.node('w-1')?.status.conditions).toHaveLength(1)
  })

  it('counts a new version only when something changed', async () => {
    const api = await homelab()
    const version = () => api.node('w-1')?.metadata.resourceVersion
    const first = version()
    await patch('/api/v1/nodes/w-1', { metadata: { labels: { 'kubernetes.io/os': 'linux' } } })
    expect(version()).toBe(first)
    await patch('/api/v1/nodes/w-1', { metadata: { labels: { rack: 'top' } } })
    expect(version()).not.toBe(first)
  })

  it('refuses to write over what somebody else wrote meanwhile', async () => {
    await homelab()
    const { body: seen } = await get('/api/v1/nodes/w-1')
    await patch('/api/v1/nodes/w-1', { metadata: { labels: { rack: 'top' } } })
    const stale = await ask('PUT', '/api/v1/nodes/w-1', seen)
    expect(stale).toMatchObject({ code: 409, body: { reason: 'Conflict', details: { name: 'w-1', kind: 'nodes' } } })
    const resourceVersion = seen['metadata']?.['resourceVersion']
    expect((await patch('/api/v1/nodes/w-1', { metadata: { resourceVersion } })).code).toBe(409)
    expect((await ask('PUT', '/api/v1/nodes/w-1', (await get('/api/v1/nodes/w-1')).body)).code).toBe(200)
  })

  it('keeps leases as a leader election needs them', async () => {
    await homelab()
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
    const lease = (spec: object, metadata: object = {}) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'caretaker', ...metadata },
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15, ...spec },
    })
    // Three digits of a second are what toISOString writes and what a Go server cannot parse.
    expect((await ask('POST', path, lease({ renewTime: '2026-11-22T10:00:00.123Z' }))).code).toBe(400)
    const made = await ask('POST', path, lease({ renewTime: '2026-11-22T10:00:00.123000Z' }))
    expect(made).toMatchObject({ code: 201, body: { kind: 'Lease', metadata: { namespace: 'kube-system' } } })
    expect(await ask('POST', path, lease({}))).toMatchObject({ code: 409, body: { reason: 'AlreadyExists' } })
    expect(await ask('PUT', `${path}/caretaker`, lease({}))).toMatchObject({ code: 422, body: { reason: 'Invalid' } })
    const resourceVersion = made.body['metadata']?.['resourceVersion']
    const taken = await ask('PUT', `${path}/caretaker`, lease({ holderIdentity: 'you' }, { resourceVersion }))
    expect(taken).toMatchObject({ code: 200, body: { spec: { holderIdentity: 'you' } } })
    expect((await ask('PUT', `${path}/caretaker`, lease({}, { resourceVersion }))).code).toBe(409)
    expect((await patch(`${path}/caretaker`, { spec: { leaseDurationSeconds: 0 } })).code).toBe(422)
    expect((await ask('POST', path.replace('kube-system', 'none'), lease({}))).code).toBe(404)
    expect((await ask('DELETE', `${path}/caretaker`)).body).toMatchObject({ status: 'Success' })
  })
})

describe('watching', () => {
  const told = (events: ReturnType<typeof lab.watch>) =>
    events.map(({ type, object }) => `${type} ${object['metadata']?.['name']}`)

  it('tells what there is and then what changes', async () => {
    await homelab()
    const events = lab.watch('/api/v1/nodes?watch=1')
    await until(() => events.length === 3)
    await cordon('w-1')
    await until(() => events.length === 5)
    expect(told(events)).toEqual(['ADDED cp-1', 'ADDED w-1', 'ADDED w-2', 'MODIFIED w-1', 'MODIFIED w-1'])
    expect(events.at(-1)?.object).toMatchObject({ kind: 'Node', spec: { unschedulable: true } })
  })

  it('goes on from a version, and says when it no longer can', async () => {
    const api = await homelab()
    const resourceVersion = (await get('/api/v1/pods')).body['metadata']?.['resourceVersion']
    api.addPod({ name: 'db', node: 'w-1' })
    await ask('DELETE', '/api/v1/namespaces/default/pods/db?gracePeriodSeconds=0')
    const events = lab.watch(
      `/api/v1/pods?watch=true&resourceVersion=${resourceVersion}&fieldSelector=spec.nodeName%3Dw-1`,
    )
    await until(() => events.length === 2)
    expect(told(events)).toEqual(['ADDED db', 'DELETED db'])
    const late = lab.watch('/api/v1/pods?watch=1&resourceVersion=1')
    await until(() => late.length === 1)
    expect(late).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
  })
})
