import { describe, expect, it } from 'vitest'
import { longhornSettings } from './custom.ts'
import { createKubernetesClient, placesOf, texts, until } from './test-client.ts'

const { homelab, ask, get, patch } = createKubernetesClient('127.0.41.5')
const labels = { app: 'web' }
const root = '/apis/apps/v1/namespaces/default'
const web = `${root}/deployments/web`

describe('a scale', () => {
  it('is read and written apart from its workload, whose version it has', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels })
    const { body } = await get(`${web}/scale`)
    expect(body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 2 } })
    expect(body.status).toMatchObject({ replicas: 2 })
    expect((await get(web)).body.metadata).toMatchObject({ resourceVersion: body.metadata!['resourceVersion'] })
    const updated = await ask('PUT', `${web}/scale`, { ...body, spec: { replicas: 1 } })
    expect(updated).toMatchObject({ code: 200, body: { kind: 'Scale', spec: { replicas: 1 } } })
    expect(await ask('PUT', `${web}/scale`, { ...body, spec: { replicas: 5 } })).toMatchObject({ code: 409 })
    await until(() => placesOf(api, 'web').length === 1)
    expect((await get(web)).body.status).toMatchObject({ replicas: 1, readyReplicas: 1 })
  })

  it('of fewer than none, of something else or of what has none is refused', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels })
    api.addCronJob({ name: 'backup' })
    for (const spec of [{ replicas: -1 }, { replicas: '1' }, { replicas: null }])
      expect(await patch(`${web}/scale`, { spec })).toMatchObject({ code: 400 })
    expect(await patch(`${root}/deployments/none/scale`, { spec: { replicas: 1 } })).toMatchObject({
      code: 404,
      body: { details: { kind: 'deployments', group: 'apps', name: 'none' } },
    })
    expect(await get('/apis/batch/v1/namespaces/default/cronjobs/backup/scale')).toMatchObject({ code: 404 })
    expect(await get(`${root}/replicasets/web/scale`)).toMatchObject({ code: 404 })
    expect(await ask('DELETE', `${web}/scale`)).toMatchObject({ code: 405 })
    expect(texts(api)).toEqual([])
  })

  it('takes the last ordinals of a StatefulSet away, and gives the same ones back', async () => {
    const api = await homelab()
    api.addStatefulSet({ name: 'db', replicas: 3, labels: { app: 'db' } })
    const names = () => placesOf(api, 'db').map((place) => place.split(' ')[0])
    await patch(`${root}/statefulsets/db/scale`, { spec: { replicas: 1 } })
    await until(() => names().length === 1)
    expect(names()).toEqual(['db-0'])
    await patch(`${root}/statefulsets/db`, { spec: { replicas: 4 } })
    await until(() => placesOf(api, 'db').filter((place) => place.endsWith('Running')).length === 4)
    expect(names()).toEqual(['db-0', 'db-1', 'db-2', 'db-3'])
  })

  it('of a StatefulSet whose pods were put there one by one knows them', async () => {
    const api = await homelab()
    for (const node of ['w-1', 'w-2'])
      api.addPod({ name: `my-${node}`, node, labels: { app: 'db' }, owner: { kind: 'StatefulSet', name: 'db' } })
    expect((await get(`${root}/statefulsets/db`)).body.spec).toMatchObject({ replicas: 2 })
    await patch(`${root}/statefulsets/db/scale`, { spec: { replicas: 0 } })
    await until(() => placesOf(api, 'db').length === 0)
    await patch(`${root}/statefulsets/db/scale`, { spec: { replicas: 1 } })
    await until(() => placesOf(api, 'db').length === 1)
    expect(placesOf(api, 'db')[0]).toMatch(/^my-w-1 /)
  })
})

describe('a setting of Longhorn', () => {
  it('is written beside its metadata, and a custom kind that nobody may write is not', async () => {
    const api = await homelab()
    api.putCustom(longhornSettings, { metadata: { name: 'x', namespace: 'longhorn-system' }, value: '5' })
    const path = '/apis/longhorn.io/v1beta2/namespaces/longhorn-system/settings/x'
    expect(await patch(path, { value: '0' })).toMatchObject({ code: 200, body: { value: '0' } })
    expect((await get(path)).body).toMatchObject({ kind: 'Setting', value: '0', metadata: { name: 'x' } })
    api.addCeph()
    const ceph = '/apis/ceph.rook.io/v1/namespaces/rook-ceph/cephclusters/rook-ceph'
    expect(await patch(ceph, { spec: {} })).toMatchObject({ code: 405 })
  })
})

describe('a command', () => {
  const exec = '/api/v1/namespaces/rook-ceph/pods/rook-ceph-tools-1/exec?command=ceph'

  it('needs a WebSocket that speaks of channels', async () => {
    const api = await homelab()
    api.addCeph()
    expect(await get(exec)).toMatchObject({ code: 400, body: { message: 'Upgrade request required' } })
    const key = { 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
    const headers = { connection: 'Upgrade', upgrade: 'websocket', ...key, 'sec-websocket-protocol': 'chat' }
    expect(await ask('GET', exec, undefined, { headers })).toMatchObject({ code: 400 })
    expect(await ask('GET', exec, undefined, { headers, as: 'nobody' })).toMatchObject({ code: 401 })
    expect(await ask('GET', '/api/v1/nodes', undefined, { headers })).toMatchObject({ code: 400 })
    expect(texts(api)).toEqual([])
  })
})

describe('what is denied', () => {
  it('is refused to everybody, and nobody else is told that it may', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels })
    api.deny('patch deployments.apps/scale')
    expect(await patch(`${web}/scale`, { spec: { replicas: 1 } })).toMatchObject({ code: 403 })
    expect(await patch(web, { spec: { replicas: 1 } })).toMatchObject({ code: 200 })
    const review = (attributes: object) =>
      ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: attributes },
      })
    const scale = { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale' }
    expect(await review(scale)).toMatchObject({ code: 201, body: { status: { allowed: false } } })
    expect(await review({ ...scale, subresource: '' })).toMatchObject({ body: { status: { allowed: true } } })
  })
})
