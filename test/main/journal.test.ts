import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { reportDamage, settleDamage } from '../../src/main/journal-damage.ts'
import { openJournalAndAlerts } from '../../src/main/journal.ts'
import { remembered } from '../../src/operations/facts.ts'
import { outageOf } from '../core/power/outages.ts'
import { silentLog } from '../fakes/log.ts'
import { temporaryFolder } from '../lab/process.ts'
import { whileWritten } from '../adapters/journal/recovery.ts'

const outage = outageOf(new Date('2026-11-22T10:00:00Z'), ['cp-1'], new Set(['cp-1']))

/** What was asked to be done in a moment is done. */
const aMoment = () => new Promise((resolve) => setImmediate(resolve))

test('an outage that can not be read is a critical alert, until the next start', async () => {
  await using folder = await temporaryFolder()
  {
    const { journal } = openJournalAndAlerts(folder.path, silentLog)
    journal.saveOutage(outage)
    journal[Symbol.dispose]()
    using database = new DatabaseSync(join(folder.path, 'journal.db'))
    database.exec(`UPDATE records SET value = '{}' WHERE kind = 'outage'`)
  }
  const alertsAtStart = async () => {
    const { journal, alerts } = openJournalAndAlerts(folder.path, silentLog)
    using _ = journal
    expect(journal.openOutage()).toBeUndefined()
    await aMoment()
    return alerts.all
  }
  expect(await alertsAtStart()).toEqual([
    expect.objectContaining({
      id: 'journal.set-aside:outage 2026-11-22T10:00:00.000Z',
      severity: 'critical',
      text: expect.stringMatching(/startedAt/),
    }),
  ])
  expect(await alertsAtStart()).toEqual([])
})

test.each([
  { when: 'nothing is under way', open: undefined },
  { when: 'an outage has begun since then', open: outage },
])('that a journal was lost is not forgotten where that can not be read itself, and $when', async ({ open }) => {
  await using folder = await temporaryFolder()
  {
    const { journal } = openJournalAndAlerts(folder.path, silentLog)
    remembered.lost.remember(journal, { at: '2026-11-22T10:00:00.000Z', why: 'file is not a database' })
    if (open) journal.saveOutage(open)
    journal[Symbol.dispose]()
    using database = new DatabaseSync(join(folder.path, 'journal.db'))
    database.exec(`UPDATE records SET value = '{' WHERE kind = 'fact.journal.lost'`)
  }
  const { journal, alerts } = openJournalAndAlerts(folder.path, silentLog)
  using _ = journal
  expect(remembered.lost.recall(journal)).toBeUndefined()
  await aMoment()
  expect(alerts.all).toMatchObject([{ id: 'journal.set-aside:fact.journal.lost', severity: 'critical' }])
  expect(remembered.lost.recall(journal)?.why).toMatch(/JSON/)
})

test('a disk that does not take the journal is a critical alert until it does', async () => {
  await using folder = await temporaryFolder()
  const { journal, alerts } = openJournalAndAlerts(folder.path, silentLog)
  using _ = journal
  const other = new DatabaseSync(join(folder.path, 'journal.db'))
  other.exec('BEGIN IMMEDIATE')
  journal.saveOutage(outage)
  await aMoment()
  expect(alerts.all).toEqual([
    expect.objectContaining({ id: 'journal.degraded', severity: 'critical', text: expect.stringMatching(/locked/) }),
  ])
  other.exec('ROLLBACK')
  other.close()
  await whileWritten(journal, () => alerts.all, 5_000).toEqual([])
  expect(journal.openOutage()).toEqual(outage)
})

test('a disk that fails in a quiet hour is noticed by what waits for it, and so is that it works again', async () => {
  await using folder = await temporaryFolder()
  const { journal, alerts } = openJournalAndAlerts(folder.path, silentLog)
  using _ = journal
  journal.beginRun('watch-releases')
  const other = new DatabaseSync(join(folder.path, 'journal.db'))
  other.exec('BEGIN IMMEDIATE')
  expect(journal.degraded).toBeUndefined()
  journal.flush()
  await aMoment()
  expect(alerts.all.map(({ id }) => id)).toEqual(['journal.degraded'])
  other.exec('ROLLBACK')
  other.close()
  await expect
    .poll(() => {
      journal.flush()
      return alerts.all
    })
    .toEqual([])
})

/** Starts on this state directory, and answers the alerts of that start. */
async function alertsOf(path: string, now = new Date(), isExpected = true) {
  const { journal, alerts } = openJournalAndAlerts(path, silentLog, () => now, isExpected)
  using _ = journal
  await aMoment()
  return alerts.all
}

/** Takes the log along, where what is in the file may be as well. */
function spoil(path: string, damage: (file: string) => void): void {
  for (const ending of ['-wal', '-shm']) rmSync(join(path, `journal.db${ending}`), { force: true })
  damage(join(path, 'journal.db'))
}

test.each([
  { what: 'nothing could be read', damage: (file: string) => writeFileSync(file, 'x'.repeat(9_000)), keeps: 1 },
  { what: 'the file was gone', damage: (file: string) => rmSync(file), keeps: 0 },
])('of two losses of the journal both stay known: $what the second time', async ({ damage, keeps }) => {
  await using folder = await temporaryFolder()
  await alertsOf(folder.path, new Date(), false)
  spoil(folder.path, (file) => writeFileSync(file, 'y'.repeat(9_000)))
  const [first] = await alertsOf(folder.path, new Date('2026-11-22T10:00:00Z'))
  expect(first).toMatchObject({ id: 'journal.damaged:journal.db.damaged-2026-11-22T10-00-00Z', severity: 'critical' })
  spoil(folder.path, damage)
  const alerts = await alertsOf(folder.path, new Date('2026-11-22T11:00:00Z'))
  expect(alerts).toHaveLength(2)
  const files = readdirSync(folder.path).filter((name) => name.includes('.damaged-'))
  expect(files).toHaveLength(1 + keeps)
  for (const file of files)
    expect(alerts).toContainEqual(
      expect.objectContaining({
        id: `journal.damaged:${file}`,
        action: expect.stringContaining(`Remove ${join(folder.path, file)} to settle this alert`),
      }),
    )
  // Also after another start, until a person has removed the files.
  expect(await alertsOf(folder.path)).toHaveLength(2)
  for (const file of files) rmSync(join(folder.path, file))
  expect(await alertsOf(folder.path, new Date('2026-11-22T12:00:00Z'))).toHaveLength(1 - keeps)
  expect(await alertsOf(folder.path, new Date('2026-11-30T12:00:00Z'))).toEqual([])
})

test('a journal that is replaced without a loss is no critical alert, and settles by itself', async () => {
  await using folder = await temporaryFolder()
  const at = new Date('2026-11-22T10:00:00Z')
  const { journal, alerts } = openJournalAndAlerts(folder.path, silentLog, () => at)
  using _ = journal
  const damage = { why: 'file is not a database', keptAs: undefined, recovered: [], isWhole: true }
  reportDamage({ alerts, journal, directory: folder.path, now: at }, damage)
  expect(alerts.all).toMatchObject([
    {
      severity: 'warning',
      text: expect.stringMatching(/: nothing is lost$/),
      action: expect.stringMatching(/after a week$/),
    },
  ])
  settleDamage({ alerts, directory: folder.path }, new Date('2026-11-28T10:00:00Z'))
  expect(alerts.all).toHaveLength(1)
  settleDamage({ alerts, directory: folder.path }, new Date('2026-11-29T11:00:00Z'))
  expect(alerts.all).toEqual([])
})

test('what a loss has left behind outlives a restart, and what is about the file as it was read is told anew', async () => {
  await using folder = await temporaryFolder()
  const ids = ['journal.unmarked', 'journal.ordered', 'journal.storage', 'journal.degraded'] as const
  const start = () => openJournalAndAlerts(folder.path, silentLog)
  {
    const { journal, alerts } = start()
    using _ = journal
    for (const id of ids) alerts.open(id, { severity: 'warning', subject: 'w-1', text: id })
  }
  const { journal, alerts } = start()
  using _ = journal
  expect(alerts.all.map(({ id }) => id).toSorted()).toEqual(['journal.ordered', 'journal.unmarked'])
})
