import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ErrorCode } from '../../core/errors.ts'
import { answerProblem, problemOf } from '../../http/errors.ts'
import { isForPeople, type RefusedPage, refusedPage } from './refused-page.ts'

/** What is answered before a request has reached its route. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 421 | 429 | 500
  readonly code: ErrorCode
  readonly detail: string
  /** In ms: not before that. */
  readonly retryAfter?: number
}

/** In s. */
const waitOf = (ms: number) => String(Math.max(1, Math.ceil(ms / 1_000)))

export function refusalResponse({ status, code, detail, retryAfter }: Refusal): Response {
  return answerProblem(
    problemOf(code, detail, status),
    retryAfter === undefined ? {} : { 'retry-after': waitOf(retryAfter) },
  )
}

/** The same where no route has been looked for yet. The connection ends: what else comes on it is not read. */
export function refuse(wire: { incoming: IncomingMessage; outgoing: ServerResponse }, refusal: Refusal): void {
  const { incoming, outgoing } = wire
  const { status, code, detail, retryAfter } = refusal
  const problem = problemOf(code, detail, status)
  const answer = ({ body, headers }: RefusedPage) => {
    outgoing.writeHead(status, {
      ...headers,
      'content-length': Buffer.byteLength(body),
      connection: 'close',
      ...(retryAfter === undefined ? {} : { 'retry-after': waitOf(retryAfter) }),
    })
    outgoing.end(body)
  }
  if (isForPeople(incoming)) void refusedPage(problem, incoming).then(answer)
  else answer({ body: JSON.stringify(problem), headers: { 'content-type': 'application/problem+json' } })
}
