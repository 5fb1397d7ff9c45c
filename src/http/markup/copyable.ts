import { html } from 'hono/html'

/**
 * Copies a text. It is hidden wherever no script of the dashboard shows it: without one it could do nothing.
 *
 * @param what what is copied, for whoever hears the page; the text itself unless it is long
 */
export function copyButton(text: string, what = text) {
  return html`<button type="button" class="copy" hidden data-copy="${text}" aria-label="Copy ${what}"></button>`
}

export interface CopyableOptions {
  /** What is shown in place of a long text. */
  readonly shown?: string
  /** What it is: `the schematic`. */
  readonly what: string
}

/** An id, a key or the like, as it is written, with a button that copies all of it. */
export function copyable(text: string, { shown = text, what }: CopyableOptions) {
  return html`<span class="mono" ${shown === text ? '' : html`title="${text}"`}>${shown}</span
    >${copyButton(text, what)}`
}
