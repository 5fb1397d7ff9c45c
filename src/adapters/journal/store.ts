import type { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { RecordKind, Records, RecordStore } from '../../core/records.ts'
import { openToRead, openToWrite } from './database.ts'
import { createRecords, type KindContext, type OpenRecords, type StoredRow } from './records.ts'
import { prune, prunesEvery, pruneQuarantine } from './retention.ts'
import { createWriteBehind, type WriteBehind } from './write-behind.ts'

export interface StoreOptions {
  /** For the CLI, which reads while the daemon runs. What it saves stays in memory. */
  readonly readOnly?: boolean
  /** Called once when the disk fails, and once when it works again. */
  readonly onDegraded?: (why: string | undefined) => void
  /** Called once for each record that can't be read. */
  readonly onSetAside?: (kind: string, key: string, why: string) => void
  readonly now?: () => Date
}

/**
 * Records of every kind in one table of SQLite, `journal.db` in the state directory. What is open is in memory as well:
 * when the disk fails everything goes on there, and the newest state is written back as soon as the disk takes it.
 *
 * @throws AgentError `misconfigured` when it can't be opened at all, or was written by a newer release
 */
export function openStore(directory: string, options: StoreOptions): RecordStore & Disposable {
  const database = options.readOnly ? openToRead(directory) : openToWrite(directory)
  try {
    return createStore(database, options)
  } catch (error) {
    database.close()
    throw new AgentError('misconfigured', `the journal in ${directory} can't be read: ${messageOf(error)}`, error)
  }
}

/** The same over a file that is open. */
export function createStore(database: DatabaseSync, options: StoreOptions): RecordStore & Disposable {
  const { readOnly = false, now = () => new Date() } = options
  const disk = createWriteBehind(database, {
    onDegraded: (why) => options.onDegraded?.(why),
    ...(readOnly ? { isPaused: true } : {}),
  })
  const query = createQuery(database, disk, readOnly)
  const open = readOnly ? undefined : readOpenRecords(database)
  if (!readOnly) attempt(() => pruneQuarantine(database))
  const known = new Map<string, Records<unknown>>()
  const clock = () => now().getTime()

  function contextOf<T>(kind: RecordKind<T>): KindContext {
    const { name } = kind
    const openRecords = open && (open.get(name) ?? new Map())
    open?.set(name, openRecords!)
    const pruneNow = () => {
      if (!readOnly) attempt(() => prune(database, kind, clock()))
    }
    let saves = 0
    // Not only after so many: an agent that is often restarted would never come to it.
    pruneNow()
    return {
      disk,
      openRecords,
      query: (where, ...values) =>
        query(`SELECT key, value FROM records WHERE kind = ? ${where}`, name, ...values) as StoredRow[],
      now: clock,
      beforeSave: () => {
        saves += 1
        if (saves % prunesEvery === 0) pruneNow()
      },
      setAside: (key, value, why) => {
        if (readOnly) return
        openRecords?.delete(key)
        disk.put({ kind: name, key, row: undefined, broken: { at: clock(), value, why } }, 'now')
        options.onSetAside?.(name, key, why)
      },
    }
  }

  return {
    records: <T>(kind: RecordKind<T>) => {
      const records = known.get(kind.name) ?? createRecords(kind, contextOf(kind))
      known.set(kind.name, records)
      return records as Records<T>
    },
    get degraded() {
      return disk.degraded
    },
    [Symbol.dispose]: () => {
      disk.close()
      database.close()
    },
  }
}

/** Queries the file. What can't be read counts as missing; for a reader it is an error. */
function createQuery(database: DatabaseSync, disk: WriteBehind, readOnly: boolean) {
  return (sql: string, ...values: (string | number)[]): unknown[] => {
    try {
      return database.prepare(sql).all(...values)
    } catch (error) {
      if (readOnly) throw new AgentError('misconfigured', `the journal can't be read: ${messageOf(error)}`, error)
      disk.noteFailure(error)
      return []
    }
  }
}

/** Everything that is open, of every kind: a pause must not be forgotten because the disk fails after the start. */
function readOpenRecords(database: DatabaseSync): OpenRecords {
  const found: OpenRecords = new Map()
  for (const row of database.prepare('SELECT kind, key, value FROM records WHERE open = 1').iterate()) {
    const { kind, key, value } = row as { kind: string; key: string; value: string }
    const ofKind = found.get(kind) ?? new Map()
    found.set(kind, ofKind.set(key, { value }))
  }
  return found
}

/** Runs cleanup that may fail. */
function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // The next read or write reports a failing disk.
  }
}
