import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, ApiRefusal, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import { createObjects } from '../../../src/adapters/kubernetes/objects.ts'
import { english } from '../../../src/core/wording.ts'
import { phase } from '../../../src/core/plan.ts'
import type { Kubernetes } from '../../../src/core/cluster/ports.ts'
import { carryOut } from '../../../src/engine/carry-out.ts'
import { fakeHomelab } from '../../fakes/homelab.ts'
import { silentLog } from '../../fakes/log.ts'
import { cephClusters, longhornReplicas, longhornSettings, longhornVolumes } from '../../lab/kubernetes/custom.ts'
import type { StartUp } from '../../lab/kubernetes/startup.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.132')
})
afterEach(() => at[Symbol.asyncDispose]())

const namespace = 'longhorn-system'
function addLonghorn() {
  for (const kind of [longhornVolumes, longhornReplicas, longhornSettings]) at.lab.defineCustom(kind)
  at.lab.putCustom(longhornVolumes, {
    metadata: { name: 'pvc-1', namespace },
    spec: { numberOfReplicas: 2 },
    status: { state: 'attached', robustness: 'degraded' },
  })
  at.lab.putCustom(longhornReplicas, {
    metadata: { name: 'pvc-1-r', namespace },
    spec: { volumeName: 'pvc-1', nodeID: 'w-1', healthyAt: 'then' },
    status: { currentState: 'running' },
  })
  at.lab.putCustom(longhornSettings, {
    metadata: { name: 'node-drain-policy', namespace },
    value: 'block-for-eviction',
  })
}

/** Comes up again, with nothing wrong but this. */
async function restart(symptoms: StartUp) {
  at.lab.startUp({ lasts: 0, forbids: 0, unavailable: 0, hides: 0, initializes: 0, ...symptoms })
  await at.lab.restart()
}
const whole = { systems: ['longhorn', 'ceph'], lastReplicas: new Map([['w-1', ['pvc-1']]]) }

/** What somebody sees who looks again and again, until it is not an error any more. */
async function firstAnswer<T>(look: () => Promise<T>): Promise<{ answer: T; errors: { code?: string }[] }> {
  const errors: { code?: string }[] = []
  while (true) {
    try {
      return { answer: await look(), errors }
    } catch (error) {
      errors.push(error as { code?: string })
      if (errors.length > 500) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

describe('an API server that has just started', () => {
  test.each<[string, StartUp]>([
    ['has all symptoms for a while', { lasts: 400, forbids: 100, unavailable: 150, hides: 300, initializes: 400 }],
    ['serves no custom kinds yet', { lasts: 300, hides: 300 }],
    ['serves no custom kinds although it calls itself ready', { lasts: 0, hides: 300 }],
    ['has not all its paths', { lasts: 0, unavailable: 200 }],
    ['has no storage to list from', { lasts: 0, initializes: 200 }],
  ])('never looks like a cluster without storage: it %s', async (_, symptoms) => {
    addLonghorn()
    at.lab.addCeph()
    await restart(symptoms)
    // Nobody here has seen the cluster before.
    const fresh = createKubernetes(at.api)
    const { answer, errors } = await firstAnswer(() => fresh.storage(soon()))
    expect(answer).toMatchObject(whole)
    for (const { code } of errors) expect(code).toBe('unreachable')
  })

  test('that forbids everything for a moment is asked again, and not believed', async () => {
    addLonghorn()
    at.lab.addCeph()
    at.lab.addPod({ name: 'web', node: 'w-2' })
    using api = createApi(parseKubeconfig(await at.lab.kubeconfig({ user: 'agent', groups: ['agents'] }), 'k'))
    const kubernetes = createKubernetes(api, { evictEvery: 30 })
    const calls: [string, (one: Kubernetes) => Promise<unknown>][] = [
      ['version', (one) => one.version(soon())],
      ['nodes', (one) => one.nodes(soon())],
      ['workloads', (one) => one.workloads(soon())],
      ['storage', (one) => one.storage(soon())],
      ['settings', (one) => one.storageSettings(soon())],
      ['forbidden', (one) => one.forbidden(soon())],
      ['lease', (one) => one.takeLease({ holder: 'me', purpose: 'upgrade', lasts: 60_000 }, soon())],
      ['cordon', (one) => one.cordon('w-2', { why: 'power', at: 'now' }, undefined, soon())],
      ['drain', (one) => one.drain('w-2', {}, soon())],
    ]
    for (const [name, call] of calls) {
      await restart({ forbids: 100 })
      await expect(call(kubernetes), name).resolves.not.toThrow()
    }
    expect(await kubernetes.forbidden(soon())).toEqual([])
  })

  test('whose no to a right is one of its first answers is asked again', async () => {
    let noes = 4
    const send = (async (request) => {
      if (!request.path.includes('selfsubject') || noes-- <= 0) return at.api.send(request)
      return { status: { allowed: false } }
    }) as Api['send']
    expect(await createKubernetes({ ...at.api, send }).forbidden(soon())).toEqual([])
  })

  test('gets the settings of all storage systems set that it serves a moment later', async () => {
    addLonghorn()
    const ceph = at.lab.addCeph()
    await restart({ lasts: 900, hides: 900 })
    const found = await at.kubernetes.storageSettings(soon())
    expect(found.map(({ system }) => system)).toEqual(['longhorn', 'ceph', 'ceph', 'ceph', 'ceph'])
    await restart({ lasts: 600, hides: 600 })
    for (const { during, ...setting } of found) await at.kubernetes.setStorage(setting, during, soon())
    expect([...ceph.flags]).toHaveLength(4)
    expect(at.diary()).toContain(`set ${namespace}/node-drain-policy to always-allow`)
  })

  test('holds up nobody beyond their own time', async () => {
    addLonghorn()
    await restart({ lasts: 60_000, hides: 60_000 })
    const began = performance.now()
    expect(await refusal(at.kubernetes.storageSettings(soon(700)))).toMatchObject({ code: 'unreachable' })
    expect(await refusal(at.kubernetes.storage(soon(700)))).toMatchObject({ code: 'unreachable' })
    expect(performance.now() - began).toBeLessThan(30_000)
  })

  test('does not make a kind of the user’s checks a mistake of the configuration', async () => {
    addLonghorn()
    const reference = { apiVersion: 'longhorn.io/v1beta2', kind: 'Volume', namespace }
    await restart({ lasts: 300, hides: 300 })
    const fresh = createObjects(at.api)
    const { answer, errors } = await firstAnswer(() => fresh.find(reference, soon()))
    expect(answer).toHaveLength(1)
    expect(errors.length).toBeGreaterThan(0)
    await restart({ lasts: 300, hides: 300 })
    // The kind is known by now, and its path is not.
    const again = await firstAnswer(() => fresh.find({ ...reference, name: 'pvc-1' }, soon()))
    for (const { code } of [...errors, ...again.errors]) expect(code).toBe('unreachable')
  })

  test.each<{ name: string; symptoms?: StartUp; reference: object; code: string }>([
    // One kind of a group may be there before another.
    {
      name: 'is not ready',
      symptoms: { lasts: 60_000 },
      reference: { apiVersion: 'apps/v1', kind: 'Cake' },
      code: 'unreachable',
    },
    { name: 'is ready', reference: { apiVersion: 'apps/v1', kind: 'Cake' }, code: 'misconfigured' },
    {
      name: 'is ready',
      symptoms: { hides: 60_000 },
      reference: { apiVersion: 'longhorn.io/v1beta2', kind: 'Volume' },
      code: 'unreachable',
    },
    {
      name: 'is ready',
      symptoms: { hides: 60_000 },
      reference: { apiVersion: 'cake.io/v1', kind: 'Cake' },
      code: 'misconfigured',
    },
  ])('that $name and lacks a kind of the user’s checks is $code', async ({ symptoms = {}, reference, code }) => {
    addLonghorn()
    await restart(symptoms)
    const found = createObjects(at.api).find(reference as { apiVersion: string; kind: string }, soon())
    expect(await refusal(found)).toMatchObject({ code })
  })
})

test('workloads do not come back before storage that the API server does not serve yet is whole', async () => {
  addLonghorn()
  await restart({ lasts: 400, hides: 400 })
  const ports = { ...fakeHomelab({ 'cp-1': 'controlplane' }).ports, kubernetes: createKubernetes(at.api) }
  const plan = [phase('await-storage', [], { do: 'await-storage', within: 2_500 })]
  const options = { inventory: [], log: silentLog, signal: soon(), pollEvery: 20, wording: english }
  expect(await refusal(carryOut(plan, ports, options))).toMatchObject({
    code: 'timed-out',
    message: expect.stringMatching(/for storage to be healthy: longhorn volume pvc-1 is degraded$/),
  })
})

describe('a storage system counts as absent', () => {
  /** The API, with what it is asked. */
  function watched(answer: (path: string) => unknown = () => undefined) {
    const paths: string[] = []
    const send: Api['send'] = async <T>(request: { path: string }) => {
      paths.push(request.path.split('?')[0]!.split('/').at(-1)!)
      const instead = answer(request.path)
      if (instead instanceof Error) throw instead
      return (instead ?? (await at.api.send(request as Parameters<Api['send']>[0]))) as T
    }
    return { paths, api: { ...at.api, send } }
  }

  test('when its definition is not found twice, with the server ready in between; and then not asked for all the time', async () => {
    const { paths, api } = watched()
    const kubernetes = createKubernetes(api)
    expect((await kubernetes.storage(soon())).systems).toEqual([])
    const proof = (name: string) => [name, 'readyz', name]
    expect(paths.toSorted()).toEqual(
      ['apis', ...proof('volumes.longhorn.io'), ...proof('cephclusters.ceph.rook.io')].toSorted(),
    )
    await kubernetes.storage(soon())
    expect(paths.slice(7)).toEqual(['apis'])
    addLonghorn()
    expect((await kubernetes.storage(soon())).systems).toEqual(['longhorn'])
  })

  test('not while the server is not ready', async () => {
    await restart({ lasts: 60_000 })
    expect(await refusal(at.kubernetes.storage(soon()))).toMatchObject({ code: 'unreachable' })
  })

  test('not when something else than the API server does not find it', async () => {
    const lost = new ApiRefusal(404, 'HTTP 404 page not found', undefined)
    const other = new ApiRefusal(404, 'not found', { kind: 'customresourcedefinitions', name: 'other' })
    for (const error of [lost, other]) {
      const { api } = watched((path) => (path.includes('customresourcedefinitions') ? error : undefined))
      expect(await refusal(createKubernetes(api).storage(soon()))).toBe(error)
    }
  })

  test('not when something else answers in the place of the API server, and names no groups at all', async () => {
    for (const answer of [{}, { groups: null }, { groups: [] }, { status: 'ok' }]) {
      const { api } = watched((path) => (path === '/apis' ? answer : undefined))
      expect(await refusal(createKubernetes(api).storage(soon()))).toMatchObject({ code: 'malformed' })
    }
  })

  test('not when it was here a moment ago, but when it has stayed away', async () => {
    const kubernetes = createKubernetes(at.api, { goneAfter: 200 })
    addLonghorn()
    expect((await kubernetes.storage(soon())).systems).toEqual(['longhorn'])
    for (const kind of [longhornVolumes, longhornReplicas, longhornSettings]) at.lab.removeCustom(kind)
    expect(await refusal(kubernetes.storage(soon()))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('has disappeared from the cluster'),
    })
    const { answer } = await firstAnswer(() => kubernetes.storage(soon()))
    expect(answer.systems).toEqual([])
    addLonghorn()
    expect((await kubernetes.storage(soon())).systems).toEqual(['longhorn'])
  })

  test('when only some of its definitions were left behind', async () => {
    at.lab.putCustom(longhornSettings, { metadata: { name: 'node-drain-policy', namespace }, value: 'always-allow' })
    expect((await at.kubernetes.storage(soon())).systems).toEqual([])
  })

  test('by what a ready server says it serves, to who may not see definitions; and never when it was here before', async () => {
    at.lab.deny('get customresourcedefinitions.apiextensions.k8s.io')
    const kubernetes = createKubernetes(at.api, { goneAfter: 0 })
    expect((await kubernetes.storage(soon())).systems).toEqual([])
    expect(await kubernetes.forbidden(soon())).toEqual(['see which storage systems are installed'])
    at.lab.putCustom(cephClusters, { metadata: { name: 'home' }, status: { ceph: { health: 'HEALTH_OK' } } })
    expect((await kubernetes.storage(soon())).systems).toEqual(['ceph'])
    await restart({ lasts: 0, hides: 60_000 })
    expect(await refusal(kubernetes.storage(soon()))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('allow "get customresourcedefinitions"'),
    })
    // A process that never saw it can only believe a server that is ready.
    await restart({ lasts: 60_000, hides: 60_000 })
    expect(await refusal(createKubernetes(at.api).storage(soon()))).toMatchObject({ code: 'unreachable' })
  })
})
