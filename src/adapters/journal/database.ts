import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import { obstacleAt } from './fault.ts'
import { formatOf, isForeign, migrate, newestFormat, tablesOf } from './migrations.ts'

/** How long to wait for another process's lock, in ms: it blocks everything else. */
const lockedFor = 250
/** The same for a reader, in ms. */
const readerWaits = 5_000

/**
 * Opens the file in the state directory to write: write-ahead log, and `synchronous = FULL`, so that what a call has
 * written survives a power cut (https://sqlite.org/pragma.html#pragma_synchronous). An older file is brought to the
 * newest format.
 *
 * @throws what SQLite or the file system says, and AgentError `misconfigured` where it is of a newer release
 */
export function openToWrite(directory: string): DatabaseSync {
  const path = pathIn(directory)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const ending of endings) {
    const obstacle = obstacleAt(`${path}${ending}`)
    if (obstacle !== undefined) throw new Error(`${path}${ending}: ${obstacle}`)
  }
  // SQLite would take it for a new one, and delete the log that may hold all of it.
  if (isBare(path)) throw new Error('the file is empty')
  const database = new DatabaseSync(path, { timeout: lockedFor })
  return closedOnFault(database, () => {
    refuseForeign(database, path)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    keepFormer(database, path)
    migrate(database)
    demandTables(database)
    return database
  })
}

/**
 * Before a file is brought to a newer format a copy of it is kept: who goes back to the release before needs it. Where the disk
 * has no room for it the power is guarded without.
 */
function keepFormer(database: DatabaseSync, path: string): void {
  const format = formatOf(database)
  if (format === newestFormat || !database.prepare('SELECT 1 FROM sqlite_schema').get()) return
  const former = formerPath(path, format)
  if (existsSync(former)) return
  const part = `${former}.part`
  try {
    rmSync(part, { force: true })
    database.prepare('VACUUM INTO ?').run(part)
    chmodSync(part, 0o600)
    renameSync(part, former)
  } catch {
    rmSync(part, { force: true })
  }
}

/** What a journal was before it was brought to a newer format than this one. */
function formerPath(path: string, format: number): string {
  return `${path}.format-${format}`
}

/** Where the journal is in the state directory. */
export function pathIn(directory: string): string {
  return join(directory, 'journal.db')
}

/** What SQLite keeps beside the file, and the file itself. */
export const endings = ['', '-wal', '-shm', '-journal'] as const

/** Whether there is less of it than a header. */
function isBare(path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false })
  return info ? info.size < 100 : existsSync(`${path}-wal`)
}

/** It is sound, and of a release that is newer than this one: whoever went back is told, and nothing is set aside. */
export class NewerJournal extends AgentError {}

/** A file may be of our format and have other tables all the same. */
function demandTables(database: DatabaseSync): void {
  database.prepare('SELECT kind, key, open, at, value FROM records LIMIT 0').all()
  database.prepare('SELECT id, at, kind, key, value, why FROM quarantine LIMIT 0').all()
}

/**
 * Opens it to read, also beside a daemon that writes. A file of an older format is not touched: it is copied into
 * memory and migrated there.
 *
 * @throws AgentError `misconfigured` where there is none, or it is of a newer release
 */
export function openToRead(directory: string): DatabaseSync {
  const path = pathIn(directory)
  try {
    const file = new DatabaseSync(path, { readOnly: true, timeout: readerWaits })
    return closedOnFault(file, () => {
      refuseForeign(file, path)
      if (formatOf(file) === newestFormat) return file
      const copy = copyOf(file)
      file.close()
      migrate(copy)
      return copy
    })
  } catch (error) {
    if (error instanceof AgentError) throw error
    const why = `there is no journal in ${directory} to read: ${messageOf(error)}`
    throw new AgentError('misconfigured', `${why}. Check the setting 'state' and its permissions`, error)
  }
}

/** A file that is in memory alone, of the newest format. */
export function openMemory(): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  migrate(database)
  return database
}

function closedOnFault(database: DatabaseSync, work: () => DatabaseSync): DatabaseSync {
  try {
    return work()
  } catch (error) {
    database.close()
    throw error
  }
}

/** No release will ever write a format beyond this: what has one is damaged, and not newer. */
const lastFormat = 1_000_000

/** @throws NewerJournal where a newer release wrote it, Error where none of ours can have */
function refuseForeign(database: DatabaseSync, path: string): void {
  const format = formatOf(database)
  if (format < 0 || format > lastFormat) throw new Error(`${path} has a format that none of ours has (${format})`)
  const tables = tablesOf(database).map(({ name }) => name)
  if (isForeign(tables, format)) throw new Error(`${path} is the database of another program`)
  if (format <= newestFormat) return
  const formats = Array.from({ length: newestFormat + 1 }, (_, index) => formerPath(path, newestFormat - index))
  const former = formats.find((file) => existsSync(file))
  const back =
    former === undefined
      ? 'or restore a backup of this one (`caretaker restore FILE`)'
      : `or go back to the journal from before it (\`caretaker restore ${former}\`)`
  throw new NewerJournal(
    'misconfigured',
    `${path} was written by a newer Caretaker (format ${format}; this one reads up to ${newestFormat}): install that version, ${back}`,
  )
}

function copyOf(file: DatabaseSync): DatabaseSync {
  const tables = tablesOf(file)
  if (tables.length === 0) throw new Error('the file is empty')
  const copy = new DatabaseSync(':memory:')
  for (const { name, sql } of tables) {
    copy.exec(sql)
    for (const row of file.prepare(`SELECT * FROM ${name}`).iterate()) {
      const marks = Object.keys(row).map(() => '?')
      copy.prepare(`INSERT INTO ${name} VALUES (${marks.join(', ')})`).run(...Object.values(row))
    }
  }
  copy.exec(`PRAGMA user_version = ${formatOf(file)}`)
  return copy
}
