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

/**
 * What is kept of a kind as it was read last: so many records, with so many letters together. A rollout of fifty nodes has
 * some ten thousand.
 */
const kept = { most: 600, letters: 400_000 }
/** So many answers to what is asked again and again are kept, and none that is longer than this. */
const keptLists = { most: 4, length: 600 }

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
  /** The file that is used now. */
  file(): unknown
  /** The value is whatever the file had. */
  setAside(key: string, value: unknown, why: string): void
}

/** The records of one kind: what is open is in memory, what has not reached the disk yet goes before what it holds. */
export function createRecords<T>(kind: RecordKind<T>, context: KindContext): Records<T> {
  const { disk, openRecords, query, now, beforeSave, setAside, file } = context
  const isExpendable = kind.retention.isExpendable === true

  /** The records that were read last, by key, each with its text: pages and scrapes read the same ones all the time. */
  const lately = createLately<T>()
  /** The newest ones as they were answered last, by how many were asked for, for as long as nothing changes. */
  let lists = { file: file(), answers: new Map<number, readonly T[]>() }

  /** Reads a record; one that can't be read is set aside, and the others go on. */
  function read({ key, value }: StoredRow): T[] {
    // Whatever has become of the record, its text says the same as before.
    const known = lately.find(key, value)
    if (known) return [known.parsed]
    try {
      if (typeof value !== 'string') throw new AgentError('malformed', 'it is no text')
      if (value.length > mostText) throw new AgentError('malformed', `it has ${value.length} letters`)
      const parsed = kind.parse(readJson(value))
      // It would be saved under its own key, and this one would stay for ever.
      if (kind.keyOf(parsed) !== key) throw new AgentError('malformed', `it is the record of ${kind.keyOf(parsed)}`)
      lately.keep(key, { value, parsed })
      return [parsed]
    } catch (error) {
      lists.answers.clear()
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

  /** Whoever only reads looks at the file each time: another process writes it. */
  function newest(limit: number): readonly T[] {
    if (!openRecords || limit > keptLists.length) return rows(limit).flatMap(read)
    const known = lists.file === file() ? lists.answers.get(limit) : undefined
    if (known && disk.degraded === undefined) return known
    const answer = rows(limit).flatMap(read)
    // While the disk fails, rows may be missing, and records are given up.
    if (lists.file !== file() || disk.degraded !== undefined) lists = { file: file(), answers: new Map() }
    if (disk.degraded === undefined) lists.answers.set(limit, answer)
    if (lists.answers.size > keptLists.most) lists.answers.delete(lists.answers.keys().next().value!)
    return answer
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
    lists.answers.clear()
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
        ? [...openRecords]
            .toSorted(([a], [b]) => (a < b ? 1 : -1))
            .flatMap(readOpen)
            .filter(kind.isOpen)
        : rows(Infinity, { isOpen: true }).flatMap(read).filter(kind.isOpen),
    newest: (limit, before) => (before === undefined ? newest(limit) : rows(limit, { before }).flatMap(read)),
    lastKey: () => rows(1)[0]?.key,
    save: (record, durability = 'now') => save(record, durability),
    remove: (key, durability = 'now') => {
      const isWaiting = disk.find(kind.name, key)?.row !== undefined
      const isStored = openRecords?.has(key) || query('AND key = ?', key).length > 0
      openRecords?.delete(key)
      lists.answers.clear()
      // What never reached the disk need not be deleted there, and would only wait for it.
      if (!isStored && disk.degraded === undefined) disk.drop(kind.name, key)
      else if (isStored || isWaiting) disk.put({ kind: kind.name, key, row: undefined }, durability)
    },
  }
}

/** The parser's own words quote the text, which may hold a key. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AgentError('malformed', 'it is not JSON')
  }
}

/** Records by key, each with its text and what was read from it: those that were asked for last. */
function createLately<T>() {
  const records = new Map<string, { readonly value: string; readonly parsed: T }>()
  let letters = 0
  const forget = (key: string) => {
    letters -= records.get(key)?.value.length ?? 0
    records.delete(key)
  }
  const keep = (key: string, record: { readonly value: string; readonly parsed: T }): void => {
    forget(key)
    records.set(key, record)
    letters += record.value.length
    while (records.size > kept.most || letters > kept.letters) forget(records.keys().next().value!)
  }
  return {
    keep,
    /** The record, if its text is still this one. */
    find: (key: string, value: string) => {
      const known = records.get(key)
      if (known === undefined) return undefined
      if (known.value !== value) return forget(key)
      records.delete(key)
      records.set(key, known)
      return known
    },
  }
}

function byKeyDown(a: StoredRow, b: StoredRow): number {
  return a.key < b.key ? 1 : -1
}
