import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { longhornReplicas, longhornVolumes } from '../../lab/kubernetes/custom.ts'
import { refusal } from '../refusal.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { soon } from '../../patience.ts'

/** What is asked of storage systems after a power cut, when Kubernetes' objects are still those of before it. */

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.135')
})
afterEach(() => at[Symbol.asyncDispose]())

const texts = async () => (await at.kubernetes.unhealed(soon())).map(({ text }) => text)
const flagOf = (name: string) => ({ system: 'ceph', namespace: 'rook-ceph', name }) as const

test('a cluster without storage systems has nothing that is not whole', async () => {
  expect(await texts()).toEqual([])
})

describe('Ceph', () => {
  test('says itself what is not whole, whatever Rook wrote of it before the cut', async () => {
    const ceph = at.lab.addCeph()
    await expect.poll(texts).toEqual([])
    Object.assign(ceph, { isUnwatched: true, groups: { unknown: 8, 'active+clean': 25 } })
    expect((await at.kubernetes.storage(soon())).unwell).toEqual([])
    expect(await texts()).toEqual(['ceph in rook-ceph: placement groups are not whole yet: 8 unknown'])
    expect(await texts()).toEqual(['ceph in rook-ceph: placement groups are not whole yet: 8 peering'])
    expect(await texts()).toEqual([
      'ceph in rook-ceph: placement groups are not whole yet: 8 active+undersized+degraded',
    ])
    expect(await texts()).toEqual([
      'ceph in rook-ceph: placement groups are not whole yet: 8 active+recovering+degraded',
    ])
    expect(await texts()).toEqual([])
  })

  test.each(['norecover', 'nobackfill'])('does not become whole as long as %s is set', async (flag) => {
    const ceph = at.lab.addCeph({ flags: [flag] })
    await expect.poll(texts).toEqual([])
    ceph.groups = { 'active+undersized+degraded': 3 }
    for (let look = 0; look < 5; look++) expect(await texts()).toHaveLength(1)
    await at.kubernetes.setStorage(flagOf(flag), 'unset', soon())
    await expect.poll(texts).toEqual([])
  })

  test.each(['noout', 'norebalance'])('becomes whole although %s is set', async (flag) => {
    const ceph = at.lab.addCeph({ flags: [flag] })
    await expect.poll(texts).toEqual([])
    ceph.groups = { 'active+undersized+degraded': 3 }
    await expect.poll(texts).toEqual([])
  })

  test.each([
    { state: 'active+clean+scrubbing+deep', isWhole: true },
    { state: 'active+clean+snaptrim', isWhole: true },
    { state: 'active+remapped+backfill_wait', isWhole: true },
    { state: 'active+remapped+backfilling', isWhole: true },
    { state: 'active+undersized+degraded+remapped+backfilling', isWhole: false },
    { state: 'active+recovery_wait', isWhole: false },
    { state: 'active+clean+inconsistent', isWhole: false },
    { state: 'down', isWhole: false },
    { state: 'stale+active+clean', isWhole: false },
    { state: 'undersized+peered', isWhole: false },
    { state: 'incomplete', isWhole: false },
    { state: 'something+new', isWhole: false },
  ])('whose groups are $state is whole: $isWhole', async ({ state, isWhole }) => {
    const ceph = at.lab.addCeph({ flags: ['norecover'] })
    await expect.poll(texts).toEqual([])
    ceph.groups = { 'active+clean': 30, [state]: 3 }
    const whole = 'ceph in rook-ceph: placement groups are not whole yet: '
    expect(await texts()).toEqual(isWhole ? [] : [`${whole}3 ${state}`])
  })

  test('that has no monitors yet can’t be asked, which passes', async () => {
    const ceph = at.lab.addCeph()
    await expect.poll(texts).toEqual([])
    ceph.trouble = { code: 1, stderr: '[errno 110] RADOS timed out (error connecting to the cluster)' }
    expect(await refusal(at.kubernetes.unhealed(soon()))).toMatchObject({ code: 'unreachable' })
  })

  test('whose toolbox is not ready yet is not taken for whole', async () => {
    at.lab.addCeph()
    await expect.poll(texts).toEqual([])
    for (const node of ['cp-1', 'w-1', 'w-2']) at.lab.setNodeReady(node, false)
    expect(await texts()).toEqual(['ceph in rook-ceph: no rook-ceph-tools pod is ready to ask it'])
  })

  test('without a toolbox is what Rook says of it', async () => {
    const ceph = at.lab.addCeph({ toolbox: false })
    expect(await texts()).toEqual([])
    expect(ceph.flags.size).toBe(0)
  })

  test('that runs elsewhere is nobody’s to wait for', async () => {
    at.lab.addCeph({ external: true }).groups = { down: 3 }
    expect(await texts()).toEqual([])
  })
})

describe('Longhorn', () => {
  const put = (robustness: string) =>
    at.lab.putCustom(longhornVolumes, {
      metadata: { name: 'pvc-1', namespace: 'longhorn-system' },
      spec: { numberOfReplicas: 2 },
      status: { state: 'attached', robustness },
    })
  beforeEach(() => at.lab.defineCustom(longhornReplicas))

  test('is whole when its volumes are', async () => {
    put('degraded')
    expect(await texts()).toEqual(['longhorn volume pvc-1 is degraded'])
    put('healthy')
    expect(await texts()).toEqual([])
  })

  test('is not taken for whole before its managers are ready: what it says of volumes is from before', async () => {
    put('healthy')
    at.lab.addPod({ name: 'longhorn-manager-1', node: 'w-1', labels: { app: 'longhorn-manager' } })
    at.lab.setNodeReady('w-1', false)
    expect(await texts()).toEqual(['longhorn manager longhorn-manager-1 is not ready'])
    at.lab.setNodeReady('w-1', true)
    await expect.poll(texts).toEqual([])
  })
})
