import { randomBytes } from 'node:crypto'
import { access, chmod, constants, link, mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf } from '../core/errors.ts'
import { syncFolder } from '../sync-folder.ts'

/** The outcome; a file that was changed by someone else is not overwritten. */
export type Replaced =
  | { readonly done: true }
  | { readonly done: false; readonly why: string; readonly changed: boolean }

/**
 * Replaces a file atomically and durably: readers see the old or the new text, even after a power cut. Mode and, where
 * permitted, owner stay. Nothing is written where the file no longer has the `expected` text.
 */
export async function replaceFile(file: string, expected: string, text: string): Promise<Replaced> {
  try {
    // The link stays, and what it leads to is replaced.
    const target = await realpath(file)
    const { mode, uid, gid } = await stat(target)
    // A rename would not ask; and root may write to what its owner has made read-only.
    if ((mode & 0o222) === 0) return { done: false, changed: false, why: `${file} is read-only` }
    await access(target, constants.W_OK)
    const isChanged = await writeBeside(target, text, {
      mode: mode & 0o777,
      owner: { uid, gid },
      isStill: async () => (await readFile(target, 'utf8')) === expected,
    })
    return isChanged ? { done: true } : { done: false, changed: true, why: `${file} was changed in the meantime` }
  } catch (error) {
    return { done: false, changed: false, why: messageOf(error) }
  }
}

/** Writes a file that only we read (0600), in a directory of its own (0700) where there is none. */
export async function writeSecret(file: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeBeside(file, text, { mode: 0o600 })
}

/** The same for one that must not be replaced: what is there already stays, whoever wrote it. */
export async function createSecret(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeBeside(file, text, { mode: 0o600, isNew: true })
}

interface Manner {
  readonly mode: number
  readonly owner?: { readonly uid: number; readonly gid: number }
  readonly isStill?: () => Promise<boolean>
  /** It is not to take the place of anything. */
  readonly isNew?: boolean
}

/** Answers whether it was done. */
async function writeBeside(
  target: string,
  text: string | Uint8Array,
  { mode, owner, isStill, isNew }: Manner,
): Promise<boolean> {
  const directory = dirname(target)
  const beside = join(directory, `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  try {
    const handle = await open(beside, 'wx', mode)
    try {
      await handle.writeFile(text)
      if (owner) await handle.chown(owner.uid, owner.gid).catch(() => {})
      await handle.sync()
    } finally {
      await handle.close()
    }
    // What the umask has taken away.
    await chmod(beside, mode)
    if (isStill && !(await isStill())) return false
    if (isNew === true) await linkTo(beside, target)
    else await rename(beside, target)
  } finally {
    await unlink(beside).catch(() => {})
  }
  await syncFolder(directory)
  return true
}

/** One of two who do it at a time is first. File systems without links, such as exFAT, can't tell which. */
async function linkTo(beside: string, target: string): Promise<void> {
  try {
    await link(beside, target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error
    await rename(beside, target)
  }
}
