import { constants } from 'node:fs'
import { chmod, lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../core/errors.ts'

/** What is found of the state directory, which holds the journal, credentials and snapshots with every secret. */
export interface StateAccess {
  /** What others could read or write before, relative to the directory; `.` is the directory itself. */
  readonly tightened: readonly string[]
  /** Why it can't be kept from others, and what to do; undefined where it is. */
  readonly fault: string | undefined
}

/** So many entries are looked at: the state directory has a few dozen. */
const mostEntries = 5_000
const othersMay = 0o077
/** What is ours in a directory that holds other things as well. */
const ours = /^\.?(journal\.db|lock\.db|last-good\.yaml|control\.sock|credentials|keys|machine-secrets|snapshots|queue)/

export interface PrivateStateOptions {
  readonly directory: string
  /** The user that we run as. */
  readonly uid: number
  /** Directories that others need: in them only what is ours is touched. */
  readonly shared?: readonly string[]
}

/**
 * Takes from others what they may do with the state directory and everything in it. One that belongs to root, as a volume
 * does, is left as it is: nobody else can replace what is in it, unless everybody may write there.
 */
export async function keepStatePrivate({ directory, uid, shared = [] }: PrivateStateOptions): Promise<StateAccess> {
  const isShared = shared.includes(directory)
  const tightened: string[] = []
  const faults: string[] = []
  const give = `run \`chown -R ${uid} ${directory}\`, or set 'state' to a directory of its own`

  async function tighten(path: string, name: string, mode: number): Promise<void> {
    if ((mode & othersMay) === 0) return
    try {
      await chmod(path, mode & 0o7700)
      // Some file systems take it without a word, and do nothing.
      if (((await stat(path)).mode & othersMay) !== 0) throw new Error('its file system ignores permissions')
      tightened.push(name)
    } catch (error) {
      faults.push(`others can read ${path}, and that can't be changed (${messageOf(error)}): ${give}`)
    }
  }

  async function walk(path: string, name: string): Promise<void> {
    for (const entry of await readdir(path)) {
      if (isShared && name === '.' && !ours.test(entry)) continue
      if (tightened.length + faults.length > mostEntries) return
      const [at, called] = [join(path, entry), name === '.' ? entry : `${name}/${entry}`]
      const info = await lstat(at).catch(() => undefined)
      // What is root's, such as lost+found, only root can have put there.
      if (!info || info.isSymbolicLink() || (info.uid !== uid && info.uid === 0)) continue
      if (info.uid !== uid && uid !== 0) faults.push(`${at} belongs to the user ${info.uid}: ${give}`)
      else {
        await tighten(at, called, info.mode & 0o7777)
        if (info.isDirectory()) await walk(at, called)
      }
    }
  }

  const info = await stat(directory).catch(() => undefined)
  if (!info) return { tightened, fault: undefined }
  const [mode, mayAll] = [info.mode & 0o7777, (info.mode & constants.S_IWOTH) !== 0]
  if (!isShared && (info.uid === uid || uid === 0)) await tighten(directory, '.', mode)
  else if (mayAll && (mode & 0o1000) === 0) faults.push(`everybody can replace what is in ${directory}: ${give}`)
  else if (info.uid !== 0 && info.uid !== uid && !mayAll)
    faults.push(`${directory} belongs to the user ${info.uid}, who can replace what is in it: ${give}`)
  await walk(directory, '.').catch((error: unknown) => faults.push(`${directory} can't be read: ${messageOf(error)}`))
  return { tightened, fault: faults[0] }
}
