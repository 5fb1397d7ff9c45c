import { createHash, randomBytes } from 'node:crypto'
import { chmod, open, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { syncFolder } from '../../sync-folder.ts'
import { openToRead } from './own-file.ts'
import { translateError } from './trouble.ts'

/** Names in a directory that may be somebody else's, sorted; none where it can't be read. */
export async function list(path: string): Promise<string[]> {
  return listOwn(path).catch(() => [])
}

/** Names in a directory of ours, sorted; none where it is not there. @throws AgentError where it can't be read */
export async function listOwn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw translateError(path, error)
  }
}

/** Removes a directory if it is empty. */
export async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => undefined)
}

/** Of the first so many bytes, or of all; lower-case hex. @throws AgentError `malformed` for what is no file */
export async function sha256Of(path: string, most?: number, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted()
  const hash = createHash('sha256')
  const file = await openToRead(path)
  try {
    let [present, next] = [Buffer.allocUnsafeSlow(hashedAtOnce), Buffer.allocUnsafeSlow(hashedAtOnce)]
    let at = 0
    const read = (into: Buffer) => file.read(into, 0, Math.min(into.length, (most ?? Infinity) - at), at)
    let { bytesRead } = await read(present)
    while (bytesRead > 0) {
      signal?.throwIfAborted()
      at += bytesRead
      // The disk reads on while what has come is hashed.
      const reading = read(next)
      hash.update(present.subarray(0, bytesRead))
      ;({ bytesRead } = await reading)
      ;[present, next] = [next, present]
    }
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

/** In bytes. */
const hashedAtOnce = 524_288

/** Writes a file atomically: to a temporary name, then renamed. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`
  try {
    await writeFile(temporary, `${text}\n`, { mode: 0o644, flush: true })
    await chmod(temporary, 0o644)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw translateError(path, error)
  }
}

/** Copies a file, which is on the disk then. It is opened once: some network mounts write no file a second time. */
export async function copyWhole(from: string, to: string): Promise<void> {
  const source = await open(from, 'r')
  try {
    const copy = await open(to, 'wx', 0o644)
    try {
      await copy.writeFile(source.createReadStream({ autoClose: false, highWaterMark: copiedAtOnce }))
      await copy.sync()
    } finally {
      await copy.close()
    }
  } finally {
    await source.close()
  }
}

/** In bytes. */
const copiedAtOnce = 1_048_576

/** Makes a rename durable. Some network file systems refuse; they guarantee nothing either way. */
export async function syncDirectory(path: string): Promise<void> {
  await syncFolder(path).catch(() => undefined)
}
