import { expect, test } from 'vitest'
import type { Kubernetes } from '../../src/core/cluster/ports.ts'
import type { ScaledWorkload } from '../../src/core/cluster/workload.ts'
import { refusal } from '../adapters/refusal.ts'
import { soon } from '../patience.ts'

type Workload = Pick<ScaledWorkload, 'kind' | 'namespace' | 'name'>

/** A cluster of which the power can be taken, with no workloads and no storage systems yet. */
export interface PowerlessKubernetes extends AsyncDisposable {
  readonly kubernetes: Kubernetes
  add(workload: ScaledWorkload, labels: Readonly<Record<string, string>>): Promise<void>
  /** What a person does with kubectl. */
  scaleByHand(workload: Workload, replicas: number): Promise<void>
  replicasOf(workload: Workload): Promise<number>
  /** Longhorn as it is installed, and a Ceph of Rook's with its toolbox, where somebody has set `noout` already. */
  addStorage(): Promise<void>
  /** Some of Ceph's placement groups have missed writes, as after a power cut. */
  loseWrites(): Promise<void>
  /** The API server does not allow Caretaker to evict pods, and set storage systems' settings. */
  deny(): Promise<void>
}

const web: ScaledWorkload = { kind: 'Deployment', namespace: 'media', name: 'films', replicas: 2 }
const db: ScaledWorkload = { kind: 'StatefulSet', namespace: 'apps', name: 'db', replicas: 3 }
const backup: ScaledWorkload = { kind: 'CronJob', namespace: 'media', name: 'backup', replicas: 1 }
const batch = { tier: 'batch' }

/** What the agent relies on in the Kubernetes API before and after a power cut. */
export function kubernetesPowerContract(open: () => Promise<PowerlessKubernetes>): void {
  async function withWorkloads(): Promise<PowerlessKubernetes> {
    const at = await open()
    for (const one of [web, db, backup]) await at.add(one, batch)
    await at.add({ ...web, name: 'photos' }, { tier: 'front' })
    return at
  }

  test('tells which workloads are chosen and run, each once, by namespace and name', async () => {
    await using at = await withWorkloads()
    await at.add({ ...web, name: 'asleep', replicas: 0 }, batch)
    await at.add({ ...backup, name: 'suspended', replicas: 0 }, batch)
    const { kubernetes } = at
    const both = [{ selector: 'tier=batch' }, { selector: 'tier=batch', namespace: 'media' }]
    expect(await kubernetes.scalable(both, soon())).toEqual([db, backup, web])
    expect(await kubernetes.scalable([both[1]!], soon())).toEqual([backup, web])
    expect(await kubernetes.scalable([{ selector: 'tier=batch,more=no' }], soon())).toEqual([])
    expect(await kubernetes.scalable([], soon())).toEqual([])
  })

  test('names a selector that is none', async () => {
    await using at = await open()
    for (const selector of ['tier=a=b', ''])
      expect(await refusal(at.kubernetes.scalable([{ selector: 'a=b' }, { selector }], soon()))).toMatchObject({
        code: 'misconfigured',
        message: expect.stringContaining(selector || 'empty'),
      })
  })

  test.each([web, db, backup])('scales a $kind to nothing and back, as often as it is asked', async (workload) => {
    await using at = await withWorkloads()
    const { kubernetes } = at
    for (let times = 0; times < 2; times++) await kubernetes.scale(workload, 0, soon())
    expect(await at.replicasOf(workload)).toBe(0)
    expect(await kubernetes.scalable([{ selector: 'tier=batch' }], soon())).not.toContainEqual(workload)
    for (let times = 0; times < 2; times++) await kubernetes.scale(workload, workload.replicas, soon())
    expect(await at.replicasOf(workload)).toBe(workload.replicas)
    expect(await kubernetes.scalable([{ selector: 'tier=batch' }], soon())).toEqual([db, backup, web])
  })

  test('leaves what somebody has put back meanwhile as it is', async () => {
    await using at = await withWorkloads()
    await at.kubernetes.scale(db, 0, soon())
    await at.scaleByHand(db, 1)
    await at.kubernetes.scale(db, 3, soon())
    expect(await at.replicasOf(db)).toBe(1)
  })

  test('has nothing to scale where the workload is gone', async () => {
    await using at = await open()
    for (const { kind } of [web, db, backup])
      for (const replicas of [0, 3])
        expect(await at.kubernetes.scale({ kind, namespace: 'none', name: 'none' }, replicas, soon())).toBeUndefined()
  })

  test('knows of no storage settings where there are no storage systems', async () => {
    await using at = await open()
    expect(await at.kubernetes.storageSettings(soon())).toEqual([])
    for (const system of ['longhorn', 'ceph'] as const)
      expect(await at.kubernetes.setStorage({ system, namespace: 'x', name: 'noout' }, 'set', soon())).toBeUndefined()
  })

  test('tells what is to be set, sets it and sets it back, as often as it is asked', async () => {
    await using at = await open()
    await at.addStorage()
    const { kubernetes } = at
    const longhorn = { system: 'longhorn', namespace: 'longhorn-system' }
    const ceph = { system: 'ceph', namespace: 'rook-ceph', before: 'unset', during: 'set' }
    const settings = await kubernetes.storageSettings(soon())
    expect(settings).toEqual([
      { ...longhorn, name: 'concurrent-replica-rebuild-per-node-limit', before: '5', during: '0' },
      { ...longhorn, name: 'node-drain-policy', before: 'block-if-contains-last-replica', during: 'always-allow' },
      { ...longhorn, name: 'replica-replenishment-wait-interval', before: '600', during: '3600' },
      { ...ceph, name: 'nobackfill' },
      { ...ceph, name: 'norecover' },
      { ...ceph, name: 'norebalance' },
    ])
    for (const setting of [...settings, ...settings]) await kubernetes.setStorage(setting, setting.during, soon())
    expect(await kubernetes.storageSettings(soon())).toEqual([])
    for (const setting of [...settings, ...settings]) await kubernetes.setStorage(setting, setting.before, soon())
    expect(await kubernetes.storageSettings(soon())).toEqual(settings)
  })

  test('has nothing that is not whole where all is well, and where there are no storage systems', async () => {
    await using at = await open()
    expect(await at.kubernetes.unhealed(soon())).toEqual([])
    await at.addStorage()
    await expect.poll(() => at.kubernetes.unhealed(soon())).toEqual([])
  })

  test('says what lacks copies, until it is repaired, which a flag suspends', async () => {
    await using at = await open()
    await at.addStorage()
    await expect.poll(() => at.kubernetes.unhealed(soon())).toEqual([])
    const flag = { system: 'ceph', namespace: 'rook-ceph', name: 'norecover' } as const
    await at.kubernetes.setStorage(flag, 'set', soon())
    await at.loseWrites()
    for (let look = 0; look < 5; look++)
      expect(await at.kubernetes.unhealed(soon())).toEqual([
        { name: 'PG_DEGRADED', text: expect.stringContaining('active+undersized+degraded'), endangers: 'unknown' },
      ])
    await at.kubernetes.setStorage(flag, 'unset', soon())
    await expect.poll(() => at.kubernetes.unhealed(soon())).toEqual([])
  })

  test('tells what we may not do', async () => {
    await using at = await open()
    expect(await at.kubernetes.forbidden(soon())).toEqual([])
    await at.addStorage()
    expect(await at.kubernetes.forbidden(soon())).toEqual([])
    await at.deny()
    const denied = ['evict pods', "change Longhorn's settings", "set Ceph's flags"]
    expect(await at.kubernetes.forbidden(soon())).toEqual(denied)
  })

  test('neither scales nor sets anything for who has called it off', async () => {
    await using at = await withWorkloads()
    await at.addStorage()
    const { kubernetes } = at
    const off = AbortSignal.abort()
    const settings = await kubernetes.storageSettings(soon())
    for (const call of [
      kubernetes.scalable([{ selector: 'tier=batch' }], off),
      kubernetes.scale(web, 0, off),
      kubernetes.storageSettings(off),
      ...settings.map((setting) => kubernetes.setStorage(setting, setting.during, off)),
      kubernetes.forbidden(off),
    ])
      expect((await refusal(call)).retryable).toBe(true)
    expect(await at.replicasOf(web)).toBe(2)
    expect(await kubernetes.storageSettings(soon())).toEqual(settings)
  })
}
