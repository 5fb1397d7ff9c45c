import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Api, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import { longhornSettings } from '../../lab/kubernetes/custom.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.131', { denyWrites: ['readers'] })
})
afterEach(() => at[Symbol.asyncDispose]())

const forbidden = () => at.kubernetes.forbidden(soon())
const addLonghorn = (namespace = 'longhorn-system') =>
  at.lab.putCustom(longhornSettings, {
    metadata: { name: 'node-drain-policy', namespace },
    value: 'block-for-eviction',
  })
const flags = "set Ceph's flags"

const rights = [
  ['list nodes', 'see nodes'],
  ['get nodes', 'see nodes'],
  ['patch nodes', 'cordon nodes'],
  ['list pods', 'see pods'],
  ['create pods/eviction', 'evict pods'],
  ['delete pods', 'delete pods'],
  ['list deployments.apps', 'scale Deployments'],
  ['get deployments.apps', 'scale Deployments'],
  ['patch deployments.apps/scale', 'scale Deployments'],
  ['patch statefulsets.apps/scale', 'scale StatefulSets'],
  ['patch cronjobs.batch', 'suspend CronJobs'],
  ['get leases.coordination.k8s.io', 'hold the lease'],
  ['create leases.coordination.k8s.io', 'hold the lease'],
  ['patch leases.coordination.k8s.io', 'hold the lease'],
  ['list poddisruptionbudgets.policy', 'see disruption budgets'],
  ['list volumeattachments.storage.k8s.io', 'see volume attachments'],
  ['get customresourcedefinitions.apiextensions.k8s.io', 'see which storage systems are installed'],
] as const

test.each(rights)('who may not %s is told not to be able to %s', async (denied, words) => {
  at.lab.deny(denied)
  expect(await forbidden()).toEqual([words])
})

test.each(['list volumes.longhorn.io', 'list replicas.longhorn.io'])(
  'who may not %s does not see where Longhorn has its data',
  async (denied) => {
    addLonghorn()
    at.lab.deny(denied)
    expect(await forbidden()).toEqual(["see Longhorn's volumes"])
  },
)

test('every call that is made is one whose right is asked for beforehand', async () => {
  addLonghorn()
  at.lab.addCeph()
  at.lab.addDeployment({ name: 'web', replicas: 1, labels: { app: 'web' } })
  at.lab.addStatefulSet({ name: 'db', replicas: 1, labels: { app: 'db' } })
  at.lab.addCronJob({ name: 'backup', labels: { app: 'backup' } })
  at.lab.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 1 })
  const [asked, used] = [new Set<string>(), new Set<string>()]
  const send: Api['send'] = (request) => {
    const { spec } = (request.body ?? {}) as { spec?: { resourceAttributes?: Record<string, string> } }
    const { verb, group = '', resource, subresource } = spec?.resourceAttributes ?? {}
    if (resource) asked.add([verb, group, resource, subresource].filter(Boolean).join(' '))
    else used.add(rightFor(request.method, request.path))
    return at.api.send(request)
  }
  const kubernetes = createKubernetes({ ...at.api, send }, { evictEvery: 30 })
  await kubernetes.forbidden(soon())
  const mark = { why: 'power', at: '2026-11-22T03:00:00Z' } as const
  await kubernetes.takeLease({ holder: 'a', purpose: 'upgrade', lasts: 1_000 }, soon())
  await kubernetes.takeLease({ holder: 'a', purpose: 'upgrade', lasts: 1_000 }, soon())
  await kubernetes.releaseLease('a', soon())
  await Promise.all([
    kubernetes.nodes(soon()),
    kubernetes.workloads(soon()),
    kubernetes.storage(soon()).catch(() => {}),
  ])
  for (const workload of await kubernetes.scalable([{ selector: 'app' }], soon()))
    await kubernetes.scale(workload, 0, soon())
  for (const { during, ...setting } of await kubernetes.storageSettings(soon()))
    await kubernetes.setStorage(setting, during, soon())
  at.lab.addPod({ name: 'stubborn', node: 'w-1', labels: { app: 'x' } })
  at.lab.addPodDisruptionBudget({ name: 'x', matchLabels: { app: 'x' }, minAvailable: 1 })
  await kubernetes.cordon('w-1', mark, undefined, soon())
  await kubernetes.drain('w-1', { deleteAfter: 100, volumeDetachTimeout: 1_000 }, soon())
  await kubernetes.uncordon('w-1', 'power', { forgetAttempts: false }, soon())
  // These are found out by listing them; notes on workloads are done without; what is no object has no role.
  const listed = ['list longhorn.io settings', 'list ceph.rook.io cephclusters']
  const allowed = [...asked, ...listed, 'patch apps deployments', 'patch apps statefulsets', '']
  expect([...used].filter((right) => !allowed.includes(right))).toEqual([])
  expect(used.size).toBeGreaterThan(20)
})

/** `patch apps deployments scale`. */
function rightFor(method: string, path: string): string {
  const [, group = '', rest = ''] = /^\/apis?\/(?:([^/]+\.?[^/]*)\/)?v1(?:beta2)?\/([^?]*)/.exec(path) ?? []
  const [resource, name, subresource] = rest.replace(/^namespaces\/[^/]+\/(?=.)/, '').split('/')
  if (!resource) return ''
  const verbs = { GET: name ? 'get' : 'list', POST: 'create', PATCH: 'patch', DELETE: 'delete' } as const
  return [verbs[method as keyof typeof verbs], group, resource, subresource].filter(Boolean).join(' ')
}

test('who may do everything is told of nothing, and what is only for people counts for nothing', async () => {
  addLonghorn()
  at.lab.addCeph()
  at.lab.deny('patch deployments.apps', 'patch statefulsets.apps')
  expect(await forbidden()).toEqual([])
  expect(at.diary()).toEqual([])
})

test('who may only read is told of all that needs more', async () => {
  addLonghorn()
  at.lab.addCeph()
  using api = createApi(parseKubeconfig(await at.lab.kubeconfig({ user: 'watcher', groups: ['readers'] }), 'k'))
  expect(await createKubernetes(api).forbidden(soon())).toEqual([
    'cordon nodes',
    'evict pods',
    'delete pods',
    'scale Deployments',
    'scale StatefulSets',
    'suspend CronJobs',
    'hold the lease',
    "change Longhorn's settings",
    flags,
  ])
})

test.each(['get pods/exec', 'create pods/exec'])('who may not %s sets none of Ceph’s flags', async (denied) => {
  at.lab.addCeph()
  at.lab.deny(denied)
  expect(await forbidden()).toEqual([flags])
})

test('a Ceph without a toolbox is told of, and one on other machines is not', async () => {
  at.lab.addCeph({ external: true, toolbox: false })
  expect(await forbidden()).toEqual([])
  at.lab.addCeph({ namespace: 'second', toolbox: false })
  expect(await forbidden()).toEqual([`${flags} (no rook-ceph-tools pod is running)`])
})

test('who may not even look at a storage system is told so', async () => {
  addLonghorn()
  at.lab.addCeph()
  at.lab.deny('list settings.longhorn.io', 'list cephclusters.ceph.rook.io')
  expect(await forbidden()).toEqual(["change Longhorn's settings", flags])
})

test('storage systems are asked for in their own namespaces, where a role may be', async () => {
  addLonghorn('storage')
  at.lab.addCeph({ namespace: 'rook' })
  const asked: string[] = []
  const send: Api['send'] = (request) => {
    const { spec } = (request.body ?? {}) as { spec?: { resourceAttributes: Record<string, string> } }
    const { verb, resource, subresource, namespace } = spec?.resourceAttributes ?? {}
    if (namespace && namespace !== 'kube-system')
      asked.push([verb, resource, subresource, namespace].filter(Boolean).join(' '))
    return at.api.send(request)
  }
  await createKubernetes({ ...at.api, send }).forbidden(soon())
  expect(asked.toSorted()).toEqual(['create pods exec rook', 'get pods exec rook', 'patch settings storage'])
})

test('an API that does not say yes has not said it, and one that is away is unreachable', async () => {
  const send = (async (request) =>
    request.path.includes('selfsubjectaccessreviews') ? {} : at.api.send(request)) as Api['send']
  expect(await createKubernetes({ ...at.api, send }).forbidden(soon())).toEqual([
    ...new Set(rights.map(([, words]) => words)),
  ])
  await at.lab[Symbol.asyncDispose]()
  expect(await refusal(forbidden())).toMatchObject({ code: 'unreachable' })
})
