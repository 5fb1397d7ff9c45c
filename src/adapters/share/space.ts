import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import { translate } from './trouble.ts'

/** In bytes; undefined of a file system that does not tell, as some of FUSE don't: it has no blocks at all then. */
export async function freeSpaceOf(path: string): Promise<number | undefined> {
  const { bavail, blocks, bsize } = await statfs(path)
  return blocks === 0 ? undefined : bavail * bsize
}

/** Requires space for the rest of the image, and for one copy where the share has no hard links. */
export async function checkSpace(path: string, size: number | undefined, have: number): Promise<void> {
  if (size === undefined) return
  const free = await freeSpaceOf(dirname(path)).catch(translate(path))
  const needed = 2 * size - have
  if (free !== undefined && free < needed) {
    throw new AgentError(
      'rejected',
      `the share has ${megabytes(free)} free and needs ${megabytes(needed)}: free space in ${dirname(path)}`,
    )
  }
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
