import type { DatabaseSync } from 'node:sqlite'
import type { RecordKind } from '../../core/records.ts'

/** Between two prunings of a kind, in records that were saved. */
export const prunesEvery = 500
/** What the file may hold, in bytes, before the half of what only people read goes. */
const mostBytes = 24 * 2 ** 20
/** How many unreadable records are kept. */
const mostQuarantined = 200

/** Deletes what is beyond a kind's retention. What is open is never touched; where there is nothing to do nothing is written. */
export function prune<T>(database: DatabaseSync, { name, retention }: RecordKind<T>, now: number): void {
  const closed = 'kind = ? AND open = 0'
  const oldest = database
    .prepare(`SELECT key FROM records WHERE ${closed} ORDER BY key DESC LIMIT 1 OFFSET ?`)
    .get(name, retention.most) as { key: string } | undefined
  if (oldest) database.prepare(`DELETE FROM records WHERE ${closed} AND key <= ?`).run(name, oldest.key)
  if (retention.age !== undefined)
    database.prepare(`DELETE FROM records WHERE ${closed} AND at < ?`).run(name, now - retention.age)
  if (retention.isExpendable && bytesOf(database) > mostBytes) halve(database, name)
}

/** Keeps what was set aside from growing without end. */
export function pruneQuarantine(database: DatabaseSync): void {
  database.prepare('DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?').run(mostQuarantined)
}

/** What the pages in use hold; what was freed is used again before the file grows. */
function bytesOf(database: DatabaseSync): number {
  const [pages, free, size] = ['page_count', 'freelist_count', 'page_size'].map((name) =>
    Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]),
  )
  return (pages! - free!) * size!
}

function halve(database: DatabaseSync, kind: string): void {
  const { count } = database.prepare('SELECT count(*) AS count FROM records WHERE kind = ?').get(kind) as {
    count: number
  }
  const middle = database
    .prepare('SELECT key FROM records WHERE kind = ? ORDER BY key LIMIT 1 OFFSET ?')
    .get(kind, Math.floor(count / 2)) as { key: string } | undefined
  if (middle) database.prepare('DELETE FROM records WHERE kind = ? AND open = 0 AND key < ?').run(kind, middle.key)
}
