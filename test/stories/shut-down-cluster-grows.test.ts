import { expect, test } from 'vitest'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { low, onBattery, online } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

// What fails, and what does not any more, while machines of another UPS are on their way down.

const three = { 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker' } as const
const upses = ['rack', 'shelf'] as const
const orders = ({ diary }: FakeHomelab) => diary.filter((entry) => /^(drain|shut-down) /.test(entry))

/** The worker w-1 hangs on the rack, and everything else on the shelf. */
function start() {
  const homelab = fakeHomelab(three, { upses })
  const it = startAgent(homelab, { upses, node: (name) => ({ feed: { any: [name === 'w-1' ? 'rack' : 'shelf'] } }) })
  const reads = (ups: string, ...said: readonly (typeof low | typeof online | typeof onBattery)[]) =>
    said.reduce((before, one) => before.then(() => it.reads(one, 1_000, ups)), Promise.resolve())
  /** Does something once, right before this entry of the diary. */
  const before = (entry: string, then: () => Promise<void>) => {
    homelab.before = async (next) => {
      if (next !== entry) return
      homelab.before = undefined
      await then()
    }
  }
  return { homelab, it, reads, before }
}

test('machines whose power fails meanwhile are drained and go down with the others, in their order', async () => {
  const { homelab, it, reads, before } = start()
  await using _ = it
  await reads('shelf', online)
  before('drain w-1', () => reads('shelf', onBattery, low))
  await reads('rack', online, onBattery, low)
  await waitFor('everything to be off', 5_000, () => homelab.ports.journal.openOutage()?.stage === 'stopped')
  await it.agent.idle()
  const all = orders(homelab)
  const downs = all.filter((entry) => entry.startsWith('shut-down'))
  expect(downs.slice(0, 2).toSorted()).toEqual(['shut-down w-1', 'shut-down w-2'])
  expect(downs.slice(2)).toEqual(['shut-down cp-1'])
  expect(all.slice(0, all.indexOf(downs[0]!))).toContain('drain w-2')
})

test('machines whose power is back meanwhile are left alone, and the others go down', async () => {
  const { homelab, it, reads, before } = start()
  await using _ = it
  await reads('shelf', online, onBattery)
  before('drain w-2', async () => {
    await it.reads(online, 1_000, 'shelf')
    await it.reads(online, 600_000, 'shelf')
  })
  await reads('rack', online, onBattery, low)
  await reads('shelf', low)
  await waitFor('the worker to be off', 5_000, () => !homelab.machine('w-1').up)
  await it.agent.idle()
  expect(orders(homelab).filter((entry) => entry.startsWith('shut-down'))).toEqual(['shut-down w-1'])
  expect([homelab.machine('cp-1').up, homelab.machine('w-2').up]).toEqual([true, true])
})
