import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { ErrorCode } from '../../core/errors.ts'

/** What is answered before a request has reached its route. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 421 | 429 | 500
  readonly code: ErrorCode
  readonly detail: string
  /** In ms: not before that. */
  readonly retryAfter?: number
}

/** A problem by RFC 9457. */
function problemOf({ status, code, detail }: Refusal): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, code })
}

function headersOf({ status, retryAfter }: Refusal): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfter / 1_000))) }),
    // RFC 9110 15.5.2 wants it; browsers ask nobody for a password because of it.
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  }
}

export function refusalResponse(refusal: Refusal): Response {
  return new Response(problemOf(refusal), { status: refusal.status, headers: headersOf(refusal) })
}

/** The same where no route has been looked for yet. The connection ends: what else comes on it is not read. */
export function refuse(outgoing: ServerResponse, refusal: Refusal): void {
  const body = problemOf(refusal)
  const length = { 'content-length': Buffer.byteLength(body), connection: 'close' }
  outgoing.writeHead(refusal.status, { ...headersOf(refusal), ...length }).end(body)
}
