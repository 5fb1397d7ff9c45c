import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { newestFormat } from '../../../src/adapters/journal/migrations.ts'
import type { Journal } from '../../../src/core/journal.ts'
import { outageKind } from '../../../src/core/power/outage-kind.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { recall } from './facts.ts'

/**
 * What 0.1.0 left behind: it had brought w-1 and w-2 to v1.14.1 when a person paused w-3, and then rollouts, and was
 * killed when a power cut had it shut down w-2. It was written by 0.1.0 itself on its own fake homelab, with a clock
 * that went on by a second at each look.
 */
const former = new URL('journal-0.1.0.db', import.meta.url)

async function formerState() {
  const folder = await temporaryFolder()
  await copyFile(former, join(folder.path, 'journal.db'))
  return folder
}

function formatIn(directory: string): unknown {
  using database = new DatabaseSync(join(directory, 'journal.db'), { readOnly: true })
  return database.prepare('PRAGMA user_version').get()
}

function expectEverything(journal: Journal): void {
  expect(journal.openOutage()).toMatchObject({
    startedAt: expect.stringMatching(/^2026-10-03T09:/),
    reason: 'low-battery',
    stage: 'stopping',
    upses: ['ups'],
    nodes: {
      'cp-1': { wasUp: true, state: 'drained' },
      'w-1': { wasUp: true, state: 'shutdown-sent' },
      'w-2': { wasUp: true, state: 'shutdown-sent' },
      'w-3': { wasUp: true, state: 'drained' },
    },
  })
  expect(journal.openRollout()).toMatchObject({
    id: '2026-10-03T09:00:17.000Z',
    release: 'v1.14.1',
    nodes: {
      'w-1': { outcome: 'upgraded', tookMs: 19_000, from: 'v1.13.9' },
      'w-2': { outcome: 'upgraded', tookMs: 19_000, from: 'v1.13.9' },
    },
  })
  expect(Object.keys(journal.openRollout()!.nodes['w-1']!.phases)).toEqual(
    expect.arrayContaining(['cordon', 'drain', 'reboot', 'uncordon']),
  )
  expect(remembered.paused.recall(journal)).toBe('a guest is here')
  expect(remembered.target.recall(journal)).toBe('v1.14.1')
  expect(remembered.stagingRequests.recall(journal)).toEqual(['v1.14.0'])
  expect(remembered.drillRequest.recall(journal)).toEqual({ until: 'drain' })
  expect(remembered.drill.recall(journal)).toMatchObject({
    form: 'ordered',
    timeline: expect.arrayContaining([expect.objectContaining({ phase: 'drain' })]),
  })
  expect(journal.firstSeen([], 0).size).toBe(2)
  expect(journal.entries(100).map(({ text }) => text)).toContain('w-3 is not upgraded: its disk is being replaced')
  expect(journal.entries(100)).toHaveLength(46)
  expect(journal.runs(100).map(({ job }) => job)).toContain('upgrade-node')
  // What was told as a line is no alert that somebody could settle.
  expect(recall(journal, 'alert.wake')).toBeUndefined()
  expect(createAlerts(journal, () => new Date()).all).toEqual([])
}

describe('a state directory of 0.1.0', () => {
  test('is taken on with its open outage, its open rollout, its pauses and everything else', async () => {
    await using folder = await formerState()
    {
      using journal = openJournal(folder.path, { onSetAside: (...given) => expect.unreachable(given.join()) })
      expectEverything(journal)
    }
    expect(formatIn(folder.path)).toEqual({ user_version: newestFormat })
    using again = openJournal(folder.path)
    expectEverything(again)
    const [last] = again.entries(1)
    again.write({ kind: 'event', text: 'taken on' })
    expect(again.entries(1)[0]!.id).toBe(last!.id + 1)
  })

  test('is kept as it was, for whoever goes back', async () => {
    await using folder = await formerState()
    openJournal(folder.path)[Symbol.dispose]()
    const kept = join(folder.path, 'journal.db.format-0')
    expect((await stat(kept)).mode & 0o777).toBe(0o600)
    // And no copy is made of the next format.
    openJournal(folder.path)[Symbol.dispose]()
    expect((await readdir(folder.path)).toSorted()).toEqual(['journal.db', 'journal.db.format-0'])
    {
      using database = new DatabaseSync(join(folder.path, 'journal.db'))
      database.exec(`PRAGMA user_version = ${newestFormat + 1}`)
    }
    expect(() => openJournal(folder.path)).toThrow(
      `go back to the journal from before it (\`caretaker restore ${kept}\`)`,
    )
    await copyFile(kept, join(folder.path, 'journal.db'))
    using journal = openJournal(folder.path)
    expectEverything(journal)
  })

  test('is read by a reader alone, who leaves it as it is', async () => {
    await using folder = await formerState()
    {
      using reader = openJournal(folder.path, { readOnly: true })
      expectEverything(reader)
    }
    expect(formatIn(folder.path)).toEqual({ user_version: 0 })
  })

  test('is taken on wherever its agent was killed on the way', async () => {
    await using whole = await formerState()
    const total = JSON.parse(migrate(whole.path).stdout) as Record<'exec' | 'run', number>
    await using often = await formerState()
    // Before each statement that begins or ends something, and in the middle of some steps.
    const points = [
      ...Array.from({ length: total.exec }, (_, index) => ['exec', String(index + 1)] as const),
      ...[1, 20, total.run - 1].map((nth) => ['run', String(nth)] as const),
    ]
    expect(points.length).toBeGreaterThan(12)
    for (const point of points) {
      await using once = await formerState()
      expect(migrate(once.path, ...point).signal).toBe('SIGKILL')
      using journal = openJournal(once.path)
      expectEverything(journal)
    }
    // Killed again and again it comes further each time, or begins the step anew.
    for (let turn = 0; turn < 4; turn++) migrate(often.path, 'exec', '7')
    using journal = openJournal(often.path)
    expectEverything(journal)
  })
})

/** Another process opens the journal, and kills itself before the nth thing that it would do to the file. */
function migrate(directory: string, ...fatal: string[]) {
  const script = fileURLToPath(new URL('migrating-process.ts', import.meta.url))
  return spawnSync(process.execPath, [script, directory, ...fatal], { encoding: 'utf8' })
}

test('a file of before 0.1.0, without rollouts, is read and taken on with what it has', async () => {
  await using folder = await temporaryFolder()
  const outage = { startedAt: '2026-09-01T10:00:00.000Z', reason: 'low-battery', stage: 'draining', nodes: {} } as const
  {
    using database = new DatabaseSync(join(folder.path, 'journal.db'))
    database.exec('CREATE TABLE outages (startedAt TEXT PRIMARY KEY, open INTEGER NOT NULL, record TEXT NOT NULL)')
    database.prepare('INSERT INTO outages VALUES (?, 1, ?)').run(outage.startedAt, JSON.stringify(outage))
  }
  {
    using reader = openJournal(folder.path, { readOnly: true })
    expect([reader.openOutage(), reader.openRollout(), ...reader.rollouts(5)]).toEqual([outage, undefined])
  }
  using journal = openJournal(folder.path)
  expect(journal.openOutage()).toEqual(outage)
  expect(journal.records(outageKind).open()).toEqual([outage])
})

test.each([{ readOnly: true }, { readOnly: false }])(
  'a file of a newer release is refused in one line (%o)',
  async (how) => {
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'state')
    openJournal(state)[Symbol.dispose]()
    {
      using database = new DatabaseSync(join(state, 'journal.db'))
      database.exec(`PRAGMA user_version = ${newestFormat + 1}`)
    }
    expect(() => openJournal(state, how)).toThrow(
      expect.objectContaining({
        code: 'misconfigured',
        message: `${join(state, 'journal.db')} was written by a newer Caretaker (format ${newestFormat + 1}; this one reads up to ${newestFormat}): install that version, or restore a backup of this one (\`caretaker restore FILE\`)`,
      }),
    )
    expect(formatIn(state)).toEqual({ user_version: newestFormat + 1 })
  },
)

test('a file that is no database is refused, and stays as it is', async () => {
  await using folder = await temporaryFolder()
  const state = join(folder.path, 'state')
  await mkdir(state)
  await writeFile(join(state, 'journal.db'), 'not a database, but long enough to be taken for one '.repeat(50))
  expect(() => openJournal(state)).toThrow(expect.objectContaining({ code: 'misconfigured' }))
})
