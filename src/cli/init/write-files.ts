import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, open, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import { forgetSwap, type Owner, recordBeside, type Replacement, swapFiles } from '../../main/swap-files.ts'
import type { PlannedFile } from './files.ts'

/**
 * Writes all of them or none, also where we are killed: each lies complete beside its place before the first takes it, and what is begun
 * then is finished by the next `init` or the next start. Until then the signal ends it, and nothing is left behind. What is secret may be
 * read by `reader`, who runs the daemon where that is not us.
 *
 * @throws AgentError `misconfigured` where one can't be written
 */
export async function writeFiles(files: readonly PlannedFile[], signal: AbortSignal, reader?: Owner): Promise<void> {
  const changed = files.filter(({ before, text }) => before !== text)
  const record = recordBeside(files.at(-1)!.path)
  const begun: string[] = []
  const ready: Replacement[] = []
  try {
    for (const file of changed) {
      signal.throwIfAborted()
      ready.push(await prepare(file, begun, reader))
    }
    signal.throwIfAborted()
    if (ready.length === 0) return
    await swapFiles(record, { what: 'the writing of the configuration', replacements: ready }, reader)
    await forgetSwap(record)
  } catch (error) {
    if (!existsSync(record)) await Promise.all(begun.map((beside) => rm(beside, { force: true })))
    throw error
  }
}

async function prepare(
  { path, text, isSecret }: PlannedFile,
  begun: string[],
  reader: Owner | undefined,
): Promise<Replacement> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    // The link stays, and what it leads to is replaced.
    const target = await realpath(path).catch(() => path)
    const old = await stat(target).catch(() => undefined)
    const folder = await stat(dirname(target))
    // One that a kill has left is of no use.
    const beside = join(dirname(target), `.${basename(target)}.new`)
    await rm(beside, { force: true })
    begun.push(beside)
    // Root's own folder does not say who runs the daemon.
    const shared = isSecret && folder.uid === 0 ? reader : undefined
    const mode = isSecret ? (shared ? 0o640 : 0o600) : old ? old.mode & 0o777 : 0o644
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
    await chown(beside, uid, shared?.gid ?? gid).catch(() => {})
    return { beside, target }
  } catch (error) {
    throw error instanceof AgentError
      ? error
      : new AgentError('misconfigured', `${path} can't be written: ${messageOf(error)}`, error)
  }
}
