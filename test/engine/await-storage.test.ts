import { expect, test } from 'vitest'
import type { StorageWarning } from '../../src/core/cluster/cluster.ts'
import { english } from '../../src/core/wording.ts'
import { phase } from '../../src/core/plan.ts'
import { carryOut } from '../../src/engine/carry-out.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import { silentLog } from '../fakes/log.ts'

const degraded: StorageWarning = { name: 'pvc-1', text: 'volume pvc-1 is degraded', endangers: 'redundancy' }
const crash: StorageWarning = { name: 'RECENT_CRASH', text: 'RECENT_CRASH', endangers: 'nothing' }
const faulted: StorageWarning = { name: 'pvc-2', text: 'volume pvc-2 is faulted', endangers: 'data' }

/** Undefined where storage was waited for with success, else why not within so many ms. */
function wait(
  unwell: readonly StorageWarning[],
  until: number | undefined,
  within: number,
): Promise<string | undefined> {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  homelab.storage = { systems: ['longhorn'], unwell, lastReplicas: new Map() }
  return waitAt(
    homelab,
    within,
    until === undefined ? {} : { accepted: ['pvc-1', 'pvc-2'].map((name) => ({ name, until })) },
  )
}

function waitAt(homelab: FakeHomelab, within: number, accepted: object = {}): Promise<string | undefined> {
  const options = {
    inventory: [],
    log: silentLog,
    signal: new AbortController().signal,
    pollEvery: 1,
    wording: english,
  }
  const plan = [phase('await-storage', [], { do: 'await-storage', within, ...accepted })]
  return carryOut(plan, homelab.ports, options).then(
    () => undefined,
    (error: unknown) => String(error),
  )
}
const tomorrow = Date.now() + 86_400_000

test.each<{ name: string; unwell: readonly StorageWarning[]; until?: number; reason: string | undefined }>([
  { name: 'nothing', unwell: [], reason: undefined },
  { name: 'what endangers nothing', unwell: [crash], reason: undefined },
  { name: 'what is accepted', unwell: [crash, degraded], until: tomorrow, reason: undefined },
  { name: 'copies that are missing', unwell: [crash, degraded], reason: 'volume pvc-1 is degraded' },
  { name: 'what was accepted once', unwell: [degraded], until: Date.now() - 1, reason: 'volume pvc-1 is degraded' },
  {
    name: 'data in danger, whatever is accepted',
    unwell: [degraded, faulted],
    until: tomorrow,
    reason: 'volume pvc-2 is faulted',
  },
])('workloads come back after storage: $name', async ({ unwell, until, reason }) => {
  const error = await wait(unwell, until, reason === undefined ? 60_000 : 60)
  expect(error?.replace(/^.* for storage to be healthy: /, '')).toBe(reason)
})

test('data that lack copies become whole first, which they do not while a flag keeps them from it', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  const flag = { system: 'ceph', namespace: 'rook-ceph', name: 'norecover', during: 'set' } as const
  homelab.storageSettings.push({ ...flag, value: 'set' })
  homelab.healing = 3
  expect(await waitAt(homelab, 30)).toMatch(
    /healthy: placement groups are not whole yet: 3 active\+undersized\+degraded$/,
  )
  expect(homelab.healing).toBe(3)
  await homelab.ports.kubernetes.setStorage(flag, 'unset', new AbortController().signal)
  expect(await waitAt(homelab, 60_000)).toBeUndefined()
  expect(homelab.healing).toBe(0)
})

test('data that look whole once are looked at again: who reports them may have started a moment ago', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  const answers = [[], [], [degraded], [], [], []]
  let looks = 0
  homelab.ports.kubernetes.unhealed = async () => answers[looks++] ?? []
  expect(await waitAt(homelab, 60_000)).toBeUndefined()
  expect(looks).toBe(6)
})
