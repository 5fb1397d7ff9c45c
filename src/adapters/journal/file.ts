import { type BigIntStats, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import { NewerJournal, openMemory, openToWrite, pathIn } from './database.ts'
import { type FileFault, faultOf } from './fault.ts'
import { migrate } from './migrations.ts'
import { type Salvage, salvageFile, type SalvagedRow, writeRows } from './salvage.ts'
import { putInPlace, setFileAside } from './set-aside.ts'

/** The journal's file as it is used now. */
export interface JournalFile {
  readonly database: DatabaseSync
  /** Why it is in memory alone; undefined where it is on the disk. */
  readonly inMemory: string | undefined
  /** What became of a file that could not be used. */
  readonly damage: Damage | undefined
  /** Whether the path leads to another file by now, to none, or to less of it. */
  isReplaced(): boolean
}

/** A file that can't be used as a journal, and what was made of it. */
export interface Damage {
  /** `file is not a database`. */
  readonly why: string
  /** The name that it was set aside by; undefined where it may not be moved, or was gone. */
  readonly keptAs: string | undefined
  /** The records that could be read. */
  readonly recovered: readonly SalvagedRow[]
  /** Whether those are all that there were. */
  readonly isWhole: boolean
}

/** A file that is what it is: a reader's, or one in memory. */
export function fileOf(database: DatabaseSync): JournalFile {
  return { database, inMemory: undefined, damage: undefined, isReplaced: () => false }
}

/**
 * Opens a journal that has nothing wrong with it.
 *
 * @throws AgentError `misconfigured` where it can't be opened, or is of a newer release
 */
export function openSound(directory: string): JournalFile {
  try {
    return onDisk(directory, openToWrite(directory), undefined)
  } catch (error) {
    if (error instanceof AgentError) throw error
    const why = `the journal ${pathIn(directory)} can't be opened: ${messageOf(error)}`
    throw new AgentError('misconfigured', `${why}. Check the setting 'state' and its permissions`, error)
  }
}

/**
 * Opens the journal to write. One that can't be used is set aside, and a new one begun with what can be read of it;
 * where not even that is possible it is kept in memory. The power is guarded with it or without.
 *
 * @throws NewerJournal where a newer release wrote it: the person who went back decides
 */
export function openOrBegin(
  directory: string,
  { now = () => new Date(), isExpected = false }: { readonly now?: () => Date; readonly isExpected?: boolean } = {},
): JournalFile {
  try {
    finishReplacement(directory)
    const isGone = isExpected && !isThere(pathIn(directory))
    const gone: Damage = { why: 'its file is gone', keptAs: undefined, recovered: [], isWhole: false }
    return onDisk(directory, openToWrite(directory), isGone ? gone : undefined)
  } catch (error) {
    if (error instanceof NewerJournal) throw error
    return replaceFile(directory, { fault: faultOf(error), why: messageOf(error), now })
  }
}

export interface ReplaceOptions {
  readonly fault: FileFault
  readonly why: string
  readonly now: () => Date
  /** What was read while the file was still open. */
  readonly read?: Salvage
}

/** Sets a file aside that can't be used, and begins a new one; in memory where that may not be. */
export function replaceFile(directory: string, { fault, why, now, read }: ReplaceOptions): JournalFile {
  const path = pathIn(directory)
  const found = read?.isWhole ? read : bothOf(read, salvageFile(path))
  const damage = { why, recovered: found.rows, isWhole: found.isWhole }
  if (fault === 'busy' || fault === 'full') return inMemory(found, why, undefined)
  let keptAs: string | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const fresh = `${path}.new`
    begin(fresh, found)
    keptAs = setFileAside(path, now())
    putInPlace(fresh, path)
    return onDisk(directory, openReadable(directory), { ...damage, keptAs })
  } catch (error) {
    // That the folder may not be written to says more than that the file in it can't be used.
    const text = fault === 'damaged' ? `${why}, and no new one can be begun: ${messageOf(error)}` : why
    return inMemory(found, text, { ...damage, keptAs })
  }
}

function onDisk(directory: string, database: DatabaseSync, damage: Damage | undefined): JournalFile {
  const path = pathIn(directory)
  // Never read beside SQLite: closing any descriptor of a file gives up the locks that this process has on it.
  const opened = statSync(path, { bigint: true })
  return { database, inMemory: undefined, damage, isReplaced: () => !isSame(opened, path) }
}

/** On a disk that is dying the new file may give back no more than the old one. */
function openReadable(directory: string): DatabaseSync {
  const database = openToWrite(directory)
  try {
    // Of the table, and of the index of what is open.
    for (const which of ['', ' WHERE open = 1']) database.prepare(`SELECT kind, key, value FROM records${which}`).all()
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function inMemory({ rows }: Salvage, why: string, damage: Damage | undefined): JournalFile {
  const database = openMemory()
  writeRows(database, rows)
  return { database, inMemory: why, damage, isReplaced: () => false }
}

/** A file of ours grows, and never shrinks: it is not vacuumed. */
function isSame({ dev, ino, size }: BigIntStats, path: string): boolean {
  try {
    const present = statSync(path, { bigint: true })
    return present.dev === dev && present.ino === ino && present.size >= size
  } catch (error) {
    // A disk that does not answer for a moment has lost no file.
    return (error as NodeJS.ErrnoException).code === 'EIO'
  }
}

/** A new journal under a name of its own, whole and on the disk before it takes its place. */
function begin(path: string, { rows }: Salvage): void {
  rmSync(path, { force: true })
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;')
    migrate(database)
    writeRows(database, rows)
  } finally {
    database.close()
  }
}

/** An agent that was killed between the two renames has left a new file that is whole, and none in its place. */
function finishReplacement(directory: string): void {
  const path = pathIn(directory)
  if (isThere(path) || !isThere(`${path}.new`)) return
  putInPlace(`${path}.new`, path)
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** What was read of the open file counts more than what is in its place by now. */
function bothOf(read: Salvage | undefined, found: Salvage): Salvage {
  if (read === undefined) return found
  const known = new Set(read.rows.map(({ kind, key }) => `${kind}\0${key}`))
  const more = found.rows.filter(({ kind, key }) => !known.has(`${kind}\0${key}`))
  return { rows: [...read.rows, ...more], isWhole: found.isWhole }
}
