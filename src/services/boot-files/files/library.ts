import type { RefusalReason } from '../../../core/netboot/boot-event.ts'
import { openBelow } from './open-file.ts'
import { type SharedFile, shareFile } from './shared-file.ts'

export type Lent = { readonly file: SharedFile } | { readonly refused: RefusalReason }

/** The files of one directory, as machines ask for them. */
export interface Library {
  /** The file that a machine means; to be given back by its `drop`. */
  lend(client: string, name: string): Promise<Lent>
  /** It has read the file whole: the next time it is given the newest version. */
  forget(client: string, name: string): void
  /** Forgets pins that are over. */
  sweep(): void
  close(): void
}

export interface LibraryOptions {
  readonly root: string
  /** How long a machine is given the version that it was given first, in ms, and how many pins there may be. */
  readonly pinned: number
  readonly pins: number
  readonly now: () => number
}

interface Pin {
  readonly file: SharedFile
  readonly until: number
}

/**
 * EDK2 asks for a file's size and then for the file, in two transfers: were another version published in between, it would
 * end with PXE-E05. So a machine is given the same version for a while, however its name leads on.
 */
export function createLibrary({ root, pinned, pins: most, now }: LibraryOptions): Library {
  const open = new Map<string, SharedFile>()
  /** The oldest first. */
  const pins = new Map<string, Pin>()

  async function lend(client: string, name: string): Promise<Lent> {
    const key = keyOf(client, name)
    const pin = pins.get(key)
    if (pin && pin.until > now()) return { file: pin.file.hold() }
    const opened = await openBelow(root, name)
    if ('refused' in opened) return opened
    const { handle } = opened
    const file = await shareFile(handle, (version) => open.delete(version)).catch(() => undefined)
    if (!file) {
      await handle.close().catch(() => {})
      return { refused: 'unreadable' }
    }
    const same = open.get(file.version)
    const lent = same ? same.hold() : file
    if (same) file.drop()
    open.set(lent.version, lent)
    unpin(key)
    pins.set(key, { file: lent.hold(), until: now() + pinned })
    for (const oldest of pins.keys()) if (pins.size > most) unpin(oldest)
    return { file: lent }
  }

  function unpin(key: string): void {
    const pin = pins.get(key)
    pins.delete(key)
    pin?.file.drop()
  }

  return {
    lend,
    forget: (client, name) => unpin(keyOf(client, name)),
    sweep: () => {
      for (const [key, { until }] of pins) if (until <= now()) unpin(key)
    },
    close: () => {
      for (const key of pins.keys()) unpin(key)
    },
  }
}

function keyOf(client: string, name: string): string {
  return `${client} ${name}`
}
