import type { DatabaseSync } from 'node:sqlite'
import { entryKind, runKind } from '../../core/journal.ts'
import { outageKind } from '../../core/power/outage-kind.ts'
import { numberedKey } from '../../core/records.ts'
import { firstSeenKind } from '../../core/release/first-seen.ts'
import { rolloutKind } from '../../core/upgrade/rollout-kind.ts'

/** One step from a format to the next. It runs in a transaction of its own, so a kill at any point loses nothing. */
interface Migration {
  readonly about: string
  run(database: DatabaseSync): void
}

/**
 * 0.1.0 had a table for each kind, and no format number. A step that was ever released is never changed: what is to be
 * otherwise gets a step of its own.
 */
const migrations: readonly Migration[] = [
  {
    about: 'one table for records of every kind',
    run: (database) =>
      database.exec(`
        CREATE TABLE records (
          kind TEXT NOT NULL, key TEXT NOT NULL, open INTEGER NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL,
          PRIMARY KEY (kind, key)
        );
        CREATE INDEX records_open ON records (kind, key) WHERE open = 1;
        CREATE TABLE quarantine (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
          value TEXT NOT NULL, why TEXT NOT NULL);
      `),
  },
  {
    about: 'sentences and runs',
    run: (database) => {
      moveRows(database, 'entries', (row) => ({
        kind: entryKind.name,
        key: numberedKey(Number(row['id'])),
        open: false,
        at: row['at'],
        value: withoutNulls(row),
      }))
      moveRows(database, 'runs', (row) => ({
        kind: runKind.name,
        key: numberedKey(Number(row['id'])),
        open: false,
        at: row['startedAt'],
        value: withoutNulls(row),
      }))
    },
  },
  {
    about: 'outages and rollouts',
    run: (database) => {
      for (const [table, kind, key] of [
        ['outages', outageKind.name, 'startedAt'],
        ['rollouts', rolloutKind.name, 'id'],
      ] as const)
        moveRows(database, table, (row) => ({
          kind,
          key: String(row[key]),
          open: row['open'] === 1,
          at: row[key],
          value: String(row['record']),
        }))
    },
  },
  {
    about: 'releases and facts',
    run: (database) => {
      moveRows(database, 'releases', (row) => ({
        kind: firstSeenKind.name,
        key: String(row['version']),
        open: true,
        at: row['firstSeen'],
        value: JSON.stringify({ version: row['version'], firstSeen: row['firstSeen'] }),
      }))
      moveRows(database, 'facts', (row) => {
        const key = String(row['key'])
        // The last text of each alert: they are objects now, and what is still so is opened at the next look.
        if (key.startsWith('alert.')) return undefined
        return { kind: `fact.${renamed[key] ?? key}`, key: '', open: true, at: 0, value: String(row['value']) }
      })
    },
  },
]

/** Facts of 0.1.0 that have another name now. */
const renamed: Readonly<Record<string, string>> = {
  'stage.wishes': 'stage.requests',
  'power.drillWish': 'power.drillRequest',
}

/** The tables of 0.1.0. */
export const formerTables: ReadonlySet<string> = new Set([
  'entries',
  'runs',
  'outages',
  'rollouts',
  'releases',
  'facts',
])

/** The tables that a file of ours has, of whatever format. No release does away with `records`. */
const ownTables: ReadonlySet<string> = new Set([...formerTables, 'records', 'quarantine'])

/** Whether a file with these tables is of another program: one that has none is new. */
export function isForeign(tables: readonly string[], format: number): boolean {
  if (tables.length === 0 || tables.includes('records')) return false
  return format > newestFormat || tables.some((name) => !ownTables.has(name))
}

/** The tables of a file, less those of SQLite itself. */
export function tablesOf(database: DatabaseSync): readonly { readonly name: string; readonly sql: string }[] {
  return database
    .prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .all() as { name: string; sql: string }[]
}

/** The format that this release writes: so many steps lie behind it. */
export const newestFormat = migrations.length

export function formatOf(database: DatabaseSync): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}

/** Brings a file, of whatever age, to the newest format. */
export function migrate(database: DatabaseSync): void {
  for (let format = formatOf(database); format < newestFormat; format++) {
    database.exec('BEGIN IMMEDIATE')
    try {
      migrations[format]!.run(database)
      database.exec(`PRAGMA user_version = ${format + 1}`)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

type Row = Readonly<Record<string, unknown>>

interface NewRow {
  readonly kind: string
  readonly key: string
  readonly open: boolean
  /** ISO 8601, or ms since the epoch. */
  readonly at: unknown
  readonly value: string
}

/** Moves the rows of a table of 0.1.0 to the records, and drops it. Very old files lack some of the tables. */
function moveRows(database: DatabaseSync, table: string, toRecord: (row: Row) => NewRow | undefined): void {
  if (!database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`).get(table)) return
  const insert = database.prepare('INSERT INTO records (kind, key, open, at, value) VALUES (?, ?, ?, ?, ?)')
  for (const row of database.prepare(`SELECT * FROM ${table}`).iterate() as Iterable<Row>) {
    const record = toRecord(row)
    if (record) insert.run(record.kind, record.key, record.open ? 1 : 0, toMs(record.at), record.value)
  }
  database.exec(`DROP TABLE ${table}`)
}

function toMs(at: unknown): number {
  const ms = typeof at === 'number' ? at : Date.parse(String(at))
  return Number.isNaN(ms) ? 0 : ms
}

function withoutNulls(row: Row): string {
  return JSON.stringify(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
}
