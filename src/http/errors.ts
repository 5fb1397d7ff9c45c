import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { AgentError, type ErrorCode, isUnexpected } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { type FieldFault, UnreadableRequest } from './issues.ts'
import { unknownRequest } from './unknown-request.ts'

/** What a door answers where it can't answer what was asked (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  /** What went wrong, as a sentence. */
  readonly detail: string
  readonly code: ErrorCode
  /** What is wrong with the request, field by field. */
  readonly errors?: readonly FieldFault[]
}

/** The HTTP status of each kind of failure (RFC 9110 15.5, 15.6), and its name. */
const kinds = {
  misconfigured: { status: 400, title: 'The request is not right' },
  unauthenticated: { status: 401, title: 'It is not known who asks' },
  forbidden: { status: 403, title: 'Whoever asks may not' },
  'not-found': { status: 404, title: 'There is no such thing' },
  rejected: { status: 409, title: 'It must not be done' },
  internal: { status: 500, title: 'A bug of Caretaker' },
  unreachable: { status: 502, title: 'Something does not answer' },
  malformed: { status: 502, title: 'Something gave an answer that can not be read' },
  'not-now': { status: 503, title: 'Not possible now' },
  'timed-out': { status: 504, title: 'It took too long' },
} as const satisfies Record<ErrorCode, { readonly status: number; readonly title: string }>

/** The problem of a code, in these words. */
export function problemOf(code: ErrorCode, detail: string, status: number = kinds[code].status): Problem {
  return { type: `urn:caretaker:problem:${code}`, title: kinds[code].title, status, detail, code }
}

/** The problem of a request that is not there, or not by this method. */
export function noSuchRequest(status: 404 | 405): Problem {
  return { ...problemOf('not-found', 'there is no such request', status), type: unknownRequest }
}

/** Answers with a problem. @param headers such as Retry-After */
export function answerProblem(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  const own = {
    ...(problem.code === 'not-now' ? { 'retry-after': '1' } : {}),
    ...(problem.status === 401 ? { 'www-authenticate': 'Bearer realm="Caretaker"' } : {}),
  }
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...own, ...headers },
  })
}

/**
 * Turns whatever was thrown into an answer. What nobody expected is logged once, with its stack; whoever asked hears the
 * id under which it is in the log, and nothing of its words.
 */
export function answerError(error: unknown, c: Context, log: Logger): Response {
  if (error instanceof HTTPException) return answerProblem(problemOf('misconfigured', error.message, error.status))
  if (error instanceof UnreadableRequest) {
    const type = error.isAhead ? { type: unknownRequest } : {}
    return answerProblem({ ...problemOf(error.code, error.message), ...type, errors: error.faults })
  }
  if (error instanceof AgentError && !isUnexpected(error)) return answerProblem(problemOf(error.code, error.message))
  const id = randomUUID().slice(0, 8)
  log.error({ err: error, id, request: `${c.req.method} ${c.req.path}` }, 'internal error')
  return answerProblem(
    problemOf('internal', `internal error; please report it with what the daemon's log says about ${id}`),
  )
}
