import { html } from 'hono/html'
import { readCode } from '../../core/provision/code.ts'
import { onlyStyle } from '../../http/plain-page.ts'

const style = `
  :root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
  body { margin: 12vh auto 0; max-width: 32rem; padding: 0 1.5rem }
  h1 { font-size: 1rem; font-weight: 600; opacity: .7 }
  output, input { font: 700 1.6rem/1.5 ui-monospace, monospace; letter-spacing: .1em }
  input { width: 100%; box-sizing: border-box; padding: .4rem .6rem; text-transform: uppercase }
  code { font: 1rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
  a, button { display: block; box-sizing: border-box; width: 100%; margin-top: 1.5rem; padding: .9rem; border: 0; border-radius: .6rem;
    font: inherit; font-weight: 600; text-align: center; text-decoration: none; background: #1f5fbf; color: #fff }
`
const { element: styleElement, policy } = onlyStyle(style)
export const verifyPolicy = policy

export interface VerifyPage {
  readonly homelab: string
  /** As it came; undefined: none. */
  readonly given: string | undefined
  /** Where the dashboard is; undefined: there is none. */
  readonly dashboard: string | undefined
}

/**
 * The page that a machine's console leads to. It knows of no machine and decides nothing: whoever opens it is a stranger, and
 * is sent to where people sign in.
 */
export async function verifyPage({ homelab, given, dashboard }: VerifyPage): Promise<string> {
  const code = given === undefined ? undefined : readCode(given)
  const body =
    code === undefined
      ? html`<p role="status">
            ${given === undefined ? 'Which code does the console of the machine show?' : 'That is no code: it has eight letters, as BCDF-GHJK.'}
          </p>
          <form>
            <input
              name="user_code"
              aria-label="Code"
              autocomplete="off"
              autocapitalize="characters"
              maxlength="16"
              required
              autofocus
            />
            <button>Go on</button>
          </form>`
      : html`<p role="status">
            A machine that shows this code waits for its configuration. Go on only if you have just started it yourself,
            and its console shows the same:
          </p>
          <p><output>${code}</output></p>
          ${
            dashboard === undefined
              ? html`<p>
                    Where Caretaker runs, look at it with <code>caretaker machine show ${code}</code>, and let it in
                    with
                  </p>
                  <p><code>caretaker machine approve ${code} --role worker</code></p>`
              : html`<a href="${dashboard}/machines?code=${code}">Look at it, and decide</a>`
          }`
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${code ?? 'Code of a machine'}</title>
        ${styleElement}
      </head>
      <body>
        <h1>${homelab}</h1>
        ${body}
      </body>
    </html>`
  return String(await page)
}
