import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, ApiRefusal, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import { replicasAnnotation } from '../../../src/adapters/kubernetes/marks.ts'
import { replicasLabel } from '../../../src/adapters/kubernetes/scaling.ts'
import type { ScaledWorkload } from '../../../src/core/cluster/workload.ts'
import type { WorkloadKind } from '../../lab/kubernetes/cluster.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const address = '127.0.44.127'
let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab(address)
})
afterEach(() => at[Symbol.asyncDispose]())

const batch = { tier: 'batch' }
const of = (kind: WorkloadKind, name: string, namespace = 'default') => ({ kind, name, namespace })
const web = of('Deployment', 'web')
const addWeb = (replicas = 3) => at.lab.addDeployment({ name: 'web', replicas, labels: batch })
const addDb = () => at.lab.addStatefulSet({ name: 'db', replicas: 2, labels: batch })
const addBackup = () => at.lab.addCronJob({ name: 'backup', labels: batch })
const noteOn = ({ kind, name }: Pick<ScaledWorkload, 'kind' | 'name'>) =>
  at.lab.workload(kind, name)?.metadata.labels?.[replicasLabel]
const specOf = ({ kind, name }: Pick<ScaledWorkload, 'kind' | 'name'>) => at.lab.workload(kind, name)?.spec
const podsNow = () =>
  at.lab
    .pods()
    .filter(({ status }) => status.phase === 'Running')
    .map(({ metadata }) => metadata.name)
const patchWeb = (body: object) =>
  at.api.send({ method: 'PATCH', path: '/apis/apps/v1/namespaces/default/deployments/web', body, signal: soon() })

/** The API, with something that happens before the first requests of this kind. */
function racing(isTheirs: (method: string, path: string) => boolean, act: () => Promise<unknown>, times = 1): Api {
  let left = times
  return {
    ...at.api,
    send: async (request) => {
      if (isTheirs(request.method, request.path) && left-- > 0) await act()
      return at.api.send(request)
    },
  }
}

describe('a workload that is scaled to nothing', () => {
  test('loses its pods, says on itself how many there were, and gets them back', async () => {
    addWeb()
    addDb()
    const db = of('StatefulSet', 'db')
    for (const each of [web, db]) await at.kubernetes.scale(each, 0, soon())
    await expect.poll(podsNow).toEqual([])
    expect([noteOn(web), noteOn(db)]).toEqual(['3', '2'])
    await at.kubernetes.scale(web, 3, soon())
    await at.kubernetes.scale(db, 2, soon())
    await expect.poll(podsNow).toEqual(['db-0', 'db-1', 'web-4', 'web-5', 'web-6'])
    expect([noteOn(web), noteOn(db)]).toEqual([undefined, undefined])
    const down = ['scale default/web to 0', 'scale default/db to 0']
    expect(at.diary()).toEqual([...down, 'scale default/web to 3', 'scale default/db to 2'])
  })

  test('and is a CronJob is suspended, and resumed', async () => {
    addBackup()
    const backup = of('CronJob', 'backup')
    for (let times = 0; times < 2; times++) await at.kubernetes.scale(backup, 0, soon())
    expect([specOf(backup), noteOn(backup)]).toMatchObject([{ suspend: true, schedule: '0 3 * * *' }, '1'])
    for (let times = 0; times < 2; times++) await at.kubernetes.scale(backup, 1, soon())
    expect([specOf(backup), noteOn(backup)]).toMatchObject([{ suspend: false }, undefined])
    expect(at.diary()).toEqual(['suspend default/backup', 'resume default/backup'])
  })

  test('and its note are nothing that a controller copies, or a rollback brings back', async () => {
    addWeb()
    await patchWeb({ metadata: { annotations: { team: 'media' } } })
    const sets = () => at.lab.replicaSets('web')
    await at.kubernetes.scale(web, 0, soon())
    expect(noteOn(web)).toBe('3')
    // Annotations are copied, as a person's is here.
    expect(sets().map(({ metadata }) => metadata.annotations)).toEqual([{ team: 'media' }])
    at.lab.rollOut('web')
    await at.kubernetes.scale(web, 3, soon())
    at.lab.rollBack('web')
    expect(JSON.stringify([at.lab.workload('Deployment', 'web'), sets()])).not.toContain(replicasLabel)
  })

  test('and whose note of version 0.1 comes back with a rollback loses it, and is not believed', async () => {
    addWeb()
    const old = { metadata: { annotations: { [replicasAnnotation]: '7' } } }
    const oldNote = () => at.lab.workload('Deployment', 'web')?.metadata.annotations?.[replicasAnnotation]
    await patchWeb(old)
    await at.kubernetes.scale(web, 0, soon())
    expect([noteOn(web), oldNote()]).toEqual(['3', undefined])
    await patchWeb(old)
    await at.kubernetes.scale(web, 3, soon())
    expect([noteOn(web), oldNote()]).toEqual([undefined, undefined])
    at.lab.rollOut('web')
    at.lab.rollBack('web')
    expect(oldNote()).toBe('7')
    await at.kubernetes.scale(web, 3, soon())
    expect(oldNote()).toBeUndefined()
  })

  test('twice keeps the note of how many there were before the first time', async () => {
    addWeb()
    for (let times = 0; times < 2; times++) await at.kubernetes.scale(web, 0, soon())
    expect(noteOn(web)).toBe('3')
    expect(at.diary()).toEqual(['scale default/web to 0'])
  })

  test('is not written where it is so already', async () => {
    addWeb()
    addBackup()
    const methods: string[] = []
    const send: Api['send'] = (request) => {
      methods.push(request.method)
      return at.api.send(request)
    }
    const counted = createKubernetes({ ...at.api, send })
    for (const kind of [web, of('CronJob', 'backup')]) {
      await counted.scale(kind, 1, soon())
      await at.kubernetes.scale(kind, 0, soon())
      await counted.scale(kind, 0, soon())
    }
    expect(methods).toEqual(['GET', 'GET', 'GET', 'GET'])
  })

  test('and that somebody has put back is left alone, but for our note', async () => {
    addWeb()
    await at.kubernetes.scale(web, 0, soon())
    await patchWeb({ spec: { replicas: 1 } })
    await at.kubernetes.scale(web, 3, soon())
    expect([specOf(web), noteOn(web)]).toMatchObject([{ replicas: 1 }, undefined])
  })

  test('and that somebody puts back just now is left alone too', async () => {
    addWeb()
    await at.kubernetes.scale(web, 0, soon())
    const isScale = (method: string, path: string) => method === 'PATCH' && path.endsWith('/scale')
    const late = racing(isScale, () => patchWeb({ spec: { replicas: 2 } }))
    await createKubernetes(late).scale(web, 3, soon())
    expect(specOf(web)).toMatchObject({ replicas: 2 })
  })

  test('notes what it has at that very moment', async () => {
    addWeb()
    const isNote = (method: string, path: string) => method === 'PATCH' && !path.endsWith('/scale')
    const late = racing(isNote, () => patchWeb({ spec: { replicas: 5 } }))
    await createKubernetes(late).scale(web, 0, soon())
    expect([specOf(web), noteOn(web)]).toMatchObject([{ replicas: 0 }, '5'])
  })

  test('while others write it all the time is given up, to be tried later', async () => {
    addWeb()
    let count = 0
    const busy = () => patchWeb({ metadata: { annotations: { count: String(count++) } } })
    const racer = racing((method) => method === 'PATCH', busy, 99)
    const error = await refusal(createKubernetes(racer).scale(web, 0, soon()))
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('has been modified') })
    expect(specOf(web)).toMatchObject({ replicas: 3 })
  })

  test('needs no right to write notes, and one to scale', async () => {
    addWeb()
    at.lab.deny('patch deployments.apps')
    await at.kubernetes.scale(web, 0, soon())
    expect([specOf(web), noteOn(web)]).toMatchObject([{ replicas: 0 }, undefined])
    await at.kubernetes.scale(web, 3, soon())
    at.lab.deny('patch deployments.apps/scale')
    expect(await refusal(at.kubernetes.scale(web, 0, soon()))).toMatchObject({
      code: 'rejected',
      message: `the Kubernetes API at ${address}:26443 refuses PATCH /apis/apps/v1/namespaces/default/deployments/web/scale: deployments.apps "web" is forbidden: User "caretaker" cannot patch resource "deployments/scale" in API group "apps" in the namespace "default"`,
    })
  })

  test('says nothing of a workload that is gone, and something of an API that is', async () => {
    for (const kind of ['Deployment', 'StatefulSet', 'CronJob'] as const)
      expect(await at.kubernetes.scale(of(kind, 'gone'), 0, soon())).toBeUndefined()
    const lost = new ApiRefusal(404, 'HTTP 404 page not found', undefined)
    const proxy = createKubernetes({ ...at.api, send: () => Promise.reject(lost) })
    expect(await refusal(proxy.scale(web, 0, soon()))).toBe(lost)
    await at.lab[Symbol.asyncDispose]()
    expect(await refusal(at.kubernetes.scale(web, 0, soon()))).toMatchObject({ code: 'unreachable' })
    const all = [{ selector: 'tier=batch' }]
    expect(await refusal(at.kubernetes.scalable(all, soon()))).toMatchObject({ code: 'unreachable' })
  })

  test('is found by its name, whatever that is', async () => {
    const paths: string[] = []
    const send: Api['send'] = (request) => {
      paths.push(request.path)
      return at.api.send(request)
    }
    const hostile = '../../../secrets?x=1#/..'
    for (const kind of ['Deployment', 'StatefulSet', 'CronJob'] as const)
      await createKubernetes({ ...at.api, send }).scale({ kind, namespace: hostile, name: hostile }, 0, soon())
    const encoded = encodeURIComponent(hostile)
    expect(paths).toEqual([
      `/apis/apps/v1/namespaces/${encoded}/deployments/${encoded}`,
      `/apis/apps/v1/namespaces/${encoded}/statefulsets/${encoded}`,
      `/apis/batch/v1/namespaces/${encoded}/cronjobs/${encoded}`,
    ])
  })
})

describe('what can be scaled', () => {
  test('is judged by the API server, in its own words', async () => {
    addWeb()
    at.lab.addDeployment({ name: 'api', namespace: 'prod', replicas: 1, labels: { tier: 'front' } })
    const names = async (selector: string, namespace?: string) =>
      (await at.kubernetes.scalable([{ selector, namespace }], soon())).map(({ name }) => name)
    expect(await names('tier in (batch, front)')).toEqual(['web', 'api'])
    expect(await names('tier notin (batch)')).toEqual(['api'])
    expect(await names('tier', 'prod')).toEqual(['api'])
    expect(await names('tier', 'no/such?namespace')).toEqual([])
    expect(await refusal(names('tier in batch'))).toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/^the label selector "tier in batch" was refused: .*unable to parse requirement/),
    })
  })

  test('is told of what the user has chosen, in kube-system too', async () => {
    at.lab.addDeployment({ name: 'metrics', namespace: 'kube-system', replicas: 1, labels: batch })
    const metrics = { ...of('Deployment', 'metrics', 'kube-system'), replicas: 1 }
    expect(await at.kubernetes.scalable([{ selector: 'tier=batch' }], soon())).toEqual([metrics])
  })

  test('is not told where we may not look', async () => {
    addWeb()
    at.lab.deny('list cronjobs.batch')
    const error = await refusal(at.kubernetes.scalable([{ selector: 'tier=batch' }], soon()))
    expect(error).toMatchObject({
      code: 'rejected',
      message: expect.stringContaining('cannot list resource "cronjobs"'),
    })
  })

  test('has one replica where it does not say how many', async () => {
    const send = (async () => ({ items: [{ metadata: { name: 'x', namespace: 'y' } }] })) as Api['send']
    const found = await createKubernetes({ ...at.api, send }).scalable([{ selector: 'a' }], soon())
    const one = { namespace: 'y', name: 'x', replicas: 1 }
    expect(found).toEqual(['CronJob', 'Deployment', 'StatefulSet'].map((kind) => ({ kind, ...one })))
  })
})

test('nobody who may only read scales anything', async () => {
  await at[Symbol.asyncDispose]()
  at = await startKubernetesLab(address, { denyWrites: ['readers'] })
  addWeb()
  using api = createApi(parseKubeconfig(await at.lab.kubeconfig({ user: 'watcher', groups: ['readers'] }), 'k'))
  const error = await refusal(createKubernetes(api).scale(web, 0, soon()))
  expect(error).toMatchObject({ code: 'rejected', message: expect.stringContaining('User "watcher" cannot patch') })
  expect(specOf(web)).toMatchObject({ replicas: 3 })
})
