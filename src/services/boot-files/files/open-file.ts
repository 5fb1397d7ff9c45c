import { constants } from 'node:fs'
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { join } from 'node:path'
import { cleanName } from '../../../core/netboot/file-name.ts'
import type { RefusalReason } from '../../../core/netboot/boot-event.ts'

export type Opened = { readonly handle: FileHandle } | { readonly refused: RefusalReason }

/** Not to wait for whoever writes to a pipe, and not to follow a link that has just taken the place of a file. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW

/**
 * Opens a plain file below a directory, by the name that firmware gives. Links are followed as long as they stay inside;
 * what the file system leads to in the end counts, also where it is changed while we look.
 */
export async function openBelow(root: string, name: string): Promise<Opened> {
  const { path, fault } = cleanName(name)
  if (path === undefined) return { refused: fault }
  try {
    const top = await realpath(root)
    const real = await realpath(join(top, path))
    if (!isBelow(top, real)) return { refused: 'forbidden' }
    const handle = await open(real, flags)
    const refused = await whyNot(handle, top).catch(() => 'unreadable' as const)
    if (refused === undefined) return { handle }
    await handle.close()
    return { refused }
  } catch (error) {
    return { refused: reasonOf(error as NodeJS.ErrnoException) }
  }
}

async function whyNot(handle: FileHandle, top: string): Promise<RefusalReason | undefined> {
  const info = await handle.stat()
  if (!info.isFile()) return 'forbidden'
  // Linux tells where it has led.
  const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined)
  return opened === undefined || isBelow(top, opened.replace(/ \(deleted\)$/, '')) ? undefined : 'forbidden'
}

function isBelow(top: string, path: string): boolean {
  return path.startsWith(top.endsWith(sep) ? top : `${top}${sep}`)
}

/** What the system has too little of at the moment: files and sockets that are open, memory. */
const shortages: readonly unknown[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EAGAIN']

/** Why a file, or a socket to send it by, can't be opened. */
export function reasonOf({ code }: NodeJS.ErrnoException): RefusalReason {
  if (shortages.includes(code)) return 'busy'
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return 'not-found'
  // A link in a circle, a socket, a device without a driver.
  if (code === 'ELOOP' || code === 'ENXIO') return 'forbidden'
  return 'unreadable'
}
