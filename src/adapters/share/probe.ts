import { randomBytes } from 'node:crypto'
import { chmod, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import type { WrittenProbe } from '../../core/doctor/ports.ts'
import { checkDirectory } from './layout.ts'
import { translateError } from './trouble.ts'

const prefix = 'caretaker-check-'
/** In ms: nobody reads a probe for so long; it was left by a process that was killed. */
const leftAfter = 600_000

/**
 * Writes a small file into the share as images are written, readable for everybody, and reads it back from the disk.
 * Whatever happens, the file is gone afterwards, or with `remove`.
 *
 * @throws AgentError `misconfigured` where the share is not there or can't be written, `malformed` where other bytes are read
 */
export async function writeProbe(directory: string, bytes: Uint8Array, signal: AbortSignal): Promise<WrittenProbe> {
  await checkDirectory({ directory })
  await removeLeft(directory)
  const file = `${prefix}${randomBytes(6).toString('hex')}`
  const path = join(directory, file)
  const remove = async () => rm(path, { force: true })
  try {
    signal.throwIfAborted()
    const handle = await open(path, 'wx', 0o644)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await chmod(path, 0o644)
    if (!(await readFile(path)).equals(bytes))
      throw new AgentError(
        'malformed',
        `${path} reads back differently than it was written: check the disk of the share`,
      )
    signal.throwIfAborted()
    return { file, remove }
  } catch (error) {
    await remove().catch(() => {})
    throw error instanceof AgentError ? error : translateError(path, error)
  }
}

async function removeLeft(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const path of names.filter(isProbe).map((name) => join(directory, name))) {
    const info = await stat(path).catch(() => undefined)
    if (info && Date.now() - info.mtimeMs > leftAfter) await rm(path, { force: true }).catch(() => {})
  }
}

/** Takes a probe away, by its name; nothing else on the share. */
export async function removeProbe(directory: string, file: string): Promise<void> {
  if (isProbe(file)) await rm(join(directory, file), { force: true })
}

/** An image may begin with the same word. */
function isProbe(file: string): boolean {
  return new RegExp(`^${prefix}[0-9a-f]{12}$`).test(file)
}
