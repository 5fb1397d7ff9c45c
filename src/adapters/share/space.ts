import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ShareFull } from '../../core/release/share-full.ts'
import { translate } from './trouble.ts'

/** In bytes; undefined of a file system that does not tell, as some of FUSE don't: it has no blocks at all then. */
export async function freeSpaceOf(path: string): Promise<number | undefined> {
  const { bavail, blocks, bsize } = await statfs(path)
  return blocks === 0 ? undefined : bavail * bsize
}

/** Requires space for the rest of the image, and for one copy where the share has no hard links. */
export async function checkSpace(path: string, size: number | undefined, have: number): Promise<void> {
  if (size === undefined) return
  await demandFree(dirname(path), 2 * size - have)
}

/** @throws ShareFull where not so many bytes are free in a folder */
export async function demandFree(folder: string, needed: number): Promise<void> {
  const free = await freeSpaceOf(folder).catch(translate(folder))
  if (free === undefined || free >= needed) return
  const text = `the share has ${megabytes(free)} free and needs ${megabytes(needed)}: free space in ${folder}`
  throw new ShareFull(text, needed)
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
