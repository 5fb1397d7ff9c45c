import { html } from 'hono/html'
import { headOf } from '../../core/alert.ts'
import type { Entry } from '../../core/journal.ts'
import { describeClock, describeTime } from '../../core/time.ts'
import type { Drawing } from './moments.ts'
import { empty, type Markup, prose } from './parts.ts'

/** Entries of the journal, as they are given, with each day once. */
export function entryList(entries: readonly Entry[], { zone }: Pick<Drawing, 'zone'>, none: string): Markup {
  if (entries.length === 0) return empty(none)
  let day = ''
  return html`<ol class="entries">
    ${entries.map(({ at, kind, subject, text }) => {
      const own = describeTime(at, zone).slice(0, 10)
      const isNew = own !== day
      day = own
      const about = subject && !text.toLowerCase().includes(subject.toLowerCase()) ? `${subject}: ` : ''
      return html`<li class="${kind}">
        ${isNew ? html`<span class="day">${own}</span>` : ''}
        <time datetime="${at}">${describeClock(at, zone)}</time>
        <p>${kind === 'alert' ? alertText(about, text) : html`${about}${prose(text)}`}</p>
      </li>`
    })}
  </ol>`
}

/** What opened stands out by its first words; that it is over does not. */
function alertText(about: string, text: string): Markup {
  if (text.startsWith('settled: ')) return html`<span class="soft">${about}${prose(text)}</span>`
  const head = headOf({ text })
  return html`<span class="unseen">Alert: </span
    ><strong>${about}${prose(head)}</strong>${prose(text.slice(head.length))}`
}
