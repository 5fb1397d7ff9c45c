import { html } from 'hono/html'
import { capitalized } from '../../core/capitalized.ts'
import { copyButton } from './copyable.ts'

/** What pages of the dashboard are drawn with. Every text is escaped where it is put in. */
export type Markup = ReturnType<typeof html>

/** How something is: `critical` is the one colour of danger, `fine` and `quiet` hardly any. */
export type Tone = 'fine' | 'busy' | 'warning' | 'critical' | 'quiet'

/** What goes in where there is nothing to show. */
export const nothing = html``

/** A word with its colour: the word says it too. */
export function badge(tone: Tone, text: string): Markup {
  return html`<span class="badge ${tone}">${text}</span>`
}

export interface CardOptions {
  readonly id?: string
  /** Over the whole width. */
  readonly isWide?: true
  /** Its heading is the name of a thing, and no label. */
  readonly isNamed?: true
}

/** A part of a page with its heading. */
export function card(title: string, content: unknown, options: CardOptions = {}): Markup {
  const { id = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'), isWide, isNamed } = options
  const classes = ['card', ...(isWide ? ['wide'] : []), ...(isNamed ? ['named'] : [])].join(' ')
  return html`<section class="${classes}" aria-labelledby="${id}-title" id="${id}">
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section>`
}

/** Names and what they stand for; nothing where there are none. */
export function facts(rows: readonly (readonly [name: unknown, value: unknown] | undefined)[]): Markup {
  if (rows.every((row) => row === undefined)) return nothing
  return html`<dl class="facts">
    ${rows.flatMap((row) =>
      row
        ? [
            html`<div>
              <dt>${row[0]}</dt>
              <dd>${row[1]}</dd>
            </div>`,
          ]
        : [],
    )}
  </dl>`
}

/** Names in a row, each of which stays whole where the line has room for it: `w-1` is not broken at its hyphen. */
export function names(all: readonly string[]): Markup {
  return html`${all.map((name, index) => html`${index === 0 ? '' : ', '}<span class="whole">${name}</span>`)}`
}

/** A sentence whose commands are set apart, and can be copied: `run `caretaker plan``. */
export function prose(text: string): Markup {
  return html`${text
    .split('`')
    .map((part, index) =>
      index % 2 === 0 ? part : html`<code>${part}</code>${isCommand.test(part) ? copyButton(part) : ''}`,
    )}`
}

/** A clause as the beginning of a sentence: `no node answers`, but `v1.13.9 is the newest` and `cp-1 is away` as they are. */
export function sentenceOf(clause: string): string {
  return /^[a-z]+[ ,]/.test(clause) ? capitalized(clause) : clause
}

/** What is typed as it stands; a name of a setting is not, and neither is a command with a gap to be filled in. */
const isCommand = /^(?:sudo )?(?:caretaker|talosctl|kubectl|docker|curl|upsc|upsrw|systemctl|journalctl) [^A-Z…]*$/

/** What stands in place of a list that is empty, with why. */
export function empty(text: string): Markup {
  return html`<p class="empty">${text}</p>`
}

/** What a person should see before all else on a page. */
export function notice(tone: Tone, content: unknown): Markup {
  return html`<div class="notice ${tone}">${content}</div>`
}

/** The title of a page, with a sentence on what it shows. */
export function pageTitle(title: string, lead: unknown = ''): Markup {
  return html`<div class="title">
    <h1>${title}</h1>
    ${lead === '' ? '' : html`<p class="lead">${lead}</p>`}
  </div>`
}
