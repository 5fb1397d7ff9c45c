import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import process from 'node:process'
import { messageOf } from '../core/errors.ts'

/**
 * Why a file can't be read, and what to do. Permissions are what people of containers meet: the files are theirs, and the container
 * runs as somebody else.
 */
export async function whyUnreadable(file: string, error: unknown): Promise<string> {
  if ((error as NodeJS.ErrnoException | undefined)?.code !== 'EACCES') return messageOf(error)
  const user = process.geteuid?.()
  const info = await stat(file).catch(() => undefined)
  const runsAs = `Caretaker runs as the user ${user}`
  // Also an access list, or another system's rules for permissions, which a chown would not change.
  if (!info) return `a folder above it is closed, and ${runsAs}: run \`chmod o+x ${dirname(file)}\`, or hand it over`
  const mode = (info.mode & 0o777).toString(8)
  return info.uid === user
    ? `its mode is ${mode}: run \`chmod u+r ${file}\``
    : `it belongs to the user ${info.uid}, its mode is ${mode}, and ${runsAs}: run \`chown ${user} ${file}\``
}
