import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import { ShareFull } from '../../core/release/share-full.ts'

/** Calls that change nothing. */
const reads = new Set(['scandir', 'stat', 'lstat', 'statfs'])
/** What a disk or a server of files says that fails. */
const broken = new Set(['EIO', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENODEV', 'ENOTCONN', 'ENXIO', 'ESTALE', 'ETIMEDOUT'])

/** Whether it is the disk or the server of files that fails, whatever is read from it. */
export const hasFailed = (error: unknown) => broken.has(String((error as NodeJS.ErrnoException).code))

/** Errors of the file system in the operator's words. */
export function translateError(path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error
  const {
    code = '',
    syscall = '',
    path: first = path,
    dest,
  } = error as NodeJS.ErrnoException & { readonly dest?: string }
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ShareFull(`the share is full: free space in ${dirname(path)}`, undefined, error)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new AgentError(
      'misconfigured',
      reads.has(syscall)
        ? `${path} can't be read: ${messageOf(error)}. Check who owns the share and how it is mounted`
        : `${path} can't be written: ${messageOf(error)}. Check who owns the share and how it is mounted`,
      error,
    )
  }
  if (code === 'EEXIST') return alsoWritten(first)
  // Somebody else's: whoever has put it there may want it.
  if (code === 'EISDIR' || code === 'ERR_FS_EISDIR')
    return new AgentError('misconfigured', `${dest ?? first} is a folder where a file belongs: move it away`, error)
  if (code === 'ENOENT')
    return new AgentError('unreachable', `${first} is gone: was the share unmounted? Mount it again`, error)
  if (hasFailed(error))
    return new AgentError(
      'unreachable',
      `${path}: ${messageOf(error)}. Check the disk or the server of the share`,
      error,
    )
  if (code === 'ENOTDIR')
    return new AgentError('misconfigured', `a folder of ${first} is a file: move that away`, error)
  return new AgentError('unreachable', `${path}: ${messageOf(error)}`, error)
}

/** Two that write the same file get one that neither has counted. */
export function alsoWritten(path: string): AgentError {
  return new AgentError('unreachable', `something else writes to ${path}: does another Caretaker use this share?`)
}

/** Why a file of ours is not as we left it: somebody has taken it, or the whole share is away. */
export async function whyTaken(path: string): Promise<AgentError> {
  const folder = dirname(path)
  return stat(folder).then(
    () => alsoWritten(path),
    (error: unknown) => translateError(folder, error),
  )
}

export function translate(path: string): (error: unknown) => never {
  return (error) => {
    throw translateError(path, error)
  }
}
