import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openJournal } from '../../src/adapters/journal/journal.ts'
import { parseDuration } from '../../src/core/duration.ts'
import { jobs, startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { waitFor } from '../lab/daemon.ts'
import { temporaryFolder } from '../lab/process.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const two = { 'cp-1': 'controlplane', 'w-1': 'worker' } as const
const online = { status: ['OL'], charge: 100, runtime: 3_600_000 }

/** A homelab whose agent keeps its journal on a disk, with a count of what is written there. */
async function withDisk(agentOptions: Parameters<typeof startAgent>[1] = {}) {
  const folder = await temporaryFolder()
  let clock = Date.parse('2026-11-22T10:00:00Z')
  const now = () => new Date(clock)
  const journal = openJournal(folder.path, { now })
  const homelab = fakeHomelab(two, { versions: ['v1.13.9'] })
  Object.assign(homelab, { ports: { ...homelab.ports, journal } })
  const it = startAgent(homelab, { now, ...agentOptions })
  const watcher = new DatabaseSync(join(folder.path, 'journal.db'))
  return {
    homelab,
    it,
    journal,
    passes: (ms: number) => void (clock += ms),
    /** Another number after each transaction of anybody else (https://sqlite.org/pragma.html#pragma_data_version). */
    writes: () => (watcher.prepare('PRAGMA data_version').get() as { data_version: number }).data_version,
    [Symbol.asyncDispose]: async () => {
      await it[Symbol.asyncDispose]()
      watcher.close()
      journal[Symbol.dispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('a quiet hour with every schedule writes nothing to the disk', async () => {
  await using scene = await withDisk()
  const { it, journal, passes, writes } = scene
  const schedules = jobs.flatMap(({ name, triggers }) =>
    triggers.flatMap((trigger) => ('every' in trigger ? [{ name, every: parseDuration(trigger.every)! }] : [])),
  )
  expect(schedules.length).toBeGreaterThan(1)
  const anHour = async () => {
    for (let passed = 0; passed < hour; passed += 10 * second) {
      passes(10 * second)
      await it.reads(online, 10 * second)
      it.agent.noticeNode('w-1', true)
      for (const { name, every } of schedules) if (passed % every === 0) await it.run(name)
      await it.runQueue()
    }
    await it.agent.idle()
  }
  // What is new at the start is written down.
  await anHour()
  const before = writes()
  await anHour()
  expect(writes()).toBe(before)
  // People see all the same that it was looked.
  const [newest] = journal.runs(1)
  expect(Date.parse(newest!.endedAt!)).toBeGreaterThan(Date.parse('2026-11-22T11:30:00Z'))
})

test('an hour on battery after everything was shut down writes nothing to the disk', async () => {
  await using scene = await withDisk({ power: { shutdownTimeout: '100ms' } })
  const { it, homelab, journal, passes, writes } = scene
  const low = { status: ['OB', 'LB'], charge: 10, runtime: 60_000 }
  await it.reads(online)
  await it.reads(low, 5 * second)
  await waitFor('the shutdown', 10_000, () => journal.openOutage()?.stage === 'stopped')
  await waitFor('the farewell', 10_000, () => journal.openOutage()?.loggedOut === true)
  await it.agent.idle()
  const anHour = async () => {
    for (let passed = 0; passed < hour; passed += 30 * second) {
      passes(30 * second)
      await it.reads(low, 30 * second)
      await it.run('shut-down-cluster')
      await it.run('wake-cluster')
    }
  }
  await anHour()
  const before = writes()
  await anHour()
  expect(writes()).toBe(before)
  expect([...homelab.machines.values()].some(({ up }) => up)).toBe(false)
})

test('an agent that waits for another one’s Lease says so once in the journal', async () => {
  await using scene = await withDisk()
  const { it, homelab, journal, writes } = scene
  await it.reads(online)
  await it.run('watch-releases')
  // Renewed by its holder now and then, so what is left of it is another time at each look.
  const renew = (lasts: number) => {
    homelab.lease = { holder: 'another', purpose: 'recovery', lasts, until: Date.now() + lasts }
  }
  renew(minute)
  await it.run('upgrade-node')
  const before = writes()
  for (let turn = 0; turn < 20; turn++) {
    renew(minute - turn * second)
    await it.run('upgrade-node')
  }
  expect(writes()).toBe(before)
  expect(journal.runs(50).filter(({ job }) => job === 'upgrade-node')).toHaveLength(1)
  expect(journal.entries(50).filter(({ text }) => text.includes('another holds the Lease'))).toHaveLength(1)
})
