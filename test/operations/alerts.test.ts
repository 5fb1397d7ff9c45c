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

test.each<[string, Alert[], string[]]>([
  ['is written', [['wake', 'w-1 is away']], ['alert -: w-1 is away']],
  ['names its subject', [['wake', 'w-1 is away', 'w-1']], ['alert w-1: w-1 is away']],
  [
    'that says the same again is not',
    [
      ['wake', 'w-1 is away'],
      ['wake', 'w-1 is away'],
      ['wake', 'w-1 is away', 'w-1'],
    ],
    ['alert -: w-1 is away'],
  ],
  [
    'that says something else is',
    [
      ['wake', 'w-1 is away'],
      ['wake', 'w-2 is away'],
      ['wake', 'w-1 is away'],
    ],
    ['alert -: w-1 is away', 'alert -: w-2 is away', 'alert -: w-1 is away'],
  ],
  [
    'on another matter is, in the same words',
    [
      ['wake', 'w-1 is away'],
      ['rollout', 'w-1 is away'],
      ['wake', 'w-1 is away'],
    ],
    ['alert -: w-1 is away', 'alert -: w-1 is away'],
  ],
  [
    'on a matter that was settled between is written anew',
    [
      ['wake', 'w-1 is away'],
      ['wake', undefined],
      ['wake', 'w-1 is away'],
    ],
    ['alert -: w-1 is away', 'alert -: w-1 is away'],
  ],
  [
    'on a matter is not forgotten when another one is settled',
    [
      ['wake', 'w-1 is away'],
      ['rollout', undefined],
      ['wake', 'w-1 is away'],
    ],
    ['alert -: w-1 is away'],
  ],
  [
    'that was settled, or never was, writes nothing',
    [
      ['wake', undefined],
      ['wake', undefined],
    ],
    [],
  ],
])('an alert %s', (_, alerts, entries) => {
  expect(written(alerts)).toEqual(entries)
})
