import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openMemory } from '../../../src/adapters/journal/database.ts'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { createWriteBehind } from '../../../src/adapters/journal/write-behind.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { outageOf } from '../../core/power/outages.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { whileWritten } from './recovery.ts'

/** What waits for a disk that takes nothing, `isFull` until it is said to be otherwise. */
function fullDisk({ stored = new Set<string>() } = {}) {
  const it = { isFull: true, givenUp: 0 }
  const disk = createWriteBehind(openMemory(), {
    onDegraded: () => {},
    onGivenUp: (count) => (it.givenUp = count),
    isStored: (_, key) => stored.has(key),
    beforeWrite: () => {
      if (it.isFull) throw new Error('database or disk is full')
    },
  })
  return Object.assign(it, { disk })
}

const row = (open: boolean, value = '{}') => ({ open, at: 0, value })
const size = (disk: ReturnType<typeof fullDisk>['disk'], ...kinds: string[]) =>
  kinds.flatMap((kind) => disk.of(kind)).length

describe('what waits for a disk that stays full', () => {
  test.each([
    { what: 'sentences', isExpendable: true },
    { what: 'settled alerts', isExpendable: false },
  ])('is bounded where it is $what', ({ isExpendable }) => {
    const it = fullDisk()
    it.disk.put({ kind: 'outage', key: 'open', row: row(true) }, 'now')
    for (let index = 0; index < 12_000; index++)
      it.disk.put(
        { kind: 'alert', key: `${index}`, row: row(false), isExpendable },
        index % 500 === 499 ? 'now' : 'later',
      )
    expect(size(it.disk, 'alert', 'outage')).toBeLessThanOrEqual(10_000)
    expect(it.disk.find('outage', 'open')).toBeDefined()
    expect(it.disk.find('alert', '11999')).toBeDefined()
    expect(it.disk.find('alert', '0')).toBeUndefined()
    it.isFull = false
    it.disk.flush()
    expect([it.givenUp, size(it.disk, 'alert', 'outage')]).toEqual([2_001, 0])
  })

  test('is bounded in bytes, too', () => {
    const it = fullDisk()
    const long = JSON.stringify('x'.repeat(100_000))
    for (let index = 0; index < 400; index++)
      it.disk.put({ kind: 'entry', key: `${index}`, row: row(false, long), isExpendable: true }, 'now')
    expect(size(it.disk, 'entry')).toBeLessThan(170)
    expect(it.disk.find('entry', '399')).toBeDefined()
  })

  test('never brings back what is over: of what the file still has open, that it goes is remembered', () => {
    const it = fullDisk({ stored: new Set(['0']) })
    for (let index = 0; index < 10_100; index++)
      it.disk.put({ kind: 'outage', key: `${index}`, row: row(false) }, index === 10_099 ? 'now' : 'later')
    expect(it.disk.find('outage', '0')).toEqual({ kind: 'outage', key: '0', row: undefined })
    expect(it.disk.find('outage', '1')).toBeUndefined()
  })
})

test('alerts that come and go for weeks while the journal is locked neither grow nor cost an outage', async () => {
  await using folder = await temporaryFolder()
  const told: number[] = []
  const outage = outageOf(new Date('2026-11-26T10:00:00Z'), ['cp-1'], new Set(['cp-1']))
  let clock = Date.parse('2026-11-26T10:00:00Z')
  using journal = openJournal(folder.path, { onGivenUp: (count) => told.push(count), now: () => new Date(clock) })
  const alerts = createAlerts(journal, () => new Date(clock))
  const other = new DatabaseSync(join(folder.path, 'journal.db'))
  other.exec('BEGIN IMMEDIATE')
  journal.saveOutage(outage)
  for (let turn = 0; turn < 11_000; turn++) {
    clock += 1_000
    alerts.open('ups.silent:rack', { severity: 'critical', subject: 'rack', text: `rack is silent: ${turn}` })
    alerts.settle('ups.silent:rack')
    remembered.news.remember(journal, `v1.14.${turn} soaks`)
  }
  expect(journal.degraded).toBeDefined()
  other.exec('ROLLBACK')
  other.close()
  await whileWritten(journal, () => journal.degraded, 20_000).toBeUndefined()
  expect(told).toHaveLength(1)
  using next = openJournal(folder.path, { readOnly: true })
  expect([next.openOutage(), remembered.news.recall(next)]).toEqual([outage, 'v1.14.10999 soaks'])
})
