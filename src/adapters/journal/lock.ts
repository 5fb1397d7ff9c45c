import { mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AgentError, messageOf } from '../../core/errors.ts'
import { faultOf, obstacleAt } from './fault.ts'

/** Keeps a reference to each lock: garbage collection would release it. */
const locks = new Set<DatabaseSync>()

/** Another daemon has the state directory: the one reason not to run beside it. */
export class StateInUse extends AgentError {}

/**
 * Takes the state directory for this process alone, until it is disposed of or the process ends in whatever way: SQLite
 * holds a lock of the operating system on the file (https://sqlite.org/lockingv3.html), which no crash leaves behind.
 * There is nothing in that file, so one that is damaged is moved out of the way.
 *
 * @throws StateInUse when another daemon has it, AgentError `misconfigured` when the directory can't be written to
 */
export function lockState(directory: string): Disposable {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new AgentError(
      'misconfigured',
      `the state directory ${directory} can't be created: ${messageOf(error)}. Set 'state' to a directory of your own`,
      error,
    )
  }
  const path = join(directory, 'lock.db')
  try {
    return lockFile(path)
  } catch (error) {
    const fault = obstacleAt(path) === undefined ? faultOf(error) : 'damaged'
    if (fault === 'busy')
      throw new StateInUse(
        'misconfigured',
        `another Caretaker uses ${directory}: stop it first, or give this one its own 'state'`,
        error,
      )
    try {
      if (fault !== 'damaged') throw error
      renameSync(path, `${path}.damaged`)
      return lockFile(path)
    } catch {
      throw new AgentError(
        'misconfigured',
        `the state directory ${directory} can't be written to: ${messageOf(error)}${fault === 'unwritable' ? ownersAdvice(directory) : ''}`,
        error,
      )
    }
  }
}

function lockFile(path: string): Disposable {
  const obstacle = obstacleAt(path)
  if (obstacle !== undefined) throw new Error(`${path}: ${obstacle}`)
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;')
  } catch (error) {
    database.close()
    throw error
  }
  locks.add(database)
  return {
    [Symbol.dispose]: () => {
      if (locks.delete(database)) database.close()
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
