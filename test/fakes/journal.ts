import { createJournal, type Journal } from '../../src/core/journal.ts'
import type { RecordKind, Records, RecordStore } from '../../src/core/records.ts'

/** A journal in memory. */
export function memoryJournal(now: () => Date = () => new Date()): Journal {
  return createJournal(memoryStore(), now)
}

/** Records in memory, as text: what is read back is a copy. */
export function memoryStore(): RecordStore {
  const kinds = new Map<string, Map<string, string>>()
  return {
    degraded: undefined,
    records: <T>(kind: RecordKind<T>): Records<T> => {
      const texts = kinds.get(kind.name) ?? new Map<string, string>()
      kinds.set(kind.name, texts)
      const keys = () => [...texts.keys()].toSorted().toReversed()
      const read = (key: string): T => kind.parse(JSON.parse(texts.get(key)!))
      return {
        get: (key) => (texts.has(key) ? read(key) : undefined),
        open: () => keys().map(read).filter(kind.isOpen),
        newest: (limit, before) =>
          keys()
            .filter((key) => before === undefined || key < before)
            .slice(0, limit)
            .map(read),
        lastKey: () => keys()[0],
        save: (record) => void texts.set(kind.keyOf(record), JSON.stringify(record)),
        remove: (key) => void texts.delete(key),
      }
    },
  }
}
