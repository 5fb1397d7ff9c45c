import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Entry, Journal, Run } from '../../core/journal.ts'
import type { Outage } from '../../core/power/outage.ts'
import type { Rollout } from '../../core/upgrade/record.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT, text TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, job TEXT NOT NULL, startedAt TEXT NOT NULL, endedAt TEXT, outcome TEXT, detail TEXT);
  CREATE TABLE IF NOT EXISTS releases (version TEXT PRIMARY KEY, firstSeen INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outages (startedAt TEXT PRIMARY KEY, open INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS rollouts (id TEXT PRIMARY KEY, open INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
`
/** So much is kept of what is only read by people. */
const keptEntries = 20_000
const keptRuns = 5_000
const pruneEvery = 500
/** Statements that wait for the disk. */
const keptPending = 10_000
const forPeople = /^(INSERT INTO|UPDATE|DELETE FROM) (entries|runs)/

export interface JournalHandle extends Journal, Disposable {}

/** How long somebody else's lock is waited for, in ms: nothing else runs meanwhile, and a power cut doesn't wait. */
const lockedFor = 250
/** And then not again before this time, in ms. */
const triesEvery = 1_000

export interface JournalOptions {
  /** For the CLI, which reads beside a running daemon. */
  readonly readOnly?: boolean
  /** Told once when the disk fails, and once when it is well again. */
  readonly onDegraded?: (why: string | undefined) => void
  readonly now?: () => Date
}

/**
 * The journal in SQLite: write-ahead log, and `synchronous = FULL`, so that what a call has written survives a power cut
 * (https://sqlite.org/pragma.html#pragma_synchronous). When the disk fails, everything goes on in memory: the newest
 * state is written back as soon as the disk takes it.
 *
 * @throws AgentError `misconfigured` when it can't be opened at all
 */
export function openJournal(
  directory: string,
  { readOnly = false, onDegraded, now = () => new Date() }: JournalOptions = {},
): JournalHandle {
  const database = open(directory, readOnly)
  /** Entries, runs, facts, outages and rollouts that the disk has not taken, as statements to do again. */
  const pending: { sql: string; values: readonly (string | number | null)[] }[] = []
  /** First seen by this process. */
  const noted = new Map<string, number>()
  let degraded: string | undefined
  let waitsUntil = 0
  let isOpen = false
  /** All of them: a pause must not be forgotten because the disk fails after the start. */
  const facts = new Map(
    all<{ key: string; value: string }>('SELECT key, value FROM facts').map(({ key, value }) => [key, value]),
  )
  let outage: Outage | undefined = readOutages(1, 'WHERE open = 1')[0]
  /** A reader can't make the tables that an older agent did not have. */
  const hasRollouts =
    !readOnly || all(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'rollouts'`).length > 0
  const openRollouts = new Map(readRollouts(1_000, 'WHERE open = 1').map((rollout) => [rollout.id, rollout]))
  /** Those that the disk may not have taken yet. */
  const unwritten = new Map<string, Rollout>()
  const unwrittenOutages = new Map<string, Outage>()
  let runIds = all<{ top: number | null }>('SELECT max(id) AS top FROM runs')[0]?.top ?? 0
  let writes = 0
  isOpen = true
  // Not only after so many writes: an agent that is often restarted would never come to it.
  if (!readOnly) prune()

  /** Rows, with undefined where the table has nothing. What the disk no longer gives back counts as not there. */
  function all<T>(sql: string, ...values: (string | number)[]): T[] {
    try {
      return database
        .prepare(sql)
        .all(...values)
        .map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value ?? undefined])) as T)
    } catch (error) {
      if (readOnly || !isOpen)
        throw new AgentError('misconfigured', `the journal in ${directory} can't be read: ${messageOf(error)}`, error)
      noteDegraded(error)
      return []
    }
  }

  function noteDegraded(error: unknown): void {
    if (degraded !== undefined) return
    degraded = messageOf(error)
    onDegraded?.(degraded)
  }

  /** Never throws: what the disk refuses is kept, in order, and tried again with the next write. */
  function write(sql: string, ...values: readonly (string | number | null)[]): void {
    pending.push({ sql, values })
    flush()
  }

  function flush(): void {
    if (performance.now() < waitsUntil) return
    try {
      // Many at once, because each transaction waits for the disk; few where that is more than it takes.
      let most = degraded === undefined ? 500 : 1
      while (pending.length > 0) {
        try {
          take(most)
          most = Math.min(500, most * 8)
        } catch (error) {
          if (most === 1) throw error
          most = 1
        }
      }
      if (degraded !== undefined) {
        degraded = undefined
        onDegraded?.(undefined)
      }
    } catch (error) {
      // Without a bound a disk that is full for weeks would fill the memory too; the oldest sentences go first, and
      // never what decisions are made from.
      if (pending.length > keptPending) {
        const oldest = pending.findIndex(({ sql }) => forPeople.test(sql))
        if (oldest >= 0) pending.splice(oldest, 1)
      }
      // Each try stops everything else for as long as it waits.
      if (/locked|busy/i.test(messageOf(error))) waitsUntil = performance.now() + triesEvery
      noteDegraded(error)
    }
  }

  /** Writes the oldest that are pending, all of them or none. */
  function take(most: number): void {
    const batch = pending.slice(0, most)
    database.exec('BEGIN')
    try {
      for (const { sql, values } of batch) database.prepare(sql).run(...values)
      database.exec('COMMIT')
    } catch (error) {
      // SQLite may have rolled back by itself.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
    pending.splice(0, batch.length)
  }

  /** From time to time, at the first of so many. */
  function prune(): void {
    if (writes++ % pruneEvery !== 0) return
    write('DELETE FROM entries WHERE id <= (SELECT max(id) FROM entries) - ?', keptEntries)
    write('DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?', keptRuns)
  }

  function readOutages(limit: number, where = ''): Outage[] {
    return all<{ record: string }>(`SELECT record FROM outages ${where} ORDER BY startedAt DESC LIMIT ?`, limit).map(
      ({ record }) => JSON.parse(record) as Outage,
    )
  }

  function readRollouts(limit: number, where = ''): Rollout[] {
    if (!hasRollouts) return []
    return all<{ record: string }>(`SELECT record FROM rollouts ${where} ORDER BY id DESC LIMIT ?`, limit).map(
      ({ record }) => JSON.parse(record) as Rollout,
    )
  }

  return {
    get degraded() {
      return degraded
    },
    write: ({ kind, subject, text }) => {
      write(
        'INSERT INTO entries (at, kind, subject, text) VALUES (?, ?, ?, ?)',
        now().toISOString(),
        kind,
        subject ?? null,
        text,
      )
      prune()
    },
    entries: (limit) => all<Entry>('SELECT id, at, kind, subject, text FROM entries ORDER BY id DESC LIMIT ?', limit),
    beginRun: (job) => {
      const id = ++runIds
      write('INSERT INTO runs (id, job, startedAt) VALUES (?, ?, ?)', id, job, now().toISOString())
      prune()
      return id
    },
    endRun: (id, outcome, detail) => {
      write(
        'UPDATE runs SET endedAt = ?, outcome = ?, detail = ? WHERE id = ?',
        now().toISOString(),
        outcome,
        detail,
        id,
      )
    },
    runs: (limit) =>
      all<Run>('SELECT id, job, startedAt, endedAt, outcome, detail FROM runs ORDER BY id DESC LIMIT ?', limit),
    firstSeen: (versions, at) => {
      const seen = new Map(
        all<{ version: string; firstSeen: number }>('SELECT version, firstSeen FROM releases').map((row) => [
          row.version,
          row.firstSeen,
        ]),
      )
      // The disk may not have taken them yet.
      for (const [version, since] of noted) if (!seen.has(version)) seen.set(version, since)
      const fresh = versions.filter((version) => !seen.has(version))
      for (const version of fresh) {
        noted.set(version, at)
        seen.set(version, at)
        if (!readOnly) write('INSERT OR IGNORE INTO releases (version, firstSeen) VALUES (?, ?)', version, at)
      }
      return seen
    },
    remember: (key, value) => {
      const json = value === undefined ? undefined : JSON.stringify(value)
      if (json === undefined) {
        facts.delete(key)
        write('DELETE FROM facts WHERE key = ?', key)
        return
      }
      facts.set(key, json)
      write(
        'INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        key,
        json,
      )
    },
    recall: <T>(key: string) => {
      // Who only reads sees what the writer has changed since.
      const json = readOnly
        ? all<{ value: string }>('SELECT value FROM facts WHERE key = ?', key)[0]?.value
        : facts.get(key)
      return json === undefined ? undefined : (JSON.parse(json) as T)
    },
    openOutage: () => outage,
    saveOutage: (changed) => {
      outage = changed.stage === 'over' ? undefined : changed
      unwrittenOutages.set(changed.startedAt, changed)
      const open = changed.stage === 'over' ? 0 : 1
      write(
        'INSERT INTO outages (startedAt, open, record) VALUES (?, ?, ?) ON CONFLICT (startedAt) DO UPDATE SET open = excluded.open, record = excluded.record',
        changed.startedAt,
        open,
        JSON.stringify(changed),
      )
      if (pending.length === 0) unwrittenOutages.clear()
    },
    outages: (limit) => {
      const written = readOutages(limit).filter(({ startedAt }) => !unwrittenOutages.has(startedAt))
      const all = [...written, ...unwrittenOutages.values()]
      return all.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1)).slice(0, limit)
    },
    openRollout: () => {
      // Who only reads sees what the writer has changed since.
      const found = readOnly ? readRollouts(1, 'WHERE open = 1') : newestFirst(openRollouts.values())
      return found[0]
    },
    saveRollout: (changed) => {
      const goesOn = changed.endedAt === undefined
      if (goesOn) openRollouts.set(changed.id, changed)
      else openRollouts.delete(changed.id)
      unwritten.set(changed.id, changed)
      write(
        'INSERT INTO rollouts (id, open, record) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET open = excluded.open, record = excluded.record',
        changed.id,
        goesOn ? 1 : 0,
        JSON.stringify(changed),
      )
      if (pending.length === 0) unwritten.clear()
    },
    rollouts: (limit) => {
      const written = readRollouts(limit).filter(({ id }) => !unwritten.has(id))
      return newestFirst([...written, ...unwritten.values()]).slice(0, limit)
    },
    [Symbol.dispose]: () => {
      if (pending.length > 0) flush()
      database.close()
    },
  }
}

function newestFirst(rollouts: Iterable<Rollout>): Rollout[] {
  return [...rollouts].sort((a, b) => (a.id < b.id ? 1 : -1))
}

function open(directory: string, readOnly: boolean): DatabaseSync {
  const path = join(directory, 'journal.db')
  try {
    if (!readOnly) mkdirSync(directory, { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(path, { readOnly, timeout: readOnly ? 5_000 : lockedFor })
    if (!readOnly) {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
      database.exec(schema)
    }
    return database
  } catch (error) {
    const what = readOnly ? `there is no journal in ${directory} to read` : `the journal ${path} can't be opened`
    throw new AgentError(
      'misconfigured',
      `${what}: ${messageOf(error)}. Check the setting 'state' and its permissions`,
      error,
    )
  }
}
