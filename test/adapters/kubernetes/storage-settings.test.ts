import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, ApiRefusal } from '../../../src/adapters/kubernetes/api.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import type { StorageSetting } from '../../../src/core/cluster/workload.ts'
import { cephClusters, longhornSettings } from '../../lab/kubernetes/custom.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.130')
})
afterEach(() => at[Symbol.asyncDispose]())

const settings = () => at.kubernetes.storageSettings(soon())
const set = (setting: Pick<StorageSetting, 'system' | 'namespace' | 'name'>, value: string, signal = soon()) =>
  at.kubernetes.setStorage(setting, value, signal)
const lost = new ApiRefusal(404, 'HTTP 404 page not found', undefined)

describe('Longhorn’s settings', () => {
  const policy = 'node-drain-policy'
  const interval = 'replica-replenishment-wait-interval'
  const limit = 'concurrent-replica-rebuild-per-node-limit'
  const put = (name: string, value: string, namespace = 'longhorn-system') =>
    at.lab.putCustom(longhornSettings, { metadata: { name, namespace }, value })

  test.each([
    { name: policy, before: 'block-if-contains-last-replica', during: 'always-allow' },
    { name: policy, before: 'allow-if-replica-is-stopped', during: 'always-allow' },
    { name: policy, before: 'always-allow', during: undefined },
    {
      name: policy,
      before: '{"v1":"block-for-eviction","v2":"always-allow"}',
      during: '{"v1":"always-allow","v2":"always-allow"}',
    },
    { name: policy, before: '{"v1":"always-allow" , "v2":"always-allow"}', during: undefined },
    { name: interval, before: '600', during: '3600' },
    { name: interval, before: '0', during: '3600' },
    { name: interval, before: '3600', during: undefined },
    { name: interval, before: '86400', during: undefined },
    { name: interval, before: '', during: undefined },
    { name: interval, before: 'ten minutes', during: undefined },
    { name: interval, before: '{"v1":"600","v2":"7200"}', during: '{"v1":"3600","v2":"7200"}' },
    { name: interval, before: '{"v1":"600","v2":"soon"}', during: undefined },
    { name: interval, before: '{"v1":"600","v2":600}', during: undefined },
    { name: limit, before: '5', during: '0' },
    { name: limit, before: '0', during: undefined },
    { name: limit, before: '{"v1":"5"}', during: '{"v1":"0"}' },
    { name: limit, before: '{"v1":"5"', during: undefined },
    { name: limit, before: '{}', during: undefined },
    { name: limit, before: 'null', during: undefined },
    { name: 'default-replica-count', before: '3', during: undefined },
    { name: '__proto__', before: '3', during: undefined },
    { name: 'constructor', before: '3', during: undefined },
  ])('of which $name is $before is meanwhile to be $during', async ({ name, before, during }) => {
    put(name, before)
    const place = { system: 'longhorn', namespace: 'longhorn-system', name }
    expect(await settings()).toEqual(during === undefined ? [] : [{ ...place, before, during }])
  })

  test('are set where they were found, and nothing else on them is changed', async () => {
    put(policy, 'block-for-eviction', 'storage')
    const [found] = await settings()
    expect(found).toMatchObject({ namespace: 'storage' })
    await set(found!, found!.during)
    await set(found!, found!.before)
    expect(at.diary()).toEqual([`set storage/${policy} to always-allow`, `set storage/${policy} to block-for-eviction`])
  })

  test('that are gone need not be set, and neither need those of a Longhorn that is', async () => {
    const gone = { system: 'longhorn', namespace: 'longhorn-system', name: policy } as const
    expect(await set(gone, 'always-allow')).toBeUndefined()
    at.lab.defineCustom(longhornSettings)
    expect(await set(gone, 'always-allow')).toBeUndefined()
  })

  test('are not taken to be gone by a 404 of what stands in front of the API', async () => {
    put(policy, 'block-for-eviction')
    const send: Api['send'] = (request) => (request.method === 'PATCH' ? Promise.reject(lost) : at.api.send(request))
    const proxy = createKubernetes({ ...at.api, send })
    const found = { system: 'longhorn', namespace: 'longhorn-system', name: policy } as const
    expect(await refusal(proxy.setStorage(found, 'always-allow', soon()))).toBe(lost)
  })

  test('are found by their names, whatever those are', async () => {
    put(policy, 'block-for-eviction')
    const hostile = { system: 'longhorn', namespace: 'longhorn-system', name: `x/../${policy}` } as const
    await set(hostile, 'always-allow')
    expect(at.diary()).toEqual([])
  })

  test('that we may not look at are left out, and ones that we may not change are refused', async () => {
    put(policy, 'block-for-eviction')
    const [found] = await settings()
    at.lab.deny('patch settings.longhorn.io')
    expect(await refusal(set(found!, 'always-allow'))).toMatchObject({ code: 'rejected', status: 403 })
    at.lab.addCeph({ flags: ['noout', 'norecover', 'norebalance'] })
    at.lab.deny('list settings.longhorn.io')
    expect(await settings()).toEqual([
      { system: 'ceph', namespace: 'rook-ceph', name: 'nobackfill', before: 'unset', during: 'set' },
    ])
  })

  test('of an API that is away are not told', async () => {
    put(policy, 'block-for-eviction')
    at.lab.setAvailability('no-quorum')
    expect(await refusal(settings())).toMatchObject({ code: 'unreachable' })
  })
})

describe('Ceph’s flags', () => {
  const flag = (name: string) => ({ system: 'ceph', namespace: 'rook-ceph', name }) as const
  const podName = () => at.lab.pods()[0]!.metadata.name

  test('are set and unset by the toolbox, and what Rook says of them is well', async () => {
    const ceph = at.lab.addCeph()
    for (const { during, ...setting } of await settings()) await set(setting, during)
    expect([...ceph.flags]).toEqual(['noout', 'nobackfill', 'norecover', 'norebalance'])
    expect(await settings()).toEqual([])
    expect(await at.kubernetes.storage(soon())).toMatchObject({ systems: ['ceph'], unwell: [] })
    await set(flag('noout'), 'unset')
    expect([...ceph.flags]).toEqual(['nobackfill', 'norecover', 'norebalance'])
    expect(at.diary().at(-1)).toBe(`exec rook-ceph/${podName()} ceph --connect-timeout=15 osd unset noout`)
  })

  test('of several clusters are told of each by its namespace', async () => {
    at.lab.addCeph({ flags: ['noout', 'nobackfill', 'norecover'] })
    at.lab.addCeph({ namespace: 'second', flags: ['noout', 'nobackfill', 'norebalance'] })
    const found = (await settings()).map(({ namespace, name }) => `${namespace}/${name}`)
    expect(found).toEqual(['rook-ceph/norebalance', 'second/norecover'])
  })

  test('of a Ceph on other machines are none of our business', async () => {
    at.lab.addCeph({ external: true })
    expect(await settings()).toEqual([])
  })

  test('are left out where no toolbox runs, and waited for where they are to be set', async () => {
    at.lab.addCeph({ toolbox: false })
    expect(await settings()).toEqual([])
    const message = "can't unset Ceph's flag noout: no rook-ceph-tools pod is ready in rook-ceph"
    expect(await refusal(set(flag('noout'), 'unset'))).toMatchObject({ code: 'unreachable', message })
  })

  test('are not asked of a toolbox that is not ready or goes already', async () => {
    const labels = { app: 'rook-ceph-tools' }
    const place = { namespace: 'rook-ceph', node: 'w-1', labels }
    at.lab.addCeph({ toolbox: false })
    at.lab.addPod({ ...place, name: 'unready', unready: true })
    at.lab.addPod({ ...place, name: 'going', terminateMs: 60_000 })
    await at.api.send({ method: 'DELETE', path: '/api/v1/namespaces/rook-ceph/pods/going', signal: soon() })
    expect(await settings()).toEqual([])
    at.lab.addPod({ ...place, name: 'ready' })
    expect(await settings()).toHaveLength(4)
    expect(at.diary().filter((entry) => entry.startsWith('exec'))).toEqual([
      'exec rook-ceph/ready ceph --connect-timeout=15 osd dump --format=json',
    ])
  })

  test('that are gone with their cluster need not be set', async () => {
    expect(await set(flag('noout'), 'unset')).toBeUndefined()
    at.lab.defineCustom(cephClusters)
    expect(await set(flag('noout'), 'unset')).toBeUndefined()
    const send: Api['send'] = (request) =>
      request.path.includes('cephclusters') ? Promise.reject(lost) : at.api.send(request)
    expect(await refusal(createKubernetes({ ...at.api, send }).setStorage(flag('noout'), 'set', soon()))).toBe(lost)
  })

  test('are no words that a journal can put into a command', async () => {
    at.lab.addCeph()
    for (const [name, value] of [
      ['pause', 'set'],
      ['noout --yes', 'set'],
      ['noout', 'purge'],
    ] as const)
      expect(await refusal(set(flag(name), value))).toMatchObject({ code: 'rejected' })
    expect(at.diary()).toEqual([])
  })

  test('that Ceph refuses to set say why', async () => {
    const ceph = at.lab.addCeph()
    ceph.trouble = { code: 1, stderr: 'warning: old\n\nError EACCES: access\tdenied\n' }
    expect(await refusal(set(flag('noout'), 'set'))).toMatchObject({
      code: 'rejected',
      message: `"ceph osd set noout" in rook-ceph/${podName()} exited with code 1: warning: old Error EACCES: access denied`,
    })
    ceph.trouble = { code: 2, stderr: `${'x'.repeat(5_000)} the end` }
    const { message } = await refusal(set(flag('noout'), 'set'))
    expect([message.endsWith('the end'), message.length < 400]).toEqual([true, true])
  })

  test('are tried again later while its monitors are away', async () => {
    const ceph = at.lab.addCeph()
    ceph.trouble = { code: 1, stderr: '[errno 110] RADOS timed out (error connecting to the cluster)\n' }
    for (const call of [set(flag('noout'), 'set'), settings()])
      expect(await refusal(call)).toMatchObject({ code: 'unreachable', message: expect.stringContaining('errno 110') })
  })

  test('that a hanging Ceph does not tell are left with the signal', async () => {
    at.lab.addCeph().trouble = 'hangs'
    for (const call of [set(flag('noout'), 'set', soon(400)), at.kubernetes.storageSettings(soon(400))])
      expect(await refusal(call)).toMatchObject({
        code: 'unreachable',
        message: expect.stringMatching(
          /^the Kubernetes API at 127.0.44.130:26443 did not answer (?:in time|within \d+ m?s)$/,
        ),
      })
  })

  test.each(['', 'no JSON', '[]', '{"flags":7}'])('that are told as %j are no flags', async (stdout) => {
    at.lab.addCeph().trouble = { code: 0, stdout }
    const message = `Ceph in rook-ceph does not report its flags: ${stdout}`
    expect(await refusal(settings())).toMatchObject({ code: 'malformed', message })
  })

  test('are left out where we may run no commands', async () => {
    at.lab.addCeph()
    at.lab.deny('create pods/exec')
    expect(await settings()).toEqual([])
    expect(await refusal(set(flag('noout'), 'set'))).toMatchObject({ code: 'rejected', status: 403 })
  })
})
