import { lstatSync, statSync } from 'node:fs'

/**
 * What a failure of the file comes to.
 *
 * | kind       | means                                                            | then                            |
 * |------------|------------------------------------------------------------------|---------------------------------|
 * | damaged    | what is in it can't be read, or is no journal of ours            | set aside, and a new one begun  |
 * | unwritable | it may be whole, but may not be opened, read or written          | the same, where we may          |
 * | busy       | somebody else has locked it                                      | kept in memory for now          |
 * | full       | the disk has no room                                             | kept in memory for now          |
 */
export type FileFault = 'damaged' | 'unwritable' | 'busy' | 'full'

/** SQLite's primary result codes (https://sqlite.org/rescode.html); what is not listed is a file that is no journal. */
const primary: Readonly<Record<number, FileFault>> = {
  3: 'unwritable', // PERM
  5: 'busy', // BUSY
  6: 'busy', // LOCKED
  7: 'full', // NOMEM
  8: 'unwritable', // READONLY
  10: 'unwritable', // IOERR
  13: 'full', // FULL
  14: 'unwritable', // CANTOPEN
  15: 'busy', // PROTOCOL: the lock of a log in use
  23: 'unwritable', // AUTH
}

/** Of IOERR, READ, SHORT_READ and CORRUPTFS: the disk does not give back what was written. */
const unreadable = new Set([266, 522, 8458])
/** Of IOERR, SHMSIZE and WRITE can be a disk without room, too. */
const noRoom = new Set([778, 4874])

/** What a failure of SQLite or of the file system comes to. */
export function faultOf(error: unknown): FileFault {
  const { errcode, code } = (error ?? {}) as { readonly errcode?: number; readonly code?: string }
  if (typeof errcode === 'number') {
    if (unreadable.has(errcode)) return 'damaged'
    if (noRoom.has(errcode)) return 'full'
    return primary[errcode & 0xff] ?? 'damaged'
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'full'
  // One that the file system gives no name to is not SQLite's either.
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? 'unwritable' : 'damaged'
}

/** Why SQLite must not even open this path: a pipe would never let it go. Undefined where nothing is there. */
export function obstacleAt(path: string): string | undefined {
  const info = lstatSync(path, { throwIfNoEntry: false })
  if (!info || info.isFile()) return undefined
  if (!info.isSymbolicLink()) return info.isDirectory() ? 'a directory is in its place' : 'it is not a file'
  try {
    return statSync(path).isFile() ? undefined : 'its link does not lead to a file'
  } catch (error) {
    return `its link leads nowhere (${(error as NodeJS.ErrnoException).code})`
  }
}
