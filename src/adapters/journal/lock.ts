import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'

/** Keeps a reference to each lock: garbage collection would release it. */
const locks = new Set<DatabaseSync>()

/**
 * Takes the state directory for this process alone, until it is disposed of or the process ends in whatever way: SQLite
 * holds a lock of the operating system on the file (https://sqlite.org/lockingv3.html), which no crash leaves behind.
 *
 * @throws AgentError `misconfigured` when another daemon has it, or the directory can't be written to
 */
export function lockState(directory: string): Disposable {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new AgentError(
      'misconfigured',
      `the state directory ${directory} can't be created: ${messageOf(error)}. Set 'state' to a directory of your own`,
    )
  }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 })
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;')
  } catch (error) {
    database?.close()
    if (/locked|busy/i.test(messageOf(error))) {
      throw new AgentError(
        'misconfigured',
        `another Caretaker uses ${directory}: stop it first, or give this one its own 'state'`,
      )
    }
    throw new AgentError(
      'misconfigured',
      `the state directory ${directory} can't be written to: ${messageOf(error)}${ownersAdvice(directory)}`,
    )
  }
  const held = database
  locks.add(held)
  return {
    [Symbol.dispose]: () => {
      if (locks.delete(held)) held.close()
    },
  }
}

/** What to do where what is there is another user's, as after a change of the container's user; else nothing. */
function ownersAdvice(directory: string): string {
  try {
    const owner = (statSync(join(directory, 'lock.db'), { throwIfNoEntry: false }) ?? statSync(directory)).uid
    return `. What is there belongs to the user ${owner}: hand it over with \`chown -R\`, or run Caretaker as that user`
  } catch {
    return ''
  }
}
