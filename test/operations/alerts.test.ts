import { expect, test } from 'vitest'
import { alertOnce } from '../../src/operations/alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'

type Alert = [matter: string, text: string | undefined, subject?: string]

/** What the journal holds after these alerts, oldest first. */
function written(alerts: readonly Alert[]): string[] {
  const journal = memoryJournal()
  for (const [matter, text, subject] of alerts) alertOnce(journal, matter, text, subject)
  return journal
    .entries(100)
    .toReversed()
    .map(({ kind, subject, text }) => `${kind} ${subject ?? '-'}: ${text}`)
}

test.each<{ name: string; alerts: Alert[]; entries: string[] }>([
  { name: 'is written', alerts: [['wake', 'w-1 is away']], entries: ['alert -: w-1 is away'] },
  { name: 'names its subject', alerts: [['wake', 'w-1 is away', 'w-1']], entries: ['alert w-1: w-1 is away'] },
  {
    name: 'that says the same again is not',
    alerts: [
      ['wake', 'w-1 is away'],
      ['wake', 'w-1 is away'],
      ['wake', 'w-1 is away', 'w-1'],
    ],
    entries: ['alert -: w-1 is away'],
  },
  {
    name: 'that says something else is',
    alerts: [
      ['wake', 'w-1 is away'],
      ['wake', 'w-2 is away'],
      ['wake', 'w-1 is away'],
    ],
    entries: ['alert -: w-1 is away', 'alert -: w-2 is away', 'alert -: w-1 is away'],
  },
  {
    name: 'on another matter is, in the same words',
    alerts: [
      ['wake', 'w-1 is away'],
      ['rollout', 'w-1 is away'],
      ['wake', 'w-1 is away'],
    ],
    entries: ['alert -: w-1 is away', 'alert -: w-1 is away'],
  },
  {
    name: 'on a matter that was settled between is written anew',
    alerts: [
      ['wake', 'w-1 is away'],
      ['wake', undefined],
      ['wake', 'w-1 is away'],
    ],
    entries: ['alert -: w-1 is away', 'alert -: w-1 is away'],
  },
  {
    name: 'on a matter is not forgotten when another one is settled',
    alerts: [
      ['wake', 'w-1 is away'],
      ['rollout', undefined],
      ['wake', 'w-1 is away'],
    ],
    entries: ['alert -: w-1 is away'],
  },
  {
    name: 'that was settled, or never was, writes nothing',
    alerts: [
      ['wake', undefined],
      ['wake', undefined],
    ],
    entries: [],
  },
])('an alert $name', ({ alerts, entries }) => {
  expect(written(alerts)).toEqual(entries)
})
