import { expect, test } from 'vitest'
import type { Entry } from '../../src/core/journal.ts'
import { type EntryFilter, isWanted, mentions, newestWanted } from '../../src/core/journal-filter.ts'

const entry = (id: number, changed: Partial<Entry> = {}): Entry => ({
  id,
  at: new Date(Date.parse('2026-11-26T21:00:00Z') + id * 60_000).toISOString(),
  kind: 'step',
  subject: 'w-1',
  job: 'upgrade-node',
  text: 'drain w-1: done',
  ...changed,
})

test.each<{ filter: EntryFilter; isIn: Partial<Entry>; isOut: Partial<Entry> }>([
  { filter: { kind: 'alert' }, isIn: { kind: 'alert' }, isOut: { kind: 'step' } },
  { filter: { job: 'upgrade-node' }, isIn: {}, isOut: { job: 'stage-image' } },
  { filter: { job: 'stage-image' }, isIn: { job: undefined, subject: 'stage-image' } as never, isOut: {} },
  { filter: { node: 'w-1' }, isIn: {}, isOut: { subject: 'w-2', text: 'drain w-2: done' } },
  {
    filter: { node: 'w-1' },
    isIn: { subject: undefined, text: 'w-2 and w-1 are back' },
    isOut: { subject: 'w-10', text: 'w-10 is back' },
  },
  { filter: { since: '2026-11-26T21:00:00Z' }, isIn: {}, isOut: { at: '2026-11-26T20:59:59Z' } },
  { filter: { kind: 'step', node: 'w-1' }, isIn: {}, isOut: { kind: 'alert' } },
])('of $filter this is wanted: $isIn, and not this: $isOut', ({ filter, isIn, isOut }) => {
  expect([isWanted(entry(1, isIn), filter), isWanted(entry(1, isOut), filter)]).toEqual([true, false])
})

test('a name is mentioned where it stands as a whole', () => {
  for (const text of ['w-1', 'w-1: done', 'waits for w-1.', 'w-1, w-2', '(w-1)', 'w-10 and w-1'])
    expect([text, mentions(text, 'w-1')]).toEqual([text, true])
  for (const text of ['w-10', 'new-1', 'a.w-1', 'w-1.lan is another', 'w-1_b', ''])
    expect([text, mentions(text, 'w-1')]).toEqual([text, false])
})

test('pages of what is wanted are read from a long journal, no further than what is too old', () => {
  const all = Array.from({ length: 5_000 }, (_, id) =>
    entry(id, { kind: id % 1_000 === 0 ? 'alert' : 'step' }),
  ).toReversed()
  let read = 0
  const newest = (limit: number, before?: string) => {
    const some = all.filter(({ id }) => before === undefined || id < Number(before)).slice(0, limit)
    read += some.length
    return some
  }
  const wanted = newestWanted(newest, ({ id }) => String(id), { kind: 'alert' })
  expect(wanted(2).map(({ id }) => id)).toEqual([4_000, 3_000])
  expect(wanted(9, '3000').map(({ id }) => id)).toEqual([2_000, 1_000, 0])
  read = 0
  const late = newestWanted(newest, ({ id }) => String(id), { since: entry(4_900).at })
  expect(late(10_000)).toHaveLength(100)
  expect(read).toBeLessThanOrEqual(1_000)
})
