import { dirname } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'

/** Errors of the file system in the operator's words. */
export function translateError(path: string, error: unknown): AgentError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AgentError('rejected', `the share is full: free space in ${dirname(path)}`, error)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new AgentError(
      'misconfigured',
      `${path} can't be written: ${messageOf(error)}. Check who owns the share and how it is mounted`,
      error,
    )
  }
  return new AgentError('unreachable', `${path}: ${messageOf(error)}`, error)
}

export function translate(path: string): (error: unknown) => never {
  return (error) => {
    throw translateError(path, error)
  }
}
