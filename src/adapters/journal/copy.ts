import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import { pathIn } from './database.ts'
import { formatOf } from './migrations.ts'

/** How long to wait for a daemon that writes, in ms. */
const waits = 5_000

/**
 * Copies the journal as it is at one moment, also beside a daemon that writes (https://sqlite.org/lang_vacuum.html), and looks whether
 * the copy is sound. Returns its format; undefined where there is no journal.
 *
 * @throws AgentError `malformed` where the journal is damaged, `misconfigured` where it can't be read
 */
export function copyJournal(directory: string, to: string): number | undefined {
  const path = pathIn(directory)
  if (!existsSync(path)) return undefined
  try {
    using file = new DatabaseSync(path, { readOnly: true, timeout: waits })
    file.prepare('VACUUM INTO ?').run(to)
  } catch (error) {
    throw new AgentError('misconfigured', `the journal ${path} can't be copied: ${messageOf(error)}`, error)
  }
  return checkCopy(to)
}

/** The format of a journal that is sound from its first page to its last. @throws AgentError `malformed` */
export function checkCopy(path: string): number {
  try {
    using copy = new DatabaseSync(path, { readOnly: true })
    const faults = copy
      .prepare('PRAGMA integrity_check(3)')
      .all()
      .map((row) => String(Object.values(row)[0]))
    if (faults.join() !== 'ok') throw new Error(faults.join('; '))
    return formatOf(copy)
  } catch (error) {
    throw new AgentError('malformed', `the journal is damaged: ${messageOf(error)}`, error)
  }
}

/**
 * Takes what SQLite keeps beside a journal that nobody has open into the journal: another file may take its place then.
 * What is damaged stays as it is.
 */
export function settleJournal(directory: string): void {
  const path = pathIn(directory)
  if (!existsSync(path)) return
  try {
    using file = new DatabaseSync(path, { timeout: waits })
    file.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;')
  } catch {
    // It is moved away with what is beside it.
  }
}
