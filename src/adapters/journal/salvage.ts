import { DatabaseSync } from 'node:sqlite'
import { openMemory } from './database.ts'
import { imageOf } from './image.ts'
import { formerTables, migrate, tablesOf } from './migrations.ts'

/** A record as it was found. */
export interface SalvagedRow {
  readonly kind: string
  readonly key: string
  readonly open: boolean
  readonly at: number
  readonly value: string
}

/** What could be read of a journal. */
export interface Salvage {
  /** Those that are open first: an outage, a pause, an alert. */
  readonly rows: readonly SalvagedRow[]
  /** Whether all of it could be read. */
  readonly isWhole: boolean
}

/** So many looks are taken at a table that does not give back all of itself: each costs microseconds. */
const mostLooks = 20_000
const nothing: Salvage = { rows: [], isWhole: false }

/** Reads, record by record, what a file still holds, whatever is wrong with it. Changes nothing, and never throws. */
export function salvageFile(path: string): Salvage {
  try {
    using copy = closing(imageOf(path, () => openMemory().serialize()))
    return salvage(copy.database)
  } catch {
    return nothing
  }
}

/** The same of a file that is open. */
export function salvage(database: DatabaseSync): Salvage {
  try {
    return hasTable(database, 'records') ? readRecords(database) : readFormer(database)
  } catch {
    return nothing
  }
}

function readRecords(database: DatabaseSync): Salvage {
  const { rows, isWhole } = readTable(database, 'records', 'kind, key, open, at, value')
  const records = new Map<string, SalvagedRow>()
  let isSound = isWhole
  for (const { kind, key, open, at, value } of rows) {
    if (typeof kind !== 'string' || typeof key !== 'string' || typeof value !== 'string') {
      isSound = false
      continue
    }
    const found = { kind, key, open: open !== 0, at: typeof at === 'number' ? at : 0, value }
    const before = records.get(`${kind}\0${key}`)
    // With a broken index a record may be there twice: the newer one counts.
    if (!before || before.at <= found.at) records.set(`${kind}\0${key}`, found)
  }
  const all = [...records.values()]
  return { rows: [...all.filter(({ open }) => open), ...all.filter(({ open }) => !open)], isWhole: isSound }
}

/** A file of 0.1.0: what can be read of its tables is copied, and the copy is brought to the newest format. */
function readFormer(database: DatabaseSync): Salvage {
  const tables = tablesOf(database)
  // What another program has put in the place of ours tells nothing of what ours had.
  if (tables.some(({ name }) => !formerTables.has(name))) return nothing
  using copy = closing(new DatabaseSync(':memory:'))
  let isWhole = true
  for (const { name, sql } of tables) {
    copy.database.exec(sql)
    const read = readTable(database, name, '*')
    isWhole &&= read.isWhole
    for (const row of read.rows) {
      const marks = Object.keys(row).map(() => '?')
      copy.database
        .prepare(`INSERT OR REPLACE INTO ${name} VALUES (${marks.join(', ')})`)
        .run(...(Object.values(row) as string[]))
    }
  }
  migrate(copy.database)
  const { rows } = readRecords(copy.database)
  return { rows, isWhole: isWhole && tables.length > 0 }
}

type Row = Readonly<Record<string, unknown>>

/**
 * All rows of a table that can be read. Where a page is broken the rows about it are looked for in ever smaller ranges. First
 * all of it is read in one go: a page whose end is missing has numbers of rows that are none, and a search would end there.
 */
function readTable(database: DatabaseSync, table: string, columns: string): { rows: Row[]; isWhole: boolean } {
  const rows: Row[] = []
  let seen = 0
  try {
    for (const row of database
      .prepare(`SELECT rowid AS "row number", ${columns} FROM ${table} NOT INDEXED`)
      .iterate()) {
      const { 'row number': number, ...rest } = row as Row
      rows.push(rest)
      seen = Math.max(seen, Number(number))
    }
    return { rows, isWhole: countOfIndex(database, table) <= rows.length }
  } catch {
    // What comes after the broken page may be sound.
  }
  const between = database.prepare(`SELECT ${columns} FROM ${table} NOT INDEXED WHERE rowid BETWEEN ? AND ?`)
  let looks = 0
  const read = (from: number, to: number): void => {
    if (looks++ >= mostLooks) return
    try {
      rows.push(...between.all(from, to))
    } catch {
      if (from === to) return
      const middle = Math.floor((from + to) / 2)
      read(from, middle)
      read(middle + 1, to)
    }
  }
  read(seen + 1, lastRowOf(database, table, seen))
  return { rows, isWhole: false }
}

/** The greatest number of a row; where that can't be read, or is less than what was seen, more than there can be. */
function lastRowOf(database: DatabaseSync, table: string, seen: number): number {
  const usual = Math.max(2 ** 22, 2 * seen)
  try {
    const last = Number(database.prepare(`SELECT max(rowid) AS last FROM ${table} NOT INDEXED`).get()?.['last'])
    return last > seen && last < 2 ** 40 ? last : usual
  } catch {
    return usual
  }
}

/** How many rows the table has by the index of its key; 0 where there is none, or it can't be read. */
function countOfIndex(database: DatabaseSync, table: string): number {
  try {
    const count = database.prepare(`SELECT count(*) AS rows FROM ${table} INDEXED BY sqlite_autoindex_${table}_1`)
    return Number(count.get()?.['rows'])
  } catch {
    return 0
  }
}

function hasTable(database: DatabaseSync, name: string): boolean {
  return database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`).get(name) !== undefined
}

function closing(database: DatabaseSync): Disposable & { readonly database: DatabaseSync } {
  return { database, [Symbol.dispose]: () => database.close() }
}

/** Writes records into a file of the newest format, all of them or none. */
export function writeRows(database: DatabaseSync, rows: readonly SalvagedRow[]): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    const insert = database.prepare(
      'INSERT OR REPLACE INTO records (kind, key, open, at, value) VALUES (?, ?, ?, ?, ?)',
    )
    for (const { kind, key, open, at, value } of rows) insert.run(kind, key, open ? 1 : 0, at, value)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
