import type { ClientRequest } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { createAuthority, type Identity, type LabAuthority } from '../lab/authority.ts'
import { createKubernetesApi, type KubernetesApi, type KubernetesApiOptions } from '../lab/kubernetes-api.ts'

interface Answer {
  readonly code: number
  // The tests look into documents of many shapes; a wrong path shows as a failed expectation.
  readonly body: Document
}

interface Document {
  readonly [field: string]: Document & string & number
}

interface Kubeconfig {
  readonly clusters: [{ readonly cluster: Record<string, string> }]
  readonly users: [{ readonly user: Record<string, string> }]
}

interface Call {
  readonly type?: string
  readonly headers?: Record<string, string>
  readonly as?: Identity | 'nobody'
  readonly signal?: AbortSignal
}

const address = '127.0.41.1'
const merge = 'application/merge-patch+json'
const unsupported = 'the server does not allow this method on the requested resource'
const strategic = 'application/strategic-merge-patch+json'
const watches: ClientRequest[] = []
const running: KubernetesApi[] = []
let authority: LabAuthority
let admin: Identity

beforeAll(async () => {
  authority = await createAuthority('kubernetes')
  admin = await authority.issueClient({ common: 'admin', organizations: ['system:masters'] })
})

afterEach(async () => {
  for (const api of running.splice(0)) await api[Symbol.asyncDispose]()
  watches.splice(0).forEach((call) => call.destroy())
})

async function homelab(options: Partial<KubernetesApiOptions> = {}): Promise<KubernetesApi> {
  const api = createKubernetesApi({ address, authority, ...options })
  running.push(api)
  api.addNode({ name: 'cp-1', role: 'controlplane', address: '10.0.0.1' })
  api.addNode({ name: 'w-1', role: 'worker', address: '10.0.0.11' })
  api.addNode({ name: 'w-2', role: 'worker', address: '10.0.0.12' })
  await api.start()
  return api
}

function ask(method: string, path: string, body?: unknown, call: Call = {}): Promise<Answer> {
  const { type = 'application/json', headers = {}, as = admin, signal } = call
  const document = body === undefined ? undefined : JSON.stringify(body)
  const options: RequestOptions = {
    host: address,
    port: 6443,
    method,
    path,
    ca: authority.ca,
    agent: false,
    ...(as !== 'nobody' && as),
    ...(signal !== undefined && { signal }),
    headers: { ...headers, ...(document !== undefined && framing(document, type)) },
  }
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const json = response.headers['content-type'] === 'application/json'
        resolve({ code: response.statusCode ?? 0, body: json ? JSON.parse(text) : { text } })
      })
    })
    call.on('error', reject)
    call.end(document)
  })
}

function framing(document: string, type: string): Record<string, string | number> {
  // Node sends a DELETE's body without saying how long it is, which is then the next request's beginning.
  return { 'content-type': type, 'content-length': Buffer.byteLength(document) }
}

const get = (path: string) => ask('GET', path)
const patch = (path: string, body: unknown, type = merge) => ask('PATCH', path, body, { type })
const cordon = (node: string) => patch(`/api/v1/nodes/${node}`, { spec: { unschedulable: true } }, strategic)
const evict = (name: string, deleteOptions?: object) =>
  ask('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: 'default' },
    deleteOptions,
  })
const texts = (api: KubernetesApi) => api.diary.map(({ text }) => text)
const podOf = (api: KubernetesApi, name: string) => api.pods().find(({ metadata }) => metadata.name === name)
const isReady = (api: KubernetesApi, name: string) =>
  podOf(api, name)?.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')
const placesOf = (api: KubernetesApi, app: string) =>
  api
    .pods()
    .filter(({ metadata }) => metadata.labels?.['app'] === app)
    .map((pod) => `${pod.metadata.name} ${pod.spec.nodeName ?? '-'} ${pod.status.phase}`)
const until = (condition: () => unknown) => vi.waitUntil(() => Boolean(condition()), { timeout: 5_000, interval: 5 })

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
    ['GET', '/api/v1/nodes/w-9', 404, 'NotFound', 'nodes "w-9" not found'],
    ['GET', '/apis/apps/v1/cakes', 404, 'NotFound', 'the server could not find the requested resource'],
    ['DELETE', '/api/v1/nodes/w-1', 405, 'MethodNotAllowed', unsupported],
    ['POST', '/api/v1/namespaces/default/pods', 405, 'MethodNotAllowed', unsupported],
  ])('answers %s %s with %i', async (method, path, code, reason, message) => {
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
    const server = await authority.issueServer({ common: 'admin' })
    for (const as of ['nobody', stranger, server] as const)
      expect(await ask('GET', '/api/v1/nodes', undefined, { as })).toMatchObject({
        code: 401,
        body: { reason: 'Unauthorized', message: 'Unauthorized' },
      })
  })

  it('may only read when its group is denied writes', async () => {
    const api = await homelab({ denyWrites: ['viewers'] })
    const as = await authority.issueClient({ common: 'eve', organizations: ['viewers'] })
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
    await vi.waitFor(async () => expect((await get('/version')).code).toBe(200), { timeout: 5_000, interval: 5 })
    expect(api.node('w-1')?.status.conditions[0]?.status).toBe('Unknown')
  })
})

describe('watching', () => {
  function watch(path: string) {
    const events: { type: string; object: Document }[] = []
    const call = request({ host: address, port: 6443, path, ca: authority.ca, agent: false, ...admin }, (response) => {
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) events.push(JSON.parse(line))
      })
      // The server ends it, or the test does.
      response.on('error', () => {})
    })
    call.on('error', () => {})
    call.end()
    watches.push(call)
    return events
  }
  const told = (events: ReturnType<typeof watch>) =>
    events.map(({ type, object }) => `${type} ${object['metadata']?.['name']}`)

  it('tells what there is and then what changes', async () => {
    await homelab()
    const events = watch('/api/v1/nodes?watch=1')
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
    const events = watch(`/api/v1/pods?watch=true&resourceVersion=${resourceVersion}&fieldSelector=spec.nodeName%3Dw-1`)
    await until(() => events.length === 2)
    expect(told(events)).toEqual(['ADDED db', 'DELETED db'])
    const late = watch('/api/v1/pods?watch=1&resourceVersion=1')
    await until(() => late.length === 1)
    expect(late).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
  })
})
