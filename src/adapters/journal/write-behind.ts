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
  /** Of a reader: nothing goes to the disk. */
  readonly isPaused?: boolean
}

/** The most changes that wait for the disk, apart from those that are never dropped. */
const mostPending = 10_000
/** So many changes go into one transaction, because each waits for the disk. */
const mostAtOnce = 500
/** A disk that somebody else has locked is not tried again before this time, in ms. */
const triesEvery = 1_000

export type WriteBehind = ReturnType<typeof createWriteBehind>

/**
 * What is on its way to the disk. A change is there when `put` returns, unless it may come later or the disk fails: then
 * it stays here, in order, and goes with the next one. Of several changes of one record the last counts.
 */
export function createWriteBehind(database: DatabaseSync, { onDegraded, isPaused = false }: WriteBehindOptions) {
  const pending = new Map<string, Change>()
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
  }

  /** Few at once where many are more than the disk takes. */
  function writeAll(): void {
    let most = degraded === undefined ? mostAtOnce : 1
    while (pending.size > 0) {
      try {
        writeOldest(database, pending, most)
        most = Math.min(mostAtOnce, most * 8)
      } catch (error) {
        if (most === 1) throw error
        most = 1
      }
    }
  }

  /** Without a bound a disk that is full for weeks would fill the memory too. What decisions are made from stays. */
  function giveUpOldest(): void {
    for (const [id, change] of pending) {
      if (pending.size <= mostPending) return
      if (change.isExpendable) pending.delete(id)
    }
  }

  function flush(): void {
    if (isPaused || performance.now() < waitsUntil) return
    try {
      writeAll()
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
    put: (change: Change, durability: Durability): void => {
      const id = idOf(change.kind, change.key)
      // Behind what came before it.
      pending.delete(id)
      pending.set(id, change)
      if (durability === 'now') flush()
    },
    /** What becomes of a record that has not reached the disk yet; undefined where nothing does. */
    find: (kind: string, key: string): Change | undefined => pending.get(idOf(kind, key)),
    /** Forgets a change of a record that the disk has never seen. */
    drop: (kind: string, key: string): void => void pending.delete(idOf(kind, key)),
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

/** Writes so many of the oldest changes, all of them or none. */
function writeOldest(database: DatabaseSync, pending: Map<string, Change>, most: number): void {
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
  for (const [id] of batch) pending.delete(id)
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
