import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { AgentError, type ErrorCode, isUnexpected } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'

/** What a door answers where it can't answer what was asked. */
export interface ErrorAnswer {
  readonly error: string
  readonly code: ErrorCode
}

/** The HTTP status of each kind of failure (RFC 9110 15.5, 15.6). */
export const statusOf = {
  misconfigured: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  rejected: 409,
  internal: 500,
  unreachable: 502,
  malformed: 502,
  'not-now': 503,
  'timed-out': 504,
} as const satisfies Record<ErrorCode, number>

/**
 * Turns whatever was thrown into an answer. What nobody expected is logged once, with its stack; whoever asked hears the
 * id under which it is in the log, and nothing of its words.
 */
export function answerError(error: unknown, c: Context, log: Logger): Response {
  const known = error instanceof HTTPException ? new AgentError('misconfigured', error.message, error) : error
  if (known instanceof AgentError && !isUnexpected(known)) return refuse(c, known)
  const id = randomUUID().slice(0, 8)
  log.error({ err: known, id, request: `${c.req.method} ${c.req.path}` }, 'internal error')
  return refuse(
    c,
    new AgentError('internal', `internal error; please report it with what the daemon's log says about ${id}`),
  )
}

function refuse(c: Context, { code, message }: AgentError): Response {
  if (code === 'not-now') c.header('retry-after', '1')
  return c.json({ error: message, code } satisfies ErrorAnswer, statusOf[code])
}
