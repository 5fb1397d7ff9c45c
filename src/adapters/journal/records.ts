import { AgentError, messageOf } from '../../core/errors.ts'
import type { RecordKind, Records } from '../../core/records.ts'
import type { Row, WriteBehind } from './write-behind.ts'

/** A record that is open, as it is kept in memory: its text, and what was read from it. */
export interface OpenRecord {
  readonly value: string
  parsed?: unknown
}

/** What is longer was written by nobody of ours: an outage of a thousand machines has a fifth of it. */
const mostText = 2 ** 20

/** So many records of a kind that were read last are kept as they were read, and of each so many letters. */
const kept = { most: 600, letters: 2_000 }

/** By the kind's name and the record's key. */
export type OpenRecords = Map<string, Map<string, OpenRecord>>

export interface StoredRow {
  readonly key: string
  readonly value: string
}

/** What the records of one kind need of the store. */
export interface KindContext {
  readonly disk: WriteBehind
  /** The open records of this kind; undefined for a reader, who looks at the file each time. */
  readonly openRecords: Map<string, OpenRecord> | undefined
  /** Rows of the file; none where the disk no longer gives them back. */
  query(where: string, ...values: (string | number)[]): readonly StoredRow[]
  now(): number
  /** Called before a record is saved, from time to time to prune. */
  beforeSave(): void
  /** The value is whatever the file had. */
  setAside(key: string, value: unknown, why: string): void
}

/** The records of one kind: what is open is in memory, what has not reached the disk yet goes before what it holds. */
export function createRecords<T>(kind: RecordKind<T>, context: KindContext): Records<T> {
  const { disk, openRecords, query, now, beforeSave, setAside } = context
  const isExpendable = kind.retention.isExpendable === true

  /** The records that were read last, by key, each with its text: pages and scrapes read the same ones all the time. */
  const lately = new Map<string, { readonly value: string; readonly parsed: T }>()

  /** Reads a record; one that can't be read is set aside, and the others go on. */
  function read({ key, value }: StoredRow): T[] {
    const known = lately.get(key)
    if (known) lately.delete(key)
    // Whatever has become of the record, its text says the same as before.
    if (known?.value === value) {
      lately.set(key, known)
      return [known.parsed]
    }
    try {
      if (typeof value !== 'string') throw new AgentError('malformed', 'it is no text')
      if (value.length > mostText) throw new AgentError('malformed', `it has ${value.length} letters`)
      const parsed = kind.parse(JSON.parse(value))
      if (value.length <= kept.letters) lately.set(key, { value, parsed })
      if (lately.size > kept.most) lately.delete(lately.keys().next().value!)
      return [parsed]
    } catch (error) {
      setAside(key, value, messageOf(error))
      return []
    }
  }

  function readOpen([key, record]: [string, OpenRecord]): T[] {
    if (record.parsed === undefined) {
      const [parsed] = read({ key, value: record.value })
      record.parsed = parsed
    }
    return record.parsed === undefined ? [] : [record.parsed as T]
  }

  /** The rows of the file, and over them what has not reached it. */
  function rows(limit: number, { isOpen = false, before }: { isOpen?: boolean; before?: string } = {}): StoredRow[] {
    const changes = disk.of(kind.name)
    const changed = new Set(changes.map(({ key }) => key))
    const most = Math.min(limit + changes.length, Number.MAX_SAFE_INTEGER)
    const where = `${isOpen ? 'AND open = 1 ' : ''}${before === undefined ? '' : 'AND key < ? '}`
    const stored = query(`${where}ORDER BY key DESC LIMIT ?`, ...(before === undefined ? [] : [before]), most)
    const waiting = changes.flatMap(({ key, row }) => (row ? [{ key, value: row.value, open: row.open }] : []))
    const relevant = waiting.filter(({ key, open }) => (open || !isOpen) && (before === undefined || key < before))
    return [...stored.filter(({ key }) => !changed.has(key)), ...relevant].toSorted(byKeyDown).slice(0, limit)
  }

  function save(record: T, durability: 'now' | 'later'): void {
    const key = kind.keyOf(record)
    const value = JSON.stringify(record)
    const row: Row = { open: kind.isOpen(record), at: now(), value }
    const waiting = disk.find(kind.name, key)
    const before = waiting ? waiting.row?.value : openRecords?.get(key)?.value
    // What is there already is not written again; what waits for a later write may have to be written now.
    if (before === value && (!waiting || durability === 'later')) return
    beforeSave()
    if (row.open) openRecords?.set(key, { value })
    else openRecords?.delete(key)
    disk.put({ kind: kind.name, key, row, isExpendable: isExpendable && !row.open }, durability)
  }

  return {
    get: (key) => {
      const open = openRecords?.get(key)
      if (open) return readOpen([key, open])[0]
      const waiting = disk.find(kind.name, key)
      if (waiting) return waiting.row ? read({ key, value: waiting.row.value })[0] : undefined
      return query('AND key = ?', key).flatMap(read)[0]
    },
    open: () =>
      openRecords
        ? [...openRecords].toSorted(([a], [b]) => (a < b ? 1 : -1)).flatMap(readOpen)
        : rows(Infinity, { isOpen: true }).flatMap(read),
    newest: (limit, before) => rows(limit, before === undefined ? {} : { before }).flatMap(read),
    lastKey: () => rows(1)[0]?.key,
    save: (record, durability = 'now') => save(record, durability),
    remove: (key, durability = 'now') => {
      const isWaiting = disk.find(kind.name, key)?.row !== undefined
      const isStored = openRecords?.has(key) || query('AND key = ?', key).length > 0
      openRecords?.delete(key)
      // What never reached the disk need not be deleted there, and would only wait for it.
      if (!isStored && disk.degraded === undefined) disk.drop(kind.name, key)
      else if (isStored || isWaiting) disk.put({ kind: kind.name, key, row: undefined }, durability)
    },
  }
}

function byKeyDown(a: StoredRow, b: StoredRow): number {
  return a.key < b.key ? 1 : -1
}
