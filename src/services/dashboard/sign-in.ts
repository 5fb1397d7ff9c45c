import { html } from 'hono/html'
import { basePath } from '../../http/base-path.ts'
import { type Markup, notice } from '../../http/markup/parts.ts'

export interface SignIn {
  /** Where to go on to. */
  readonly next: string
  /** Why it did not work the last time: `wrong`, `many`. */
  readonly why: string | null
}

const reasons: Readonly<Record<string, string>> = {
  wrong: 'This token is wrong, revoked or expired.',
  many: 'Too many wrong tokens came from your address. Wait a minute, then try again.',
}

/** How a browser signs in: by a form, with or without scripts. */
export function signInView({ next, why }: SignIn): Markup {
  const reason = reasons[why ?? '']
  return html`<h1>Sign in</h1>
    ${reason === undefined ? '' : notice('critical', html`<p role="alert">${reason}</p>`)}
    <form method="post" action="${basePath}/session" class="confirm">
      <input type="hidden" name="next" value="${next}" />
      <label
        >Token
        <input type="password" name="token" autocomplete="current-password" required spellcheck="false" />
      </label>
      <button class="button main">Sign in</button>
    </form>
    <p class="soft small">
      A token is made where Caretaker runs: <code>caretaker token create NAME --scope operate</code>. With
      <code>--scope read</code> it shows everything and requests nothing.
    </p>`
}
