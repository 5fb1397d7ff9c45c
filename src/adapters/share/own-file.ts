import { constants, type FileHandle, lstat, open, rm } from 'node:fs/promises'
import { AgentError } from '../../core/errors.ts'

// The share is open to others, and a file of ours may have become anything: a link that leads out of the share, a pipe that
// waits for a writer, a folder.

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** Opens a file to read it. @throws AgentError `malformed` for what is no file; what the file system throws */
export async function openToRead(path: string, flags = 0): Promise<FileHandle> {
  const file = await open(path, O_RDONLY | O_NONBLOCK | flags)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new AgentError('malformed', `${path} is no file`)
}

/** The text of a small file; undefined where there is none, or one of more than so many bytes. */
export async function readSmall(path: string, most: number): Promise<string | undefined> {
  try {
    await using file = await openToRead(path)
    return (await file.stat()).size > most ? undefined : await file.readFile('utf8')
  } catch {
    return undefined
  }
}

/**
 * Opens a download to write it, and no other file: what is not a file of its own under this name is taken away first. One that
 * starts anew gets a new file, as another process may still be writing the old one.
 */
export async function openPart(path: string, { goesOn }: { readonly goesOn: boolean }): Promise<FileHandle> {
  const info = await lstat(path).catch(() => undefined)
  const isOwn = info?.isFile() === true && info.nlink <= 1
  if (info && !(isOwn && goesOn) && !info.isDirectory()) await rm(path, { force: true })
  // A folder is named as one.
  const isNew = !goesOn && !info?.isDirectory()
  const how = goesOn ? O_RDWR : O_WRONLY | (isNew ? O_EXCL : 0)
  return open(path, how | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
}

/** Lets everybody read a file, and not what a link leads to. */
export async function makeReadable(path: string): Promise<void> {
  await using file = await openToRead(path, O_NOFOLLOW)
  await file.chmod(0o644)
}
