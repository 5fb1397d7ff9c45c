import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApiRefusal } from '../../../src/adapters/kubernetes/api.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import { cephClusters, longhornReplicas, longhornVolumes } from '../../lab/kubernetes/custom.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

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
    const text = (what: string) => `longhorn volume ${what}`
    expect((await storage()).unwell).toEqual([
      { name: 'pvc-1', alias: 'media/films', text: text('pvc-1 (media/films) is degraded'), endangers: 'redundancy' },
      { name: 'pvc-2', text: text('pvc-2 is faulted'), endangers: 'data' },
      { name: 'pvc-3', text: text('pvc-3 is attached with robustness unknown'), endangers: 'unknown' },
      { name: 'pvc-4', text: text('pvc-4 is attaching'), endangers: 'unknown' },
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
            Object.entries(details).map(([code, message]) => [
              code,
              { severity: message === 'WARN' ? 'HEALTH_WARN' : health, message },
            ]),
          ),
        },
      },
    })

  test.each<{ health: string; details?: Readonly<Record<string, string>>; expected: readonly string[] }>([
    { health: 'HEALTH_OK', expected: [] },
    { health: 'HEALTH_WARN', details: { OSDMAP_FLAGS: 'noout,nodeep-scrub flag(s) set' }, expected: [] },
    {
      health: 'HEALTH_WARN',
      details: { OSD_FLAGS: '1 OSDs or CRUSH {nodes, device-classes} have {NOOUT} flags set' },
      expected: [],
    },
    {
      health: 'HEALTH_WARN',
      details: { OSDMAP_FLAGS: 'noout flag(s) set', OSD_DOWN: '1 osds down' },
      expected: ['OSD_DOWN redundancy'],
    },
    {
      health: 'HEALTH_WARN',
      details: { OSDMAP_FLAGS: 'pauserd,pausewr,noout flag(s) set' },
      expected: ['OSDMAP_FLAGS redundancy'],
    },
    { health: 'HEALTH_ERR', details: { PG_DAMAGED: 'Possible data damage' }, expected: ['PG_DAMAGED data'] },
    {
      health: 'HEALTH_WARN',
      details: { PG_AVAILABILITY: 'Reduced data availability: 1 pg inactive' },
      expected: ['PG_AVAILABILITY data'],
    },
    // The last copies may be on any node.
    {
      health: 'HEALTH_WARN',
      details: { PG_DEGRADED: 'Degraded data redundancy: 3 pgs degraded' },
      expected: ['PG_DEGRADED unknown'],
    },
    {
      health: 'HEALTH_WARN',
      details: { RECENT_CRASH: '1 daemons have recently crashed' },
      expected: ['RECENT_CRASH nothing'],
    },
    { health: 'HEALTH_WARN', details: { PG_NOT_DEEP_SCRUBBED: '3 pgs' }, expected: ['PG_NOT_DEEP_SCRUBBED nothing'] },
    {
      health: 'HEALTH_ERR',
      details: { MGR_MODULE_ERROR: 'Module dashboard has failed' },
      expected: ['MGR_MODULE_ERROR nothing'],
    },
    // What Ceph calls an error is no trifle, whatever it is about.
    { health: 'HEALTH_ERR', details: { TOO_MANY_PGS: 'too many' }, expected: ['TOO_MANY_PGS redundancy'] },
    { health: 'HEALTH_WARN', details: { OSD_NEARFULL: '1 nearfull osd(s)' }, expected: ['OSD_NEARFULL redundancy'] },
    // Of newer releases; what nobody here knows keeps nodes, and can be accepted.
    {
      health: 'HEALTH_WARN',
      details: {
        BLUESTORE_SLOW_OP_ALERT: '2 OSD(s) experiencing slow operations in BlueStore',
        BLUESTORE_FREE_FRAGMENTATION: '1 OSD(s)',
        OSD_UPGRADE_FINISHED: 'all OSDs are running squid or later but require_osd_release < squid',
        DB_DEVICE_STALLED_READ_ALERT: '1 OSD(s) experiencing stalled read in db device of BlueFS',
        MON_NETSPLIT: 'Netsplit detected between a and b',
      },
      expected: [
        'BLUESTORE_SLOW_OP_ALERT nothing',
        'BLUESTORE_FREE_FRAGMENTATION nothing',
        'OSD_UPGRADE_FINISHED nothing',
        'DB_DEVICE_STALLED_READ_ALERT redundancy',
        'MON_NETSPLIT redundancy',
      ],
    },
    {
      health: 'HEALTH_WARN',
      details: { MON_DOWN: '1/3 mons down', MON_CLOCK_SKEW: 'skew' },
      expected: ['MON_DOWN redundancy', 'MON_CLOCK_SKEW redundancy'],
    },
    { health: 'HEALTH_WARN', details: { SOMETHING_NEW: 'of a later release' }, expected: ['SOMETHING_NEW redundancy'] },
    { health: 'HEALTH_WARN', details: { constructor: 'not one of ours' }, expected: ['constructor redundancy'] },
    { health: 'HEALTH_WARN', expected: ['HEALTH_WARN redundancy'] },
    { health: 'HEALTH_ERR', expected: ['HEALTH_ERR data'] },
    { health: 'HEALTH_ERR', details: { RECENT_CRASH: 'WARN' }, expected: ['RECENT_CRASH nothing', 'HEALTH_ERR data'] },
    { health: 'HEALTH_ODD', expected: ['HEALTH_ODD unknown'] },
    { health: '', expected: ['home unknown'] },
  ])('that says $health', async ({ health, details = {}, expected }) => {
    ceph(health, details)
    const { systems, unwell, lastReplicas } = await storage()
    expect([systems, lastReplicas.size]).toEqual([['ceph'], 0])
    expect(unwell.map(({ name, endangers }) => `${name} ${endangers}`)).toEqual(expected)
  })

  test('names its cluster and says what it says', async () => {
    ceph('HEALTH_WARN', { OSD_DOWN: '1 osds down' })
    expect((await storage()).unwell).toMatchObject([
      { text: 'ceph cluster rook-ceph/home is HEALTH_WARN: OSD_DOWN 1 osds down' },
    ])
  })

  test('is no system of a cluster where only Rook’s operator runs', async () => {
    at.lab.defineCustom(cephClusters)
    expect((await storage()).systems).toEqual([])
  })
})
