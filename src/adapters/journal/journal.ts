import { createJournal, type Journal } from '../../core/journal.ts'
import { openMemory } from './database.ts'
import { fileOf } from './file.ts'
import { createStore, openStore, type StoreOptions } from './store.ts'

export interface JournalHandle extends Journal, Disposable {
  /** Writes what waits for the disk, and so notices whether it fails, or works again. */
  flush(): void
  /** Reads all of the file, beside everything else; one that is damaged is replaced. Never rejects. */
  verify(): Promise<void>
}

/**
 * The journal in the state directory. With `onDamaged` it opens whatever is wrong with the file.
 *
 * @throws AgentError `misconfigured` where it can't be opened, or was written by a newer release
 */
export function openJournal(directory: string, options: StoreOptions = {}): JournalHandle {
  const { now = () => new Date() } = options
  const store = openStore(directory, { ...options, now })
  return Object.assign(createJournal(store, now), {
    verify: store.verify,
    flush: store.flush,
    [Symbol.dispose]: store[Symbol.dispose],
  })
}

/** A journal in memory only, for commands that run before there is one. */
export function openMemoryJournal(now: () => Date = () => new Date()): Journal {
  return createJournal(createStore(fileOf(openMemory()), { now }), now)
}
