import { expect, test } from 'vitest'
import type { StorageWarning } from '../../src/core/cluster/cluster.ts'
import { english } from '../../src/core/wording.ts'
import { phase } from '../../src/core/plan.ts'
import { carryOut } from '../../src/engine/carry-out.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { silentLog } from '../fakes/log.ts'

const degraded: StorageWarning = { name: 'pvc-1', text: 'volume pvc-1 is degraded', endangers: 'redundancy' }
const crash: StorageWarning = { name: 'RECENT_CRASH', text: 'RECENT_CRASH', endangers: 'nothing' }
const faulted: StorageWarning = { name: 'pvc-2', text: 'volume pvc-2 is faulted', endangers: 'data' }

/** Undefined where storage was waited for with success, else why not. */
async function wait(unwell: readonly StorageWarning[], until: number | undefined): Promise<string | undefined> {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  homelab.storage = { systems: ['longhorn'], unwell, lastReplicas: new Map() }
  const accepted = until === undefined ? {} : { accepted: ['pvc-1', 'pvc-2'].map((name) => ({ name, until })) }
  const options = {
    inventory: [],
    log: silentLog,
    signal: new AbortController().signal,
    pollEvery: 1,
    wording: english,
  }
  const plan = [phase('await-storage', [], { do: 'await-storage', within: 40, ...accepted })]
  return carryOut(plan, homelab.ports, options).then(
    () => undefined,
    (error: unknown) => String(error),
  )
}
const tomorrow = Date.now() + 86_400_000

test.each<[string, readonly StorageWarning[], number | undefined, string | undefined]>([
  ['what endangers nothing', [crash], undefined, undefined],
  ['what is accepted', [crash, degraded], tomorrow, undefined],
  ['copies that are missing', [crash, degraded], undefined, 'volume pvc-1 is degraded'],
  ['what was accepted once', [degraded], Date.now() - 1, 'volume pvc-1 is degraded'],
  ['data in danger, whatever is accepted', [degraded, faulted], tomorrow, 'volume pvc-2 is faulted'],
])('workloads come back after storage: %s', async (_, unwell, until, reason) => {
  const error = await wait(unwell, until)
  expect(error?.replace(/^.* for storage to be whole: /, '')).toBe(reason)
})
