import { html } from 'hono/html'
import { type Markup, notice } from '../../http/markup/parts.ts'

/** What stands in place of a page that is still being read. */
export function loadingView(title: string): Markup {
  return html`<div class="loading">
    <h1>${title}</h1>
    <p class="lead" role="status">Asking the homelab…</p>
    <div class="ghost"></div>
    <div class="ghost"></div>
  </div>`
}

/** What stands in place of a page that can't be read. @param why a sentence without a full stop */
export function failureView(why: string): Markup {
  return notice(
    'warning',
    html`<h1>This could not be read</h1>
      <p>${why}.</p>
      <p>It is tried again with the next change, and <a href="">now</a> if you like.</p>`,
  )
}

export function lostView(): Markup {
  return html`<div class="confirm">
    <h1>There is no such page</h1>
    <p class="lead">It may have been of another version, or of a service that is switched off.</p>
    <div class="buttons"><a class="button main" href="/">To the overview</a></div>
  </div>`
}
