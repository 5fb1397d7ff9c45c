import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import { formatOf, migrate, newestFormat } from './migrations.ts'

/** How long to wait for another process's lock, in ms: it blocks everything else. */
const lockedFor = 250
/** The same for a reader, in ms. */
const readerWaits = 5_000

/**
 * Opens the file in the state directory to write: write-ahead log, and `synchronous = FULL`, so that what a call has
 * written survives a power cut (https://sqlite.org/pragma.html#pragma_synchronous). An older file is brought to the
 * newest format.
 *
 * @throws AgentError `misconfigured` where it can't be opened, or is of a newer release
 */
export function openToWrite(directory: string): DatabaseSync {
  const path = join(directory, 'journal.db')
  return opening(`the journal ${path} can't be opened`, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(path, { timeout: lockedFor })
    return closedOnFault(database, () => {
      refuseNewer(database, path)
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
      migrate(database)
      return database
    })
  })
}

/**
 * Opens it to read, also beside a daemon that writes. A file of an older format is not touched: it is copied into
 * memory and migrated there.
 *
 * @throws AgentError `misconfigured` where there is none, or it is of a newer release
 */
export function openToRead(directory: string): DatabaseSync {
  const path = join(directory, 'journal.db')
  return opening(`there is no journal in ${directory} to read`, () => {
    const file = new DatabaseSync(path, { readOnly: true, timeout: readerWaits })
    return closedOnFault(file, () => {
      refuseNewer(file, path)
      if (formatOf(file) === newestFormat) return file
      const copy = copyOf(file)
      file.close()
      migrate(copy)
      return copy
    })
  })
}

/** A file that is in memory alone. */
export function openMemory(): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  migrate(database)
  return database
}

function opening(doing: string, work: () => DatabaseSync): DatabaseSync {
  try {
    return work()
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError(
      'misconfigured',
      `${doing}: ${messageOf(error)}. Check the setting 'state' and its permissions`,
      error,
    )
  }
}

function closedOnFault(database: DatabaseSync, work: () => DatabaseSync): DatabaseSync {
  try {
    return work()
  } catch (error) {
    database.close()
    throw error
  }
}

function refuseNewer(database: DatabaseSync, path: string): void {
  const format = formatOf(database)
  if (format <= newestFormat) return
  throw new AgentError(
    'misconfigured',
    `${path} was written by a newer Caretaker (format ${format}; this one reads up to ${newestFormat}): install that version or move the file away`,
  )
}

function copyOf(file: DatabaseSync): DatabaseSync {
  const tables = file
    .prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .all() as { name: string; sql: string }[]
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
