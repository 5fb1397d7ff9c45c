import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, open, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { translateError } from './part.ts'

/** Names in a directory, sorted; none where it is not there. */
export async function list(path: string): Promise<string[]> {
  return readdir(path).then(
    (names) => names.sort(),
    () => [],
  )
}

/** Removes a directory if it is empty. */
export async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => undefined)
}

/** Of the first so many bytes, or of all; lower-case hex. */
export async function sha256Of(path: string, most?: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const end = most === undefined ? {} : { end: most - 1 }
  // As sha256sum reads: with Node's 64 KiB it takes half as long again.
  const stream = createReadStream(path, { highWaterMark: 1_048_576, ...end, ...(signal ? { signal } : {}) })
  for await (const chunk of stream) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

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

/** Makes what was written durable. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes a rename durable. Some network file systems refuse; they guarantee nothing either way. */
export async function syncDirectory(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => undefined)
  await file?.sync().catch(() => undefined)
  await file?.close()
}
