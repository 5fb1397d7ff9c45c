import { access, constants, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import type { Journal } from '../../../src/core/journal.ts'
import { beginOutage, withMachines, withNodeState } from '../../../src/core/power/outage.ts'
import {
  beginRollout,
  endRollout,
  withNodeEnded,
  withNodeStarted,
  withPhase,
} from '../../../src/core/upgrade/record.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import type { TemporaryFolder } from '../../lab/process.ts'

const minute = 60_000
const day = 24 * 60 * minute
const nodes = Array.from({ length: 8 }, (_, index) => `node-${index + 1}`)

/** A folder in memory where there is one: a year has so many writes, and each waits for the disk. */
async function quickFolder(): Promise<TemporaryFolder> {
  const inMemory = '/dev/shm'
  const base = await access(inMemory, constants.W_OK).then(
    () => inMemory,
    () => tmpdir(),
  )
  const path = await mkdtemp(join(base, 'caretaker '))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** In bytes, with everything that SQLite keeps beside it. */
async function sizeOf(directory: string): Promise<number> {
  const sizes = (await readdir(directory)).map(async (file) => (await stat(join(directory, file))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

function blackOut(journal: Journal, at: Date): void {
  let outage = withMachines(beginOutage(at, 'low-battery'), nodes, new Set(nodes), new Set(nodes))
  for (const state of ['drained', 'shutdown-sent', 'off', 'wake-sent', 'back'] as const)
    for (const node of nodes) {
      outage = withNodeState(outage, node, state, at)
      journal.saveOutage(outage)
      journal.write({ kind: 'step', subject: node, text: `shut down ${node}: done` })
    }
  journal.saveOutage({ ...outage, stage: 'over', endedAt: at.toISOString() })
}

function rollOut(journal: Journal, release: string, at: Date): void {
  let rollout = beginRollout(release, at)
  for (const name of nodes) {
    rollout = withNodeStarted(rollout, { name, role: 'worker', from: 'v1.13.8' }, at)
    for (const phase of ['cordon', 'drain', 'install', 'reboot', 'uncordon'] as const) {
      rollout = withPhase(rollout, name, phase, 1_000)
      journal.saveRollout(rollout)
      journal.write({ kind: 'step', subject: name, text: `${phase} ${name}: done` })
    }
    rollout = withNodeEnded(rollout, name, { outcome: 'upgraded' }, at)
    journal.saveRollout(rollout)
  }
  journal.saveRollout(endRollout(rollout, 'done', at))
}

test('a year of a lively homelab stays small, with every outage, every rollout and every open alert', async () => {
  await using folder = await quickFolder()
  let clock = Date.parse('2026-01-01T00:00:00Z')
  const now = () => new Date(clock)
  const outages: string[] = []
  using journal = openJournal(folder.path, { now })
  const alerts = createAlerts(journal, now)
  alerts.open('node.armed:node-1', { severity: 'warning', subject: 'node-1', text: 'node-1 is armed' })
  for (let today = 0; today < 365; today++) {
    for (let turn = 0; turn < 144; turn++) {
      clock += 10 * minute
      // Every tenth run of this job comes to something else, as where a node comes and goes.
      journal.endRun(journal.beginRun('upgrade-node'), 'later', turn % 10 === 0 ? `cp-${turn} is not ready` : 'waiting')
      journal.endRun(journal.beginRun('stage-image'), 'done', 'v1.14.1 is staged')
    }
    // A UPS on a bad cable, and a node that comes and goes.
    for (let flap = 0; flap < 10; flap++) {
      alerts.open('ups.silent:rack', { severity: 'critical', subject: 'rack', text: `rack is silent: ${flap}` })
      journal.write({ kind: 'event', subject: 'node-1', text: 'node-1 no longer answers' })
      journal.write({ kind: 'event', subject: 'node-1', text: 'node-1 answers' })
      clock += minute
      alerts.settle('ups.silent:rack')
    }
    if (today % 30 === 0) {
      outages.push(now().toISOString())
      blackOut(journal, now())
    }
    if (today % 14 === 0) rollOut(journal, `v1.14.${today}`, now())
  }
  expect(journal.outages(100).map(({ startedAt }) => startedAt)).toEqual(outages.toReversed())
  expect(journal.rollouts(100)).toHaveLength(27)
  expect(alerts.all).toHaveLength(1)
  expect(alerts.settled(5_000).length).toBeGreaterThan(1_000)
  expect(journal.entries(100_000).length).toBeLessThanOrEqual(20_500)
  expect(journal.runs(100_000).length).toBeLessThanOrEqual(5_500)
  // Far below the fifty megabytes that it may have.
  expect(await sizeOf(folder.path)).toBeLessThan(20 * 2 ** 20)
})

test('what is older than its kind is kept for goes, and what is open stays however old it is', async () => {
  await using folder = await quickFolder()
  let clock = Date.parse('2026-01-01T00:00:00Z')
  const now = () => new Date(clock)
  const open = () => openJournal(folder.path, { now })
  {
    using journal = open()
    const alerts = createAlerts(journal, now)
    for (const id of ['ups.silent:settled', 'ups.silent:open'] as const)
      alerts.open(id, { severity: 'info', subject: 'w-1', text: id })
    alerts.settle('ups.silent:settled')
    journal.saveRollout(beginRollout('v1.14.1', now()))
    blackOut(journal, now())
  }
  clock += 500 * day
  // What is deleted at one start would be missed at the next.
  {
    using journal = open()
    createAlerts(journal, now)
  }
  using journal = open()
  const alerts = createAlerts(journal, now)
  expect([...alerts.all, ...alerts.settled(10)].map(({ id }) => id)).toEqual(['ups.silent:open'])
  expect(journal.entries(10)).toEqual([])
  expect([journal.openRollout()?.release, journal.outages(5).length]).toEqual(['v1.14.1', 1])
})

test('a journal that is flooded with long sentences stays bounded, and loses no outage by it', async () => {
  await using folder = await quickFolder()
  using journal = openJournal(folder.path)
  blackOut(journal, new Date('2026-01-01T00:00:00Z'))
  const flood = 'x'.repeat(20_000)
  for (let index = 0; index < 4_000; index++) journal.write({ kind: 'event', text: `${index} ${flood}` })
  expect(await sizeOf(folder.path)).toBeLessThan(50 * 2 ** 20)
  expect(journal.entries(1)[0]!.text).toMatch(/^3999 /)
  expect(journal.outages(5)).toHaveLength(1)
})
