import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openJournalAndAlerts } from '../../src/main/journal.ts'
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
