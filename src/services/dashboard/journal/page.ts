import { html } from 'hono/html'
import { entryKinds, type EntryKind } from '../../../core/entry-kind.ts'
import type { Entry } from '../../../core/journal.ts'
import type { Page } from '../../../core/page.ts'
import { entryList } from '../../../http/markup/entries.ts'
import { card, type Markup, pageTitle } from '../../../http/markup/parts.ts'
import { definePage, type Viewing } from '../../../operations/pages.ts'

/** So many entries stand on a page. */
const limit = 100

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
    const page = operator.journal({ limit: text === '' ? limit : 1_000, before, ...filter })
    const sought = text.toLowerCase()
    const items = page.items.filter((entry) => entry.text.toLowerCase().includes(sought))
    return { wanted, page: { ...page, items } }
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
      html`${entryList(page.items, viewing, 'Nothing like that is in the journal.')}
        <p>
          ${before === undefined ? '' : html`<a href="/journal">Newest</a> `}
          ${page.next === undefined ? '' : html`<a href="/journal?${older}">Earlier</a>`}
        </p>`,
      { id: 'entries', isWide: true },
    )}`
}
