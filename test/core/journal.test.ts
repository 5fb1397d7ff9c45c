import { expect, test } from 'vitest'
import { createJournal } from '../../src/core/journal.ts'
import type { Durability, RecordKind, Records, RecordStore } from '../../src/core/records.ts'

/** A store in memory that notes what waits for the disk. */
function notingStore() {
  const saved: Durability[] = []
  const kinds = new Map<string, Records<unknown>>()
  const recordsOf = <T>(kind: RecordKind<T>): Records<T> => {
    const all = new Map<string, T>()
    return {
      get: (key) => all.get(key),
      open: () => [...all.values()],
      newest: (limit) => [...all.values()].slice(0, limit),
      lastKey: () => [...all.keys()].at(-1),
      save: (record, durability = 'now') => {
        saved.push(durability)
        all.set(kind.keyOf(record), record)
      },
      remove: (key) => void all.delete(key),
    }
  }
  const store: RecordStore = {
    degraded: undefined,
    records: <T>(kind: RecordKind<T>) => {
      if (!kinds.has(kind.name)) kinds.set(kind.name, recordsOf(kind) as Records<unknown>)
      return kinds.get(kind.name) as Records<T>
    },
  }
  return { store, saved }
}

const releases = (line: string, count: number) => Array.from({ length: count }, (_, patch) => `${line}.${patch}`)

test('however many releases are seen for the first time, the disk is waited for once', () => {
  const { store, saved } = notingStore()
  const journal = createJournal(store, () => new Date(0))
  journal.firstSeen(releases('v1.13', 2_000), 7)
  expect(saved.filter((durability) => durability === 'now')).toHaveLength(1)
  expect(saved.at(-1)).toBe('now')
  journal.firstSeen(releases('v1.13', 2_000), 8)
  expect(saved).toHaveLength(2_000)
})

test('of a Factory that lists others every time, what it no longer offers is forgotten some day', () => {
  const { store } = notingStore()
  const journal = createJournal(store, () => new Date(0))
  for (const [minor, at] of [1, 2, 3, 4].entries()) journal.firstSeen(releases(`v1.${minor}`, 2_000), at)
  const seen = journal.firstSeen([], 9)
  expect(seen.size).toBeLessThanOrEqual(5_000)
  expect(seen.get('v1.3.7')).toBe(4)
})
