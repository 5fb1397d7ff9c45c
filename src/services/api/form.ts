import { refusalResponse, type Refusal } from './refusal.ts'

/** Where browsers without scripts sign in, and where they are sent back to when that fails. */
const signInPath = '/sign-in'

/** Whether a body is what a form of a page sends (HTML, "URL-encoded form data"). */
export function isForm(request: Request): boolean {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  return type === 'application/x-www-form-urlencoded'
}

/** To a page of ours, by GET (RFC 9110 15.4.4). */
export function seeOther(path: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status: 303, headers: { ...headers, location: path } })
}

/** Back to the page to sign in, which says what went wrong; where no page can help, the refusal itself. */
export function refuseForm(refusal: Refusal, next: string): Response {
  const why = reasons[refusal.status]
  if (why === undefined) return refusalResponse(refusal)
  return seeOther(`${signInPath}?why=${why}&next=${encodeURIComponent(next)}`)
}

const reasons: Readonly<Partial<Record<Refusal['status'], string>>> = { 401: 'wrong', 429: 'many' }

/** A path of ours to go on to; what leads anywhere else is the first page. */
export function pathAmongOurs(text: string | null): string {
  // `//host` and `/\host` are other places to a browser (WHATWG URL, "path absolute").
  if (text === null || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text)) return '/'
  return text
}
