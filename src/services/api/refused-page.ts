import type { IncomingMessage } from 'node:http'
import { html } from 'hono/html'
import { capitalized } from '../../core/capitalized.ts'
import type { Problem } from '../../http/errors.ts'
import { prose } from '../../http/markup/parts.ts'
import { plainPage, plainPageHeaders } from '../../http/plain-page.ts'

type Asked = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/**
 * Whether a person sees the answer as it is: a browser that goes to a page, or sends a form of one. Programs of pages ask for
 * JSON, and what stands below `/api/` is looked at as what it is.
 */
export function isForPeople({ method, url = '', headers }: Asked): boolean {
  if (!(headers.accept ?? '').includes('text/html') && !isPart(headers)) return false
  return !url.startsWith('/api/') || (method === 'POST' && isFormType(headers['content-type']))
}

/** A page of ours asks for a part that it shows within itself (htmx). */
function isPart(headers: Asked['headers']): boolean {
  return headers['hx-request'] !== undefined
}

function isFormType(type = ''): boolean {
  return type.split(';')[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
}

export interface RefusedPage {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** Says to a person what a problem says to programs, and where to go on. */
export async function refusedPage({ status, detail }: Problem, { headers }: Asked): Promise<RefusedPage> {
  const text = prose(capitalized(detail))
  const link = links[status] ?? { to: '/', label: 'To the overview' }
  const body = isPart(headers)
    ? html`<div class="confirm" data-confirmation>
        <h1>Nothing was done</h1>
        <p role="status">${text}.</p>
        <div class="buttons"><a class="button main" href="${link.to}" data-focus>${link.label}</a></div>
      </div>`
    : plainPage({ title: 'Nothing was done · Caretaker', heading: 'Nothing was done', text, link })
  return { body: String(await body), headers: { 'content-type': 'text/html; charset=utf-8', ...plainPageHeaders } }
}

const links: Readonly<Partial<Record<number, { readonly to: string; readonly label: string }>>> = {
  401: { to: '/sign-in', label: 'Sign in' },
  403: { to: '/', label: 'Start again from the overview' },
}

/** The same for an answer that was made for programs, whoever made it. */
export async function shownTo(incoming: Asked, response: Response): Promise<Response> {
  const isProblem = response.headers.get('content-type') === 'application/problem+json'
  if (!isProblem || !isForPeople(incoming)) return response
  const page = await refusedPage((await response.json()) as Problem, incoming)
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(page.headers)) headers.set(name, value)
  return new Response(page.body, { status: response.status, headers })
}
