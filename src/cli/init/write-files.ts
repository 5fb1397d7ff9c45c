import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { PlannedFile } from './files.ts'

/**
 * Writes all of them or none: each lies complete beside its place before the first takes it, and the configuration, which
 * is the last, refers to nothing that is not there. Until then the signal ends it, and nothing is left behind.
 *
 * @throws AgentError `misconfigured` where one can't be written
 */
export async function writeFiles(files: readonly PlannedFile[], signal: AbortSignal): Promise<void> {
  const changed = files.filter(({ before, text }) => before !== text)
  const begun: string[] = []
  const ready: { readonly beside: string; readonly target: string }[] = []
  try {
    for (const file of changed) {
      signal.throwIfAborted()
      ready.push(await prepare(file, begun))
    }
    signal.throwIfAborted()
    for (const { beside, target } of ready) await rename(beside, target)
    for (const folder of new Set(ready.map(({ target }) => dirname(target)))) await sync(folder)
  } finally {
    await Promise.all(begun.map((beside) => rm(beside, { force: true })))
  }
}

async function prepare(
  { path, text, isSecret }: PlannedFile,
  begun: string[],
): Promise<{ readonly beside: string; readonly target: string }> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    // The link stays, and what it leads to is replaced.
    const target = await realpath(path).catch(() => path)
    const old = await stat(target).catch(() => undefined)
    const folder = await stat(dirname(target))
    const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
    begun.push(beside)
    const mode = isSecret ? 0o600 : old ? old.mode & 0o777 : 0o644
    const handle = await open(beside, 'wx', mode)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await chmod(beside, mode)
    // Root prepares it for whoever runs the service: the folder's owner.
    const { uid, gid } = old ?? folder
    await chown(beside, uid, gid).catch(() => {})
    return { beside, target }
  } catch (error) {
    throw error instanceof AgentError
      ? error
      : new AgentError('misconfigured', `${path} can't be written: ${messageOf(error)}`, error)
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
