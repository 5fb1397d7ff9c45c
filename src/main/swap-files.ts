import { existsSync } from 'node:fs'
import { copyFile, link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { AgentError, messageOf } from '../core/errors.ts'
import { listOf, object, optional, type Shape, text } from '../core/shape.ts'
import { syncFolder } from '../sync-folder.ts'

/** A file that lies complete beside the place that it is to take. Absolute paths. */
export interface Replacement {
  readonly beside: string
  readonly target: string
  /** Where what it replaces is kept. Its folder is made, for the owner of `owner` alone. */
  readonly kept?: string | undefined
}

/** Files that take their places together: all of them, whenever the process is killed. */
export interface Swap {
  /** What for, as a sentence begins: `the restore of the backup of 2026-11-27T02:10:00Z`. */
  readonly what: string
  readonly replacements: readonly Replacement[]
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

const isRoot = () => process.geteuid?.() === 0

const shape: Shape<Swap> = object<Swap>({
  what: text,
  replacements: listOf(object<Replacement>({ beside: text, target: text, kept: optional(text) })),
})

/** What SQLite keeps beside a journal that could not be settled: another journal must not read it. */
const companions = ['-wal', '-shm', '-journal']

/**
 * Puts files in their places. What is to be done is written down first, at `record`: from then on it is done, by `finishSwap`
 * if not by us, and until then nothing is touched. `reader` may finish what root has begun.
 *
 * @throws AgentError `misconfigured` where a file can't be replaced: `finishSwap` goes on where it ended
 */
export async function swapFiles(record: string, swap: Swap, reader?: Owner): Promise<void> {
  for (const folder of new Set(swap.replacements.map(({ beside }) => dirname(beside)))) await syncFolder(folder)
  const part = `${record}.part`
  await using handle = await open(part, 'w', 0o600)
  await handle.writeFile(JSON.stringify(swap))
  // For the daemon to finish it, who may not change it: a record of another user is one that root does not trust.
  if (reader && isRoot()) {
    await handle.chown(0, reader.gid)
    await handle.chmod(0o640)
  }
  await handle.sync()
  await rename(part, record)
  await syncFolder(dirname(record))
  await carryOut(record, swap)
}

/** What is left of a swap that is done, once nobody needs to be told of it. */
export async function forgetSwap(record: string): Promise<void> {
  await rm(doneOf(record), { force: true })
}

const doneOf = (record: string) => `${record}.done`

/**
 * Goes on with a swap that was cut off. Returns what it was for, and whether it had been done before; undefined where there is none.
 *
 * @throws AgentError `misconfigured` where it can't be finished: it is left for the next one
 */
export async function finishSwap(
  record: string,
): Promise<{ readonly what: string; readonly wasDone: boolean } | undefined> {
  const pending = await readSwap(record)
  if (pending) await carryOut(record, pending)
  const done = pending ?? (await readSwap(doneOf(record)))
  return done && { what: done.what, wasDone: pending === undefined }
}

async function readSwap(record: string): Promise<Swap | undefined> {
  const written = await readFile(record, 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw new AgentError('misconfigured', `${record} can't be read: ${messageOf(error)}`, error)
  })
  if (written === undefined) return undefined
  const { uid } = await stat(record)
  if (uid !== 0 && uid !== process.geteuid?.())
    throw new AgentError('misconfigured', `${record} belongs to the user ${uid}, who has to finish it`)
  let content: unknown
  try {
    content = JSON.parse(written)
  } catch {
    throw new AgentError('malformed', `${record} is not JSON`)
  }
  return shape(content, record)
}

async function carryOut(record: string, { replacements }: Swap): Promise<void> {
  for (const one of replacements) {
    try {
      await replace(one)
    } catch (error) {
      throw new AgentError('misconfigured', `${one.target} can't be replaced: ${messageOf(error)}`, error)
    }
  }
  for (const folder of new Set(replacements.map(({ target }) => dirname(target)))) await syncFolder(folder)
  await rename(record, doneOf(record))
  await syncFolder(dirname(record))
}

/** What is no longer beside it has taken its place already. */
async function replace({ beside, target, kept }: Replacement): Promise<void> {
  if (!existsSync(beside)) return
  if (kept !== undefined) await keep(target, kept)
  await rename(beside, target)
}

/** The old file stays in its place until the new one takes it. */
async function keep(target: string, kept: string): Promise<void> {
  for (const ending of companions)
    if (existsSync(`${target}${ending}`)) await rename(`${target}${ending}`, `${kept}${ending}`)
  if (existsSync(kept) || !existsSync(target)) return
  const isLinked = await link(target, kept).then(
    () => true,
    () => false,
  )
  if (isLinked) return syncFolder(dirname(kept))
  const part = `${kept}.part`
  await copyFile(target, part)
  const { uid, gid, mode } = await stat(target)
  await using handle = await open(part, 'r')
  await handle.chmod(mode & 0o7777)
  if (isRoot()) await handle.chown(uid, gid)
  await handle.sync()
  await rename(part, kept)
  await syncFolder(dirname(kept))
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/** Where a swap of files of a configuration is written down. */
export function recordBeside(file: string): string {
  return join(dirname(file), '.caretaker-unfinished.json')
}
