import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname } from 'node:path'

/** What of a disk's work decides whether something survives a power cut. */
export type DiskEvent =
  | { readonly did: 'write' | 'sync'; readonly path: string }
  | { readonly did: 'rename' | 'link'; readonly from: string; readonly path: string }

export interface DiskRecorder extends Disposable {
  readonly events: readonly DiskEvent[]
  /** Files that were given a name of theirs by a rename or a link while some of what was written to them was not on the disk. */
  namedTooEarly(): readonly string[]
  /** Names that a power cut now could take away again: their directory was not flushed since. */
  losableNames(): readonly string[]
}

/**
 * Writes down what this process writes, flushes, renames and links, as long as it is not disposed of. `noLinks`: the file
 * system has no hard links, as SMB.
 *
 * A disk keeps what was flushed, and of the rest what it likes, in any order: the data of a file are safe after fsync(2) of
 * it, its name after fsync(2) of its directory (https://man7.org/linux/man-pages/man2/fsync.2.html).
 */
export function recordDisk({ noLinks = false }: { readonly noLinks?: boolean } = {}): DiskRecorder {
  const { open, writeFile, copyFile, rename, link } = fs
  const events: DiskEvent[] = []
  const watched = {
    open: async (path: string, ...rest: [flags?: string, mode?: number]) =>
      watchHandle(path, await open(path, ...rest), events),
    writeFile: async (path: string, data: string, options?: { flush?: boolean }) => {
      await writeFile(path, data, options)
      events.push({ did: 'write', path })
      if (options?.flush === true) events.push({ did: 'sync', path })
    },
    copyFile: async (from: string, path: string) => {
      await copyFile(from, path)
      events.push({ did: 'write', path })
    },
    rename: async (from: string, path: string) => {
      await rename(from, path)
      events.push({ did: 'rename', from, path })
    },
    link: async (from: string, path: string) => {
      if (noLinks) throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })
      await link(from, path)
      events.push({ did: 'link', from, path })
    },
  }
  replace(watched)
  return {
    events,
    namedTooEarly: () => namedTooEarly(events),
    losableNames: () => losableNames(events),
    [Symbol.dispose]: () => replace({ open, writeFile, copyFile, rename, link }),
  }
}

/** Modules that have imported these functions by name get the others as well. */
function replace(functions: object): void {
  Object.assign(fs, functions)
  syncBuiltinESMExports()
}

function watchHandle(path: string, handle: FileHandle, events: DiskEvent[]): FileHandle {
  const calls = {
    write: handle.write,
    writeFile: handle.writeFile,
    appendFile: handle.appendFile,
    truncate: handle.truncate,
    sync: handle.sync,
    datasync: handle.datasync,
  } as Record<string, (...given: unknown[]) => Promise<unknown>>
  for (const [name, call] of Object.entries(calls)) {
    const did = name === 'sync' || name === 'datasync' ? 'sync' : 'write'
    const watched = async (...given: unknown[]) => {
      const answer = await call.apply(handle, given)
      events.push({ did, path })
      return answer
    }
    Object.assign(handle, { [name]: watched })
  }
  return handle
}

function namedTooEarly(events: readonly DiskEvent[]): string[] {
  const unflushed = new Set<string>()
  const early: string[] = []
  for (const event of events) {
    if (event.did === 'write') unflushed.add(event.path)
    if (event.did === 'sync') unflushed.delete(event.path)
    if (event.did !== 'rename' && event.did !== 'link') continue
    const isEarly = unflushed.has(event.from)
    if (event.did === 'rename') unflushed.delete(event.from)
    unflushed.delete(event.path)
    if (isEarly) {
      unflushed.add(event.path)
      early.push(event.path)
    }
  }
  return early
}

function losableNames(events: readonly DiskEvent[]): string[] {
  const losable = new Set<string>()
  for (const event of events) {
    if (event.did === 'rename' || event.did === 'link') losable.add(event.path)
    if (event.did === 'rename') losable.delete(event.from)
    if (event.did === 'sync') for (const path of losable) if (dirname(path) === event.path) losable.delete(path)
  }
  return [...losable]
}
