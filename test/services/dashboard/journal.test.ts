import { expect, test } from 'vitest'
import { type Entry, entryKind } from '../../../src/core/journal.ts'
import { readPage } from '../../../src/core/page.ts'
import { searched } from '../../../src/services/dashboard/journal/page.ts'
import { at } from './drawn.ts'
import { openDashboard } from './site.ts'

/** So many entries, the newest first, with what some of them say. */
function journalOf(count: number, text: (id: number) => string) {
  const all = Array.from({ length: count }, (_, index): Entry => {
    const id = count - index
    return { id, at, kind: 'event', subject: undefined, text: text(id) }
  })
  const newest = (limit: number, before?: string) =>
    all.filter((entry) => before === undefined || entryKind.keyOf(entry) < before).slice(0, limit)
  return { journal: (page: Parameters<typeof readPage>[2]) => readPage(newest, entryKind.keyOf, page) }
}

const shownIn = (html: string) => [...html.matchAll(/entry (\d+)\./g)].map(([, id]) => Number(id))
/** Where the link to earlier ones leads. */
const onwardIn = (html: string) => /href="(\/journal\?[^"]*before=[^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')

test('a search finds everything, page by page, and no page is longer than any other', async () => {
  const told = (id: number) => `entry ${id}. ${id % 7 === 0 ? 'the needle' : 'hay'}`
  await using site = await openDashboard({ operator: journalOf(3_000, told) })
  const found: number[] = []
  let path: string | undefined = '/journal?text=NEEDLE'
  while (path !== undefined) {
    const { text } = await site.ask(path)
    const shown = shownIn(text)
    expect(shown.length).toBeLessThanOrEqual(100)
    found.push(...shown)
    path = onwardIn(text)
  }
  expect(found).toEqual(Array.from({ length: 428 }, (_, index) => 2_996 - 7 * index))
})

test('a search that found nothing says whether that was all of the journal', async () => {
  const told = (id: number) => `entry ${id}. ${id === 1 ? 'the needle' : 'hay'}`
  await using site = await openDashboard({ operator: journalOf(searched + 1, told) })
  const { text } = await site.ask('/journal?text=needle')
  expect(text).toContain(`Nothing like that is among the ${searched.toLocaleString('en')} entries that were searched.`)
  const { text: earlier } = await site.ask(onwardIn(text)!)
  expect(shownIn(earlier)).toEqual([1])
  expect(onwardIn(earlier)).toBeUndefined()
  expect((await site.ask(`/journal?text=nowhere&before=${'2'.padStart(12, '0')}`)).text).toContain(
    'Nothing like that is in the journal.',
  )
})
