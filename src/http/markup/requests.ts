import { html } from 'hono/html'
import { isEnough, type Scope } from '../../core/access/token.ts'
import type { Markup } from './parts.ts'

export interface RequestButton {
  /** Where it is confirmed: `/power/do/cancel`. */
  readonly at: string
  readonly label: string
  /** What tells it from others of its label, for whoever hears it. */
  readonly about?: string
  /** What goes along with it. */
  readonly given?: Readonly<Record<string, string>>
  readonly needs?: Scope
  readonly isDangerous?: true
  /** The one thing that a person came for. */
  readonly isMain?: true
}

/**
 * Leads to the confirmation of a request; nothing is done by it. Whoever may not request it is shown no button, but why
 * there is none.
 */
export function requestButton(button: RequestButton, { scope }: { readonly scope: Scope | undefined }): Markup {
  const { at, label, about, given = {}, needs = 'operate', isDangerous, isMain } = button
  if (scope === undefined || !isEnough(scope, needs)) return html``
  const classes = ['button', isDangerous ? 'danger' : '', isMain ? 'main' : ''].filter(Boolean).join(' ')
  return html`<form method="get" action="${at}" class="request" data-confirm>
    ${Object.entries(given).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <button class="${classes}" ${about === undefined ? '' : html` aria-label="${label}: ${about}"`}>${label}</button>
  </form>`
}

/** Buttons side by side, or why there are none. */
export function requestButtons(
  buttons: readonly (RequestButton | undefined)[],
  viewing: { readonly scope: Scope | undefined },
): Markup {
  const all = buttons.filter((button) => button !== undefined)
  if (all.length === 0) return html``
  const allowed = all.filter(({ needs = 'operate' }) => viewing.scope !== undefined && isEnough(viewing.scope, needs))
  if (allowed.length === 0) return html`<p class="no-buttons">${whyNoButton(all[0]!, viewing.scope)}</p>`
  return html`<div class="buttons">${allowed.map((button) => requestButton(button, viewing))}</div>`
}

function whyNoButton({ label, needs = 'operate' }: RequestButton, scope: Scope | undefined): string {
  return `“${label}” needs a token of scope ${needs}${scope === undefined ? '' : `; yours is ${scope}`}.`
}
