import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApiRefusal } from '../../src/adapters/kubernetes/api.ts'
import { createKubernetes } from '../../src/adapters/kubernetes/kubernetes.ts'
import { cephClusters, longhornReplicas, longhornVolumes } from '../lab/kubernetes-custom.ts'
import { startKubernetesLab, type KubernetesLab } from './kubernetes-lab.ts'
import { refusal } from './refusal.ts'

const soon = (ms = 5_000) => AbortSignal.timeout(ms)
let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.122')
})
afterEach(() => at[Symbol.asyncDispose]())

const storage = () => at.kubernetes.storage(soon())
const namespace = 'longhorn-system'
const volume = (name: string, robustness: string, { state = 'attached', replicas = 3, claim = '' } = {}) =>
  at.lab.putCustom(longhornVolumes, {
    metadata: { name, namespace },
    spec: { numberOfReplicas: replicas },
    status: { state, robustness, ...(claim && { kubernetesStatus: { namespace: 'media', pvcName: claim } }) },
  })
const replica = (volumeName: string, nodeID: string, { state = 'running', failedAt = '', healthyAt = 'then' } = {}) =>
  at.lab.putCustom(longhornReplicas, {
    metadata: { name: `${volumeName}-r-${nodeID}-${performance.now()}`, namespace },
    spec: { volumeName, nodeID, failedAt, healthyAt },
    status: { currentState: state },
  })

describe('a cluster without storage systems', () => {
  test('has nothing to say of them', async () => {
    expect(await storage()).toEqual({ systems: [], unwell: [], lastReplicas: new Map() })
  })

  test('is not what a 404 of something in front of the API makes of one', async () => {
    const send = () => Promise.reject(new ApiRefusal(404, 'HTTP 404 page not found', undefined))
    expect(await refusal(createKubernetes({ ...at.api, send }).storage(soon()))).toMatchObject({ code: 'rejected' })
  })
})

describe('Longhorn', () => {
  beforeEach(() => [longhornVolumes, longhornReplicas].forEach((kind) => at.lab.defineCustom(kind)))

  test('is well when every attached volume is, and what nobody uses does not count', async () => {
    volume('pvc-1', 'healthy')
    volume('pvc-2', 'unknown', { state: 'detached' })
    for (const node of ['cp-1', 'w-1', 'w-2']) replica('pvc-1', node)
    replica('pvc-2', 'w-1', { state: 'stopped' })
    expect(await storage()).toEqual({ systems: ['longhorn'], unwell: [], lastReplicas: new Map() })
  })

  test('is there, and well, before its first volume', async () => {
    expect(await storage()).toEqual({ systems: ['longhorn'], unwell: [], lastReplicas: new Map() })
  })

  test('names each volume that is not whole, with the claim that people know', async () => {
    volume('pvc-1', 'degraded', { claim: 'films' })
    volume('pvc-2', 'faulted', { state: 'detached' })
    volume('pvc-3', 'unknown')
    volume('pvc-4', 'unknown', { state: 'attaching' })
    expect((await storage()).unwell).toEqual([
      'longhorn volume pvc-1 (media/films) is degraded',
      'longhorn volume pvc-2 is faulted',
      'longhorn volume pvc-3 is attached and its health unknown',
      'longhorn volume pvc-4 is attaching',
    ])
  })

  test('tells which node holds the last whole replica', async () => {
    volume('pvc-1', 'degraded', { claim: 'films' })
    replica('pvc-1', 'w-1')
    replica('pvc-1', 'w-2', { failedAt: '2026-11-22T03:00:00Z' })
    replica('pvc-1', 'cp-1', { healthyAt: '' })
    replica('pvc-1', 'cp-1', { state: 'stopped' })
    volume('pvc-2', 'healthy')
    replica('pvc-2', 'w-1')
    replica('pvc-2', 'w-2')
    expect((await storage()).lastReplicas).toEqual(new Map([['w-1', ['pvc-1 (media/films)']]]))
  })

  test('is not taken at its word when all replicas of a healthy volume are on one node', async () => {
    volume('pvc-1', 'healthy')
    replica('pvc-1', 'w-2')
    replica('pvc-1', 'w-2')
    expect((await storage()).lastReplicas).toEqual(new Map([['w-2', ['pvc-1']]]))
  })

  test('does not hold a node for a volume that was wanted with one replica', async () => {
    volume('pvc-1', 'healthy', { replicas: 1 })
    replica('pvc-1', 'w-2')
    expect((await storage()).lastReplicas).toEqual(new Map())
  })
})

describe('Ceph', () => {
  const ceph = (health: string, details: Record<string, string> = {}) =>
    at.lab.putCustom(cephClusters, {
      metadata: { name: 'home', namespace: 'rook-ceph' },
      status: {
        ceph: {
          health,
          details: Object.fromEntries(
            Object.entries(details).map(([code, message]) => [code, { severity: health, message }]),
          ),
        },
      },
    })

  test.each([
    ['HEALTH_OK', {}, []],
    ['HEALTH_WARN', { OSDMAP_FLAGS: 'noout,nodeep-scrub flag(s) set' }, []],
    ['HEALTH_WARN', { OSD_FLAGS: '1 OSDs or CRUSH {nodes, device-classes} have {NOOUT} flags set' }, []],
    [
      'HEALTH_WARN',
      { OSDMAP_FLAGS: 'noout flag(s) set', OSD_DOWN: '1 osds down' },
      ['ceph cluster rook-ceph/home is HEALTH_WARN: OSD_DOWN 1 osds down'],
    ],
    [
      'HEALTH_WARN',
      { OSDMAP_FLAGS: 'pauserd,pausewr,noout flag(s) set' },
      ['ceph cluster rook-ceph/home is HEALTH_WARN: OSDMAP_FLAGS pauserd,pausewr,noout flag(s) set'],
    ],
    [
      'HEALTH_ERR',
      { PG_DAMAGED: 'Possible data damage' },
      ['ceph cluster rook-ceph/home is HEALTH_ERR: PG_DAMAGED Possible data damage'],
    ],
    ['HEALTH_WARN', {}, ['ceph cluster rook-ceph/home is HEALTH_WARN']],
    ['', {}, ['ceph cluster rook-ceph/home does not tell its health']],
  ])('that says %s %j', async (health, details, unwell) => {
    ceph(health, details)
    expect(await storage()).toEqual({ systems: ['ceph'], unwell, lastReplicas: new Map() })
  })

  test('is no system of a cluster where only Rook’s operator runs', async () => {
    at.lab.defineCustom(cephClusters)
    expect((await storage()).systems).toEqual([])
  })
})
