import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { RecordKind, Records, RecordStore } from '../../core/records.ts'
import { openToRead } from './database.ts'
import { faultOf } from './fault.ts'
import { type Damage, fileOf, type JournalFile, openOrBegin, openSound, replaceFile } from './file.ts'
import { checkIntegrity } from './integrity.ts'
import { createRecords, type KindContext, type OpenRecords, type StoredRow } from './records.ts'
import { prune, prunesEvery, pruneQuarantine } from './retention.ts'
import { salvage } from './salvage.ts'
import { createWriteBehind, type WriteBehind } from './write-behind.ts'

/** How much is kept of a record that can't be read, in letters. */
const mostQuarantined = 65_536

export interface StoreOptions {
  /** For the CLI, which reads while the daemon runs. What it saves stays in memory. */
  readonly readOnly?: boolean
  /** Called once when the disk fails, and once when it works again. */
  readonly onDegraded?: (why: string | undefined) => void
  /** Called when the disk works again after so many records, of those that nothing depends on, did not fit into memory. */
  readonly onGivenUp?: (count: number) => void
  /** Called once for each record that can't be read. */
  readonly onSetAside?: (kind: string, key: string, why: string) => void
  /** Called with each file that could not be used. Whoever listens gets a journal whatever is wrong with the file. */
  readonly onDamaged?: (damage: Damage) => void
  /** There was a journal, so one that is gone is damage too. */
  readonly isExpected?: boolean
  /**
   * Records that are not believed where they come to light only while we run, by kind: what a person asked for before
   * may be long over.
   */
  readonly isOrder?: (kind: string) => boolean
  /** A file that may not be used is tried again after so many ms. */
  readonly reopensEvery?: number
  readonly now?: () => Date
}

export interface JournalStore extends RecordStore, Disposable {
  /** Writes what waits for the disk, and so notices whether it fails, or works again. */
  flush(): void
  /** Reads all of the file, beside everything else; one that is damaged is replaced. Never rejects. */
  verify(): Promise<void>
}

/**
 * Records of every kind in one table of SQLite, `journal.db` in the state directory. What is open is in memory as well:
 * when the disk fails everything goes on there, and the newest state is written back as soon as the disk takes it. A file
 * that is damaged, at the start or while it is used, is set aside, and a new one begun with what can be read of it.
 *
 * @throws AgentError `misconfigured` where it can't be opened, or is of a newer release, and nobody listens
 */
export function openStore(directory: string, options: StoreOptions): JournalStore {
  if (!options.readOnly) {
    const file = options.onDamaged ? openOrBegin(directory, options) : openSound(directory)
    return createStore(file, { ...options, directory })
  }
  const database = openToRead(directory)
  try {
    return createStore(fileOf(database), options)
  } catch (error) {
    database.close()
    throw new AgentError('misconfigured', `the journal in ${directory} can't be read: ${messageOf(error)}`, error)
  }
}

/** The same over a file that is open. Without a directory it is never replaced. */
export function createStore(
  opened: JournalFile,
  options: StoreOptions & { readonly directory?: string },
): JournalStore {
  const { readOnly = false, now = () => new Date() } = options
  const open: OpenRecords = new Map()
  const keeper = createKeeper(opened, options, open)
  const disk = createWriteBehind(() => keeper.file.database, {
    onDegraded: (why) => options.onDegraded?.(why),
    ...(readOnly ? { isPaused: true } : {}),
    beforeWrite: () => keeper.beforeWrite(disk),
    onGivenUp: (count) => options.onGivenUp?.(count),
    isStored: (kind, key) => query('SELECT 1 FROM records WHERE kind = ? AND key = ?', kind, key).length > 0,
    mend: (error) => keeper.mend(error, disk),
  })
  const query = createQuery(keeper, disk, readOnly)
  if (!readOnly) keeper.begin(disk)
  const known = new Map<string, Records<unknown>>()
  const clock = () => now().getTime()

  function contextOf<T>(kind: RecordKind<T>): KindContext {
    const { name } = kind
    const openRecords = readOnly ? undefined : (open.get(name) ?? new Map())
    if (openRecords) open.set(name, openRecords)
    const pruneNow = () => {
      if (!readOnly) attempt(() => prune(keeper.file.database, kind, clock()))
    }
    let saves = 0
    // Not only after so many: an agent that is often restarted would never come to it.
    pruneNow()
    return {
      disk,
      openRecords,
      query: (where, ...values) =>
        query(`SELECT key, value FROM records WHERE kind = ? ${where}`, name, ...values) as StoredRow[],
      file: () => keeper.file,
      now: clock,
      beforeSave: () => {
        saves += 1
        if (saves % prunesEvery === 0) pruneNow()
      },
      setAside: (key, value, why) => {
        if (readOnly) return
        openRecords?.delete(key)
        // Enough to see what it was.
        const text = String(value).slice(0, mostQuarantined)
        disk.put({ kind: name, key, row: undefined, broken: { at: clock(), value: text, why } }, 'now')
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
    verify: () => keeper.verify(disk),
    flush: () => disk.flush(),
    [Symbol.dispose]: () => {
      disk.close()
      keeper.close()
    },
  }
}

type Keeper = ReturnType<typeof createKeeper>

/** Keeps the file that is used: replaces one that is damaged, and opens one that could not be opened before. */
function createKeeper(opened: JournalFile, options: StoreOptions & { readonly directory?: string }, open: OpenRecords) {
  const { directory, now = () => new Date(), reopensEvery = 30_000, isOrder = () => false } = options
  let file = opened
  let triesAt = performance.now() + reopensEvery
  let isClosed = false

  function take(next: JournalFile, disk: WriteBehind): void {
    file = next
    triesAt = performance.now() + reopensEvery
    // What is open is never given up: what the new file does not have of it is written there.
    for (const [kind, records] of open)
      for (const [key, { value }] of records) disk.restore(kind, key, { open: true, at: now().getTime(), value })
    if (next.damage) options.onDamaged?.(next.damage)
    if (next.inMemory !== undefined) disk.noteFailure(new Error(next.inMemory))
  }

  function replace(error: unknown, disk: WriteBehind): void {
    const read = salvage(file.database)
    attempt(() => file.database.close())
    take(replaceFile(directory!, { fault: 'damaged', why: messageOf(error), now, read }), disk)
  }

  /** The file that could not be opened at the start may be there by now, with records that nobody has seen yet. */
  function reopen(disk: WriteBehind): void {
    triesAt = performance.now() + reopensEvery
    const next = openOrBegin(directory!, { now })
    if (next.inMemory !== undefined) {
      next.database.close()
      return
    }
    attempt(() => file.database.close())
    for (const [kind, records] of readOpenRecords(next.database))
      for (const [key, record] of records) {
        const present = open.get(kind) ?? new Map()
        open.set(kind, present)
        if (present.has(key) || disk.find(kind, key)) continue
        if (isOrder(kind)) disk.put({ kind, key, row: undefined, broken: late(record.value, now()) }, 'later')
        else present.set(key, record)
      }
    take(next, disk)
  }

  return {
    get file() {
      return file
    },
    begin: (disk: WriteBehind): void => {
      try {
        for (const [kind, records] of readOpenRecords(file.database)) open.set(kind, records)
      } catch (error) {
        if (directory === undefined) throw error
        replace(error, disk)
        for (const [kind, records] of readOpenRecords(file.database)) open.set(kind, records)
        return
      }
      attempt(() => pruneQuarantine(file.database))
      if (file.damage) options.onDamaged?.(file.damage)
      if (file.inMemory !== undefined) disk.noteFailure(new Error(file.inMemory))
    },
    beforeWrite: (disk: WriteBehind): void => {
      if (directory === undefined) return
      if (file.inMemory !== undefined && performance.now() >= triesAt) reopen(disk)
      if (file.inMemory !== undefined) throw new Error(file.inMemory)
      if (file.isReplaced()) replace(new Error('the file was deleted, replaced or cut short while it was in use'), disk)
      if (file.inMemory !== undefined) throw new Error(file.inMemory)
    },
    /** Replaces a file that is damaged. Returns whether there is one on the disk again. */
    mend: (error: unknown, disk: WriteBehind): boolean => {
      if (directory === undefined || isClosed || file.inMemory !== undefined || faultOf(error) !== 'damaged')
        return false
      replace(error, disk)
      return file.inMemory === undefined
    },
    verify: async (disk: WriteBehind): Promise<void> => {
      const checked = file
      if (directory === undefined || checked.inMemory !== undefined) return
      const fault = await checkIntegrity(directory)
      if (fault === undefined || isClosed || file !== checked) return
      replace(new Error(fault), disk)
      disk.flush()
    },
    close: (): void => {
      isClosed = true
      attempt(() => file.database.close())
    },
  }
}

function late(value: string, now: Date): { readonly at: number; readonly value: string; readonly why: string } {
  return { at: now.getTime(), value, why: 'it came to light only while the agent ran' }
}

/** Queries the file. What can't be read counts as missing; for a reader it is an error. */
function createQuery(keeper: Keeper, disk: WriteBehind, readOnly: boolean) {
  // The few questions that there are, prepared once for each file.
  const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>()
  const prepare = (sql: string): StatementSync => {
    const { database } = keeper.file
    const own = prepared.get(database) ?? new Map<string, StatementSync>()
    prepared.set(database, own)
    const statement = own.get(sql) ?? database.prepare(sql)
    own.set(sql, statement)
    return statement
  }
  return (sql: string, ...values: (string | number)[]): unknown[] => {
    try {
      return prepare(sql).all(...values)
    } catch (error) {
      if (readOnly) throw new AgentError('misconfigured', `the journal can't be read: ${messageOf(error)}`, error)
      disk.noteFailure(error)
      if (!keeper.mend(error, disk)) return []
      disk.flush()
      return attempt(() => prepare(sql).all(...values)) ?? []
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

/** Runs what may fail: the next read or write reports a failing disk. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
