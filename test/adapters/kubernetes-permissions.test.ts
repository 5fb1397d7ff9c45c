import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Api, createApi } from '../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../src/adapters/kubernetes/kubernetes.ts'
import { longhornSettings } from '../lab/kubernetes-custom.ts'
import { startKubernetesLab, type KubernetesLab } from './kubernetes-lab.ts'
import { refusal } from './refusal.ts'

const soon = (ms = 5_000) => AbortSignal.timeout(ms)
let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.131', { denyWrites: ['readers'] })
})
afterEach(() => at[Symbol.asyncDispose]())

const forbidden = () => at.kubernetes.forbidden(soon())
const addLonghorn = (namespace = 'longhorn-system') =>
  at.lab.putCustom(longhornSettings, { metadata: { name: 'node-drain-policy', namespace }, value: 'always-allow' })
const flags = "set Ceph's flags"

test.each([
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
])('who may not %s is told not to be able to %s', async (denied, words) => {
  at.lab.deny(denied)
  expect(await forbidden()).toEqual([words])
})

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
  expect(await forbidden()).toEqual([`${flags} (no rook-ceph-tools pod runs)`])
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
    if (namespace) asked.push([verb, resource, subresource, namespace].filter(Boolean).join(' '))
    return at.api.send(request)
  }
  await createKubernetes({ ...at.api, send }).forbidden(soon())
  expect(asked.toSorted()).toEqual(['create pods exec rook', 'get pods exec rook', 'patch settings storage'])
})

test('an API that does not say yes has not said it, and one that is away is unreachable', async () => {
  const send = (async () => ({})) as Api['send']
  expect(await createKubernetes({ ...at.api, send }).forbidden(soon())).toHaveLength(8)
  await at.lab[Symbol.asyncDispose]()
  expect(await refusal(forbidden())).toMatchObject({ code: 'unreachable' })
})
