import { readdirSync, statSync } from 'node:fs'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { Damage } from '../../../src/adapters/journal/file.ts'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { expectToWork, fill, filledFolder } from './filled.ts'

/** A database of another program in the place of ours, and the evidence of a person who wonders where it went. */
const foreign: readonly { readonly whose: string; readonly sql: string }[] = [
  {
    whose: 'Home Assistant',
    sql: `CREATE TABLE states (state_id INTEGER PRIMARY KEY, state TEXT); CREATE TABLE recorder_runs (run_id INTEGER);
      INSERT INTO states VALUES (1, 'on')`,
  },
  { whose: 'a browser, with a format of its own', sql: 'CREATE TABLE moz_places (url TEXT); PRAGMA user_version = 75' },
  { whose: 'a program whose format is as ours', sql: 'CREATE TABLE blobs (id); PRAGMA user_version = 4' },
  {
    whose: 'a program that keeps runs as 0.1.0 did',
    sql: `CREATE TABLE runs (id INTEGER, "group" TEXT); INSERT INTO runs VALUES (7, 'a');
      CREATE TABLE "order" (id); INSERT INTO "order" VALUES (1)`,
  },
  { whose: 'one with nothing but a search index', sql: `CREATE VIRTUAL TABLE pages USING fts5(title)` },
]

const keptIn = (folder: string) => readdirSync(folder).filter((name) => /\.damaged-[^.]*Z$/.test(name))

describe('a database in the place of the journal', () => {
  test.each(foreign)('that is of $whose is set aside untouched, and counts as a loss', async ({ sql }) => {
    await using folder = await filledFolder()
    const path = join(folder.path, 'journal.db')
    await rm(path)
    {
      using other = new DatabaseSync(path)
      other.exec(sql)
    }
    const before = await readFile(path)
    const told: Damage[] = []
    const journal = openJournal(folder.path, { onDamaged: (damage) => told.push(damage) })
    // An outage may have been in what it replaced: it is looked for on the nodes.
    expect(told).toMatchObject([{ isWhole: false, recovered: [] }])
    expect(told[0]!.why).toMatch(/journal\.db is the database of another program$/)
    expect(await readFile(join(folder.path, keptIn(folder.path)[0]!))).toEqual(before)
    expect(journal.entries(10)).toEqual([])
    expectToWork(folder.path, journal)
  })

  test('is refused to a reader in words', async () => {
    await using folder = await filledFolder()
    await rm(join(folder.path, 'journal.db'))
    {
      using other = new DatabaseSync(join(folder.path, 'journal.db'))
      other.exec(foreign[1]!.sql)
    }
    expect(() => openJournal(folder.path, { readOnly: true })).toThrow(/is the database of another program/)
  })
})

test('a log of another journal beside ours keeps nobody from going through a power cut', async () => {
  await using folder = await filledFolder()
  await using other = await filledFolder()
  {
    using journal = openJournal(other.path)
    for (let turn = 0; turn < 5; turn++) fill(journal)
    await writeFile(join(folder.path, 'journal.db-wal'), await readFile(join(other.path, 'journal.db-wal')))
  }
  const journal = openJournal(folder.path, { onDamaged: () => {} })
  await journal.verify()
  expect(journal.degraded).toBeUndefined()
  expectToWork(folder.path, journal)
})

test('whichever page is lost, or is the last that is left, a power cut is gone through, and what is open is there or told', async () => {
  await using sample = await filledFolder(60)
  const bytes = await readFile(join(sample.path, 'journal.db'))
  const pages = bytes.length / 4_096
  expect(pages).toBeGreaterThan(7)
  await using folder = await filledFolder()
  const path = join(folder.path, 'journal.db')
  for (let page = 0; page < pages; page++)
    for (const isCut of [false, true]) {
      for (const name of readdirSync(folder.path)) await rm(join(folder.path, name), { force: true })
      await writeFile(path, isCut ? bytes : Buffer.from(bytes).fill(0, page * 4_096, (page + 1) * 4_096))
      if (isCut) await truncate(path, page * 4_096 + 512)
      const told: Damage[] = []
      const journal = openJournal(folder.path, { onDamaged: (damage) => told.push(damage) })
      await journal.verify()
      const where = `page ${page}${isCut ? ', cut' : ''}, ${statSync(path).size} bytes`
      const isThere = journal.openOutage() !== undefined && journal.entries(200).length === 60
      const isWhole = told.every((one) => one.isWhole)
      expect({ where, isThere, isWhole }).toEqual({ where, isThere, isWhole: isThere })
      // A page holds sixteen sentences; the second one leads to all others.
      const least = isCut || page === 1 ? 0 : 30
      expect(journal.entries(200).length, where).toBeGreaterThanOrEqual(least)
      expectToWork(folder.path, journal)
    }
})
