import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { Damage } from '../../../src/adapters/journal/file.ts'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { expectLeft, expectToWork, fill, filledFolder, type Left, stopping } from './filled.ts'

async function overwrite(path: string, from: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, from)
  } finally {
    await file.close()
  }
}

/** The header of every page of the file but the first is gone. */
async function breakPages(path: string): Promise<void> {
  const { size } = statSync(path)
  for (let at = 4_096; at < size; at += 4_096) await overwrite(path, at, Buffer.alloc(64, 0xa5))
}

/** Where a page in the middle of the file begins that holds rows (type 13 of https://sqlite.org/fileformat2.html#b_tree_pages). */
async function findLeaf(path: string): Promise<number> {
  const bytes = await readFile(path)
  const pages = Array.from({ length: bytes.length / 4_096 }, (_, index) => index * 4_096)
  return pages.filter((at) => bytes[at] === 13).at(-10)!
}

function change(path: string, sql: string): void {
  using database = new DatabaseSync(path)
  database.exec(sql)
}

interface Sample {
  readonly how: string
  readonly damage: (path: string) => unknown
  /** What must be there afterwards. */
  readonly left: Left
  /** SQLite puts it right by itself. */
  readonly isHarmless?: true
}

const samples: readonly Sample[] = [
  { how: 'has a broken header', damage: (path) => overwrite(path, 0, Buffer.alloc(100, 7)), left: 'everything' },
  {
    how: 'has a broken magic',
    damage: (path) => overwrite(path, 0, Buffer.from('SQLite forgot 3')),
    left: 'everything',
  },
  { how: 'has a broken first page', damage: (path) => overwrite(path, 0, Buffer.alloc(4_096, 7)), left: 'everything' },
  { how: 'has broken pages', damage: breakPages, left: 'nothing' },
  { how: 'is empty', damage: (path) => truncate(path, 0), left: 'nothing' },
  { how: 'has one byte', damage: (path) => truncate(path, 1), left: 'nothing' },
  { how: 'has a header alone', damage: (path) => truncate(path, 100), left: 'nothing' },
  {
    how: 'is something else',
    damage: (path) => writeFile(path, 'state: /var/lib/caretaker\n'.repeat(500)),
    left: 'nothing',
  },
  { how: 'is zeros', damage: (path) => writeFile(path, Buffer.alloc(65_536)), left: 'nothing' },
  { how: 'is a directory', damage: (path) => rm(path).then(() => mkdir(path)), left: 'nothing' },
  { how: 'is a link to itself', damage: (path) => rm(path).then(() => symlink('journal.db', path)), left: 'nothing' },
  {
    how: 'is a link to nowhere',
    damage: (path) => rm(path).then(() => symlink('/nowhere/at/all', path)),
    left: 'nothing',
  },
  { how: 'is a pipe', damage: (path) => rm(path).then(() => execFileSync('mkfifo', [path])), left: 'nothing' },
  {
    how: 'has a format that none can ever have',
    damage: (path) => change(path, 'PRAGMA user_version = 1500000000'),
    left: 'everything',
  },
  { how: 'has a format that none has', damage: (path) => change(path, 'PRAGMA user_version = -7'), left: 'everything' },
  { how: 'has a former format', damage: (path) => change(path, 'PRAGMA user_version = 0'), left: 'everything' },
  { how: 'has no table for records', damage: (path) => change(path, 'DROP TABLE records'), left: 'nothing' },
  {
    how: 'has no table for what is set aside',
    damage: (path) => change(path, 'DROP TABLE quarantine'),
    left: 'everything',
  },
  {
    how: 'has another table in the place of ours',
    damage: (path) => change(path, 'DROP TABLE records; CREATE TABLE records (a, b)'),
    left: 'nothing',
  },
  {
    how: 'has a directory in the place of its log',
    damage: (path) => mkdir(`${path}-wal`),
    left: 'everything',
  },
  {
    how: 'has a log that is broken',
    damage: (path) => writeFile(`${path}-wal`, Buffer.alloc(9_000, 7)),
    left: 'everything',
    isHarmless: true,
  },
  {
    how: 'has an index of its log that is broken',
    damage: (path) => writeFile(`${path}-shm`, Buffer.alloc(32_768, 7)),
    left: 'everything',
    isHarmless: true,
  },
]

/** What is set aside, and what belongs to it counts as one. */
const kept = (folder: string) =>
  readdirSync(folder).filter((name) => /^journal\.db\.damaged-\d{4}-\d{2}-\d{2}T[\d-]+Z(-\d+)?$/.test(name))

describe('a journal that at the start', () => {
  test.each(samples)(
    '$how is set aside, and a new one begun with what is left',
    async ({ damage, left, isHarmless }) => {
      await using folder = await filledFolder()
      const path = join(folder.path, 'journal.db')
      await damage(path)
      const told: Damage[] = []
      const journal = openJournal(folder.path, { onDamaged: (one) => told.push(one) })
      expectLeft(journal, left)
      expect(told).toHaveLength(isHarmless ? 0 : 1)
      expect(kept(folder.path)).toEqual(isHarmless ? [] : [told[0]!.keptAs])
      expect(told.map(({ isWhole }) => isWhole)).toEqual(isHarmless ? [] : [left === 'everything'])
      expectToWork(folder.path, journal)
    },
  )

  test('ends in the middle of a page gives back what stands before it, what is open first', async () => {
    await using folder = await filledFolder()
    const path = join(folder.path, 'journal.db')
    await truncate(path, Math.floor(statSync(path).size / 2) - 100)
    const told: Damage[] = []
    using journal = openJournal(folder.path, { onDamaged: (one) => told.push(one) })
    await journal.verify()
    expect(told).toEqual([expect.objectContaining({ isWhole: false, keptAs: expect.stringContaining('damaged') })])
    expect(journal.entries(1_000).length).toBeGreaterThan(100)
    expect(journal.degraded).toBeUndefined()
  })

  test('has one broken page loses the records on that page alone', async () => {
    await using folder = await filledFolder()
    const path = join(folder.path, 'journal.db')
    await overwrite(path, await findLeaf(path), Buffer.alloc(4_096, 0xa5))
    using journal = openJournal(folder.path, { onDamaged: () => {} })
    await journal.verify()
    expectLeft(journal, 'open')
    expect(journal.entries(1_000).length).toBeGreaterThan(350)
    expect(journal.entries(1_000).length).toBeLessThan(400)
  })

  test('lost its file, but not its log, is made anew from the log', async () => {
    await using folder = await temporaryFolder()
    await using copy = await temporaryFolder()
    using journal = openJournal(folder.path)
    fill(journal)
    // As after a kill: nothing has been moved from the log yet.
    await writeFile(join(copy.path, 'journal.db-wal'), await readFile(join(folder.path, 'journal.db-wal')))
    await writeFile(join(copy.path, 'journal.db'), '')
    const told: Damage[] = []
    using next = openJournal(copy.path, { onDamaged: (one) => told.push(one) })
    expectLeft(next, 'everything')
    expect(told.map(({ why }) => why)).toEqual(['the file is empty'])
  })

  test('is gone is damage where there was one, and a first start where there was none', async () => {
    await using folder = await temporaryFolder()
    const told: Damage[] = []
    const onDamaged = (one: Damage) => void told.push(one)
    openJournal(folder.path, { onDamaged })[Symbol.dispose]()
    expect(told).toEqual([])
    await rm(join(folder.path, 'journal.db'))
    openJournal(folder.path, { onDamaged, isExpected: true })[Symbol.dispose]()
    expect(told).toEqual([{ why: 'its file is gone', keptAs: undefined, recovered: [], isWhole: false }])
  })

  test('is damaged again and again leaves no more than five files behind', async () => {
    await using folder = await temporaryFolder()
    let clock = Date.parse('2026-11-26T16:41:13.000Z')
    for (let turn = 0; turn < 8; turn++) {
      await writeFile(join(folder.path, 'journal.db'), `no database ${turn}`)
      // Twice within a second.
      clock += turn % 2 === 0 ? 1_000 : 1
      openJournal(folder.path, { onDamaged: () => {}, now: () => new Date(clock) })[Symbol.dispose]()
    }
    expect(kept(folder.path)).toHaveLength(5)
    expect(await readFile(join(folder.path, kept(folder.path).toSorted().at(-1)!), 'utf8')).toBe('no database 7')
  })

  test('was being replaced by an agent that was killed is whole', async () => {
    await using folder = await filledFolder()
    const path = join(folder.path, 'journal.db')
    await rename(path, `${path}.new`)
    using journal = openJournal(folder.path, { onDamaged: () => expect.unreachable() })
    expectLeft(journal, 'everything')
  })
})

describe('a journal that while it is used', () => {
  test.each(samples.filter(({ damage, isHarmless }) => !isHarmless && damage !== undefined))(
    '$how goes on: nothing that is open is lost, and the next agent finds it',
    async ({ damage }) => {
      await using folder = await temporaryFolder()
      const told: Damage[] = []
      const journal = openJournal(folder.path, { onDamaged: (one) => told.push(one) })
      fill(journal)
      const path = join(folder.path, 'journal.db')
      if (existsSync(`${path}-wal`)) change(path, 'PRAGMA wal_checkpoint(TRUNCATE)')
      await Promise.resolve(damage(path)).catch(() => {})
      journal.entries(1_000)
      journal.write({ kind: 'event', text: 'the power fails' })
      journal.saveOutage(stopping)
      await journal.verify()
      expect(journal.openOutage()).toEqual(stopping)
      expect(remembered.paused.recall(journal)).toBe('the plumber is here')
      journal[Symbol.dispose]()
      using next = openJournal(folder.path, { onDamaged: () => {} })
      expect(next.openOutage()).toEqual(stopping)
      expect(remembered.paused.recall(next)).toBe('the plumber is here')
      expect(next.entries(1)[0]!.text).toBe('the power fails')
    },
  )

  test('is deleted, with its folder, is begun anew', async () => {
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'state')
    using journal = openJournal(state, { onDamaged: () => {} })
    fill(journal)
    await rm(state, { recursive: true })
    journal.saveOutage(stopping)
    expect(journal.degraded).toBeUndefined()
    using next = openJournal(state, { readOnly: true })
    expect(next.openOutage()).toEqual(stopping)
    expect(next.entries(1_000)).toHaveLength(400)
  })

  test('has a page that nobody looks at broken is found out by the check that reads all of it', async () => {
    await using folder = await filledFolder()
    const path = join(folder.path, 'journal.db')
    const told: Damage[] = []
    using journal = openJournal(folder.path, { onDamaged: (one) => told.push(one) })
    await journal.verify()
    expect(told).toEqual([])
    await overwrite(path, await findLeaf(path), Buffer.alloc(4_096, 0xa5))
    await journal.verify()
    expect(told).toHaveLength(1)
    expectLeft(journal, 'open')
    await journal.verify()
    expect(told).toHaveLength(1)
  })
})
