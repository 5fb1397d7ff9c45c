import { createJournal, type Journal } from '../../core/journal.ts'
import { openMemory } from './database.ts'
import { createStore, openStore, type StoreOptions } from './store.ts'

export interface JournalHandle extends Journal, Disposable {}

/**
 * The journal in the state directory.
 *
 * @throws AgentError `misconfigured` when it can't be opened at all, or was written by a newer release
 */
export function openJournal(directory: string, options: StoreOptions = {}): JournalHandle {
  const { now = () => new Date() } = options
  const store = openStore(directory, { ...options, now })
  return Object.assign(createJournal(store, now), { [Symbol.dispose]: store[Symbol.dispose] })
}

/** A journal in memory only, for commands that run before there is one. */
export function openMemoryJournal(now: () => Date = () => new Date()): Journal {
  return createJournal(createStore(openMemory(), { now }), now)
}
