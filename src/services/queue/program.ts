import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { AgentError } from '../../core/errors.ts'

/** Where our own store is, and what runs it: found out without a client of it, which is large. */

const programs = ['valkey-server', 'redis-server']
/** Linux' limit for the path of a unix socket is 107 bytes, macOS' is 103. */
const longestSocketPath = 103

/** The directory of our own store. */
export function directoryOf({ state }: { readonly state: string }): string {
  return join(state, 'queue')
}

/** Where a store in that directory listens. */
export function socketOf(directory: string): string {
  return join(directory, 'queue.sock')
}

/**
 * What can be found out before anything is started: whether there is a program, and a socket can be where it is to be.
 *
 * @throws AgentError `misconfigured`, naming the line that installs a program
 */
export async function checkStore(files: { readonly state: string; readonly searchPath: string }): Promise<void> {
  checkPath(directoryOf(files))
  await findProgram(files.searchPath)
}

/** @throws AgentError `misconfigured` where no socket can be in that directory */
export function checkPath(directory: string): void {
  const path = socketOf(directory)
  if (Buffer.byteLength(path) > longestSocketPath)
    throw new AgentError('misconfigured', `the path ${path} is too long for a socket: set 'state' to a shorter one`)
}

/** @throws AgentError `misconfigured`, naming the line that installs a program */
export async function findProgram(searchPath: string): Promise<string> {
  for (const program of programs) {
    for (const folder of searchPath.split(delimiter)) {
      const candidate = join(folder, program)
      const isThere = await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (folder !== '' && isThere) return candidate
    }
  }
  throw new AgentError(
    'misconfigured',
    'neither valkey-server nor redis-server is installed, and the queue needs one: `apt-get install redis-server` (Debian, Ubuntu), `brew install valkey` (macOS), or set queue.url to one that runs elsewhere',
  )
}
