import { expect, test } from 'vitest'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { low, onBattery, online, three } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'
import { patience } from '../patience.ts'

const power = { shutdownTimeout: '200ms', onBatteryAfter: '5s' }
const running = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)

/** A homelab whose agent was killed as it began to drain, with its UPSes under these labels. */
async function killedWhileDraining(...upses: string[]): Promise<FakeHomelab> {
  const homelab = fakeHomelab(three, { upses })
  const first = startAgent(homelab, { upses, power })
  homelab.before = async (entry: string) => {
    if (entry.startsWith('drain ')) first.die()
  }
  for (const label of upses) await first.reads(online, 1_000, label)
  await first.reads(low, 1_000, upses[0])
  await waitFor('the agent to be killed', 5_000, () => homelab.diary.some((entry) => entry.startsWith('cordon ')))
  void first.agent.stop()
  homelab.before = undefined
  expect(running(homelab)).toHaveLength(5)
  return homelab
}

test.each(['ups', 'rack'])('a shutdown goes on after a restart where the UPS is called %s now', async (label) => {
  const homelab = await killedWhileDraining('ups')
  await using it = startAgent(homelab, { upses: [label], power })
  // Its battery is no longer low: only that a shutdown was under way tells that it ends.
  await it.reads(onBattery, 1_000, label)
  await expect.poll(() => running(homelab), patience).toEqual([])
})
