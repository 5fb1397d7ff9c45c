import { expect } from 'vitest'
import { type JournalHandle, openJournal } from '../../../src/adapters/journal/journal.ts'
import { withNodeState } from '../../../src/core/power/outage.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { outageOf } from '../../core/power/outages.ts'
import { temporaryFolder } from '../../lab/process.ts'

/** What is left of a journal: everything, what is open, or nothing. */
export type Left = 'everything' | 'open' | 'nothing'

/** What the power cut finds: an open outage, a pause, and months of sentences. */
export const outage = outageOf(new Date('2026-11-26T10:00:00Z'), ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))
export const stopping = withNodeState(outage, 'w-1', 'shutdown-sent')

export function fill(journal: JournalHandle, entries = 400): void {
  for (let index = 0; index < entries; index++) journal.write({ kind: 'event', text: `${index} ${'x'.repeat(200)}` })
  remembered.paused.remember(journal, 'the plumber is here')
  journal.saveOutage(outage)
}

export async function filledFolder(entries = 400) {
  const folder = await temporaryFolder()
  using journal = openJournal(folder.path)
  fill(journal, entries)
  return folder
}

export function expectLeft(journal: JournalHandle, left: Left): void {
  expect(journal.openOutage()).toEqual(left === 'nothing' ? undefined : outage)
  expect(remembered.paused.recall(journal)).toBe(left === 'nothing' ? undefined : 'the plumber is here')
  expect(journal.entries(1_000).length).toBeGreaterThanOrEqual(left === 'everything' ? 400 : 0)
}

/** An agent that goes through a power cut with this journal, and the one after it. */
export function expectToWork(folder: string, journal: JournalHandle): void {
  journal.saveOutage(stopping)
  expect([journal.openOutage(), journal.degraded]).toEqual([stopping, undefined])
  journal[Symbol.dispose]()
  using next = openJournal(folder)
  expect(next.openOutage()).toEqual(stopping)
}
