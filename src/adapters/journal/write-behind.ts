import type { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../core/errors.ts'
import type { Durability } from '../../core/records.ts'

/** A record as the file holds it. */
export interface Row {
  readonly open: boolean
  /** When it was saved, in ms since the epoch. */
  readonly at: number
  readonly value: string
}

/** A change of a record: a new row, or its removal. */
export interface Change {
  readonly kind: string
  readonly key: string
  readonly row: Row | undefined
  /** Why what was there can't be read: it goes to the quarantine. */
  readonly broken?: { readonly at: number; readonly value: string; readonly why: string }
  /** Dropped first when the disk fails for so long that memory grows. */
  readonly isExpendable?: boolean
}

export interface WriteBehindOptions {
  /** Called once when the disk fails, and once when it works again. */
  readonly onDegraded: (why: string | undefined) => void
  /** Called when the disk works again after so many changes were given up. */
  readonly onGivenUp?: (count: number) => void
  /** Whether the file has a record with this key. */
  readonly isStored?: (kind: string, key: string) => boolean
  /** Of a reader: nothing goes to the disk. */
  readonly isPaused?: boolean
  /** Called before the disk is written to. What it throws is why it can't be. */
  readonly beforeWrite?: () => void
  /** Called with what the disk said. Returns whether that was mended, and writing is worth another try. */
  readonly mend?: (error: unknown) => boolean
}

/** The file, or how to get at the one that is used now. */
export type Target = DatabaseSync | (() => DatabaseSync)

/** The most changes that wait for the disk, and the most bytes in them, apart from those that are never dropped. */
const mostPending = 10_000
const mostPendingBytes = 16 * 2 ** 20
/** So many changes go into one transaction, because each waits for the disk. */
const mostAtOnce = 500
/** A disk that somebody else has locked is not tried again before this time, in ms. */
const triesEvery = 1_000

export type WriteBehind = ReturnType<typeof createWriteBehind>

/**
 * What is on its way to the disk. A change is there when `put` returns, unless it may come later or the disk fails: then
 * it stays here, in order, and goes with the next one. Of several changes of one record the last counts.
 */
export function createWriteBehind(target: Target, options: WriteBehindOptions) {
  const { onDegraded, isPaused = false, beforeWrite = () => {}, mend = () => false, isStored = () => true } = options
  const database = () => (typeof target === 'function' ? target() : target)
  const pending = new Map<string, Change>()
  let bytes = 0
  let givenUp = 0
  let degraded: string | undefined
  let waitsUntil = 0

  function noteFailure(error: unknown): void {
    if (degraded !== undefined) return
    degraded = messageOf(error)
    onDegraded(degraded)
  }

  function noteSuccess(): void {
    if (degraded === undefined) return
    degraded = undefined
    onDegraded(undefined)
    if (givenUp > 0) options.onGivenUp?.(givenUp)
    givenUp = 0
  }

  function forget(id: string): void {
    const change = pending.get(id)
    if (change && pending.delete(id)) bytes -= sizeOf(change)
  }

  /** Behind what came before it. */
  function wait(id: string, change: Change): void {
    forget(id)
    pending.set(id, change)
    bytes += sizeOf(change)
  }

  /** Few at once where many are more than the disk takes. */
  function writeAll(): void {
    let most = degraded === undefined ? mostAtOnce : 1
    while (pending.size > 0) {
      try {
        for (const id of writeOldest(database(), pending, most)) forget(id)
        most = Math.min(mostAtOnce, most * 8)
      } catch (error) {
        if (most === 1) throw error
        most = 1
      }
    }
  }

  function attemptToWrite(): void {
    try {
      beforeWrite()
      writeAll()
    } catch (error) {
      if (!mend(error)) throw error
      writeAll()
    }
  }

  /**
   * Without a bound a disk that is full for weeks would fill the memory too. The oldest sentences go first, then what is
   * over: settled alerts, ended outages, what was set aside. What is open stays, because decisions are made from it.
   */
  function giveUpOldest(): void {
    for (const isNext of [isSentence, isOver])
      for (const [id, change] of pending) {
        if (pending.size <= mostPending && bytes <= mostPendingBytes) return
        if (!isNext(change)) continue
        givenUp += 1
        forget(id)
        // The file may have it as it was when it was open.
        const { kind, key } = change
        if (!change.isExpendable && isStored(kind, key)) wait(id, { kind, key, row: undefined })
      }
  }

  function flush(): void {
    if (isPaused || performance.now() < waitsUntil) return
    try {
      attemptToWrite()
      noteSuccess()
    } catch (error) {
      giveUpOldest()
      // Each try blocks everything else while it waits.
      if (/locked|busy/i.test(messageOf(error))) waitsUntil = performance.now() + triesEvery
      noteFailure(error)
    }
  }

  return {
    get degraded() {
      return degraded
    },
    noteFailure,
    /** Writes what waits. */
    flush: (): void => void (pending.size > 0 && flush()),
    /** A record that the file may not have, behind nothing: what is on its way counts more. */
    restore: (kind: string, key: string, row: Row): void => {
      const id = idOf(kind, key)
      if (!pending.has(id)) wait(id, { kind, key, row })
    },
    put: (change: Change, durability: Durability): void => {
      wait(idOf(change.kind, change.key), change)
      if (durability === 'now') flush()
    },
    /** What becomes of a record that has not reached the disk yet; undefined where nothing does. */
    find: (kind: string, key: string): Change | undefined => pending.get(idOf(kind, key)),
    /** Forgets a change of a record that the disk has never seen. */
    drop: (kind: string, key: string): void => forget(idOf(kind, key)),
    of: (kind: string): readonly Change[] => [...pending.values()].filter((change) => change.kind === kind),
    /** Writes what is left, whatever it waits for. */
    close: (): void => {
      waitsUntil = 0
      if (pending.size > 0) flush()
    },
  }
}

function idOf(kind: string, key: string): string {
  return `${kind}\0${key}`
}

const isSentence = ({ isExpendable }: Change): boolean => isExpendable === true

/** What is neither open nor the end of something that the file has. */
const isOver = ({ isExpendable, row, broken }: Change): boolean =>
  isExpendable !== true && (row === undefined ? broken !== undefined : !row.open)

function sizeOf({ kind, key, row, broken }: Change): number {
  return 100 + kind.length + key.length + (row?.value.length ?? 0) + (broken?.value.length ?? 0)
}

/** Writes so many of the oldest changes, all of them or none, and answers which. */
function writeOldest(database: DatabaseSync, pending: ReadonlyMap<string, Change>, most: number): readonly string[] {
  const batch = [...pending].slice(0, most)
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const [, change] of batch) writeChange(database, change)
    database.exec('COMMIT')
  } catch (error) {
    // SQLite may have rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
  return batch.map(([id]) => id)
}

function writeChange(database: DatabaseSync, { kind, key, row, broken }: Change): void {
  if (broken)
    database
      .prepare('INSERT INTO quarantine (at, kind, key, value, why) VALUES (?, ?, ?, ?, ?)')
      .run(broken.at, kind, key, broken.value, broken.why)
  if (row)
    database
      .prepare(
        `INSERT INTO records (kind, key, open, at, value) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (kind, key) DO UPDATE SET open = excluded.open, at = excluded.at, value = excluded.value`,
      )
      .run(kind, key, row.open ? 1 : 0, row.at, row.value)
  else database.prepare('DELETE FROM records WHERE kind = ? AND key = ?').run(kind, key)
}
