import { html } from 'hono/html'
import { entryKinds, type EntryKind } from '../../../core/entry-kind.ts'
import { type Entry, entryKind } from '../../../core/journal.ts'
import type { Page } from '../../../core/page.ts'
import { entryList } from '../../../http/markup/entries.ts'
import { card, type Markup, pageTitle } from '../../../http/markup/parts.ts'
import { definePage, type Viewing } from '../../../operations/pages.ts'

/** So many entries stand on a page, and so many are searched for them: reading all of a journal would hold up the daemon. */
const limit = 100
export const searched = 1_000

/** What of the journal is wanted, as the form says it. */
export interface JournalData {
  readonly page: Page<Entry>
  readonly wanted: Wanted
}

interface Wanted {
  readonly kind: EntryKind | undefined
  /** A node, or a job. */
  readonly about: string
  readonly text: string
  readonly before: string | undefined
}

export default definePage<JournalData>({
  async read({ operator, query }) {
    const wanted = wantedIn(query)
    const { kind, about, text, before } = wanted
    const filter = { ...(kind ? { kind } : {}), ...(about === '' ? {} : { node: about }) }
    if (text === '') return { wanted, page: operator.journal({ limit, before, ...filter }) }
    const sought = text.toLowerCase()
    const { items: all, next } = operator.journal({ limit: searched, before, ...filter })
    const found = all.filter((entry) => entry.text.toLowerCase().includes(sought))
    const items = found.slice(0, limit)
    const last = items.at(-1)
    const later = found.length > limit && last ? entryKind.keyOf(last) : next
    return { wanted, page: { items, ...(later === undefined ? {} : { next: later }) } }
  },
  view: journalView,
})

export function wantedIn(query: URLSearchParams): Wanted {
  const kind = query.get('kind')
  return {
    kind: entryKinds.find((one) => one === kind),
    about: (query.get('about') ?? '').trim().slice(0, 253),
    text: (query.get('text') ?? '').trim().slice(0, 200),
    before: /^\d{1,16}$/.exec(query.get('before') ?? '')?.[0],
  }
}

export function journalView({ page, wanted }: JournalData, viewing: Viewing): Markup {
  const { kind, about, text, before } = wanted
  const older = new URLSearchParams({
    ...(kind ? { kind } : {}),
    ...(about === '' ? {} : { about }),
    ...(text === '' ? {} : { text }),
    ...(page.next === undefined ? {} : { before: page.next }),
  })
  const isPart = text !== '' && page.next !== undefined
  return html`${pageTitle('Journal', 'Everything that happened, newest first. New entries appear by themselves.')}
    <form class="filter" method="get" action="/journal">
      <label
        >Kind<select name="kind">
          <option value="">all</option>
          ${entryKinds.map((one) => html`<option${one === kind ? html` selected` : ''}>${one}</option>`)}
        </select></label
      >
      <label>About<input type="text" name="about" value="${about}" placeholder="w-1" maxlength="253" /></label>
      <label>Containing<input type="search" name="text" data-search value="${text}" maxlength="200" /></label>
      <button class="button">Show</button>
    </form>
    ${card(
      before === undefined ? 'Newest' : 'Earlier',
      html`${entryList(page.items, viewing, noneText(isPart))}
        <p>
          ${before === undefined ? '' : html`<a href="/journal">Newest</a> `}
          ${page.next === undefined ? '' : html`<a href="/journal?${older}">${text === '' ? 'Earlier' : 'Search earlier entries'}</a>`}
        </p>`,
      { id: 'entries', isWide: true },
    )}`
}

/** @param isPart whether there are entries that were not searched */
function noneText(isPart: boolean): string {
  return isPart
    ? `Nothing like that is among the ${searched.toLocaleString('en')} entries that were searched.`
    : 'Nothing like that is in the journal.'
}
