import { readFile, stat } from 'node:fs/promises'
import process from 'node:process'
import type { Owner } from './swap-files.ts'

/**
 * Who runs the daemon, as root can know it: the owner of the state directory, else the user `caretaker` of this machine. Undefined where
 * it is whoever asks.
 */
export async function findServiceUser(
  state: string,
  { uid = process.geteuid?.(), passwd = '/etc/passwd' }: { uid?: number | undefined; passwd?: string } = {},
): Promise<Owner | undefined> {
  if (uid !== 0) return undefined
  const folder = await stat(state).catch(() => undefined)
  // A folder that all may enter, as a volume, says nothing of who does.
  if (folder && folder.uid !== 0 && (folder.mode & 0o077) === 0) return { uid: folder.uid, gid: folder.gid }
  if (folder) return undefined
  const users = await readFile(passwd, 'utf8').catch(() => '')
  const found = /^caretaker:[^:]*:(\d+):(\d+):/m.exec(users)
  return found ? { uid: Number(found[1]), gid: Number(found[2]) } : undefined
}
