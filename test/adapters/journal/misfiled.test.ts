import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { deliveryKind } from '../../../src/core/notify/delivery.ts'
import { lastNumber } from '../../../src/core/records.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { filledFolder, outage } from './filled.ts'

/** Changes a journal as damage does that SQLite can't see: each page of it is sound. */
function change(folder: string, sql: string): void {
  using database = new DatabaseSync(join(folder, 'journal.db'))
  database.exec(sql)
}

const add = (kind: string, key: string, value: unknown, open = 1) =>
  `INSERT OR REPLACE INTO records VALUES ('${kind}', '${key}', ${open}, ${Date.now()}, '${JSON.stringify(value)}')`

describe('a record under a key that is not its own', () => {
  test('is set aside: an outage would be saved beside it, and never end', async () => {
    await using folder = await filledFolder()
    change(folder.path, `UPDATE records SET key = '2027' || substr(key, 5) WHERE kind = 'outage'`)
    const told: string[] = []
    using journal = openJournal(folder.path, { onSetAside: (kind, key, why) => told.push(`${kind} ${key}: ${why}`) })
    expect(journal.openOutage()).toBeUndefined()
    expect(told).toEqual(['outage 2027-11-26T10:00:00.000Z: it is the record of 2026-11-26T10:00:00.000Z'])
    journal.saveOutage({ ...outage, stage: 'over' })
    expect(journal.openOutage()).toBeUndefined()
  })

  test.each(['zzz', '9999999999999', '999999999999', '0x00000000ff', '1e5', '-00000000001', ''])(
    '%j gives no number to those that come after it',
    async (key) => {
      await using folder = await filledFolder()
      const entry = { id: 7, at: '2026-11-26T10:00:00.000Z', kind: 'event', text: 'x' }
      change(folder.path, add('entry', key, entry, 0))
      change(folder.path, add('delivery', key, {}, 0))
      {
        using journal = openJournal(folder.path, { onDamaged: () => {} })
        journal.write({ kind: 'event', text: 'one' })
        expect(lastNumber(journal.records(deliveryKind))).toBe(0)
      }
      using journal = openJournal(folder.path, { onDamaged: () => {} })
      journal.write({ kind: 'event', text: 'two' })
      expect(journal.entries(3).map(({ id, text }) => [id, text.slice(0, 3)])).toEqual([
        [402, 'two'],
        [401, 'one'],
        [400, '399'],
      ])
    },
  )
})

test('a record that is kept as open, and says that it is over, is over', async () => {
  await using folder = await temporaryFolder()
  {
    using journal = openJournal(folder.path)
    journal.saveOutage({ ...outage, stage: 'over' })
  }
  change(folder.path, `UPDATE records SET open = 1`)
  using journal = openJournal(folder.path)
  expect(journal.openOutage()).toBeUndefined()
  expect(journal.outages(1)).toHaveLength(1)
  using reader = openJournal(folder.path, { readOnly: true })
  expect(reader.openOutage()).toBeUndefined()
})

const until = { 'fact.rollout.openUntil': 1e300, 'fact.rollout.blocked': { 'w-1': { until: 8.64e15, why: 'x' } } }

test.each([
  { kind: 'fact.rollout.openUntil', value: until['fact.rollout.openUntil'], recall: remembered.openUntil.recall },
  { kind: 'fact.rollout.blocked', value: until['fact.rollout.blocked'], recall: remembered.blocked.recall },
  {
    kind: 'fact.rollout.windowWaits',
    value: { closesAt: -1e16, reason: 'x' },
    recall: remembered.windowWaits.recall,
  },
  { kind: 'fact.power.ordered', value: '5', recall: remembered.ordered.recall },
  { kind: 'fact.power.ordered', value: '+275760-09-13T00:00:00.000Z', recall: remembered.ordered.recall },
])('$kind of $value is no time to anybody', async ({ kind, value, recall }) => {
  await using folder = await filledFolder()
  change(folder.path, add(kind, '', value))
  const told: string[] = []
  using journal = openJournal(folder.path, { onSetAside: (name) => told.push(name) })
  expect(recall(journal)).toBeUndefined()
  expect(told).toEqual([kind])
})
