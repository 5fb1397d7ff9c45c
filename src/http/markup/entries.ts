import { html } from 'hono/html'
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
        <p>${kind === 'alert' ? html`<span class="unseen">Alert: </span>` : ''}${about}${prose(text)}</p>
      </li>`
    })}
  </ol>`
}
