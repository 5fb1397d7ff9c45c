import type { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, mayBeAnothers, objectOf } from '../../answer.ts'
import { type Incoming, type Outgoing, refusalOf, RetryAfter } from '../../outgoing.ts'

/** The message that is to be edited is gone; 404 otherwise means the webhook itself (discord-api-docs, JSON error codes). */
const unknownMessage = 10_008

/** Whether somebody has deleted the message that was to be replaced. */
export function isMessageGone({ status, text }: Incoming): boolean {
  return status === 404 && objectOf(text)?.['code'] === unknownMessage
}

/**
 * What an answer means that is not yes. Discord says it as `{message, code}`, and in a 429 how long to wait, in seconds
 * with a fraction. A webhook that it does not know must not be called again: `not-found`.
 */
export function discordRefusal(outgoing: Outgoing, answer: Incoming): AgentError {
  const told = objectOf(answer.text)
  const { message, code, retry_after: seconds } = told ?? {}
  const said = typeof message === 'string' ? message + (typeof code === 'number' ? ` (${code})` : '') : answer.text
  const refusal = refusalOf(outgoing, answer, said)
  if (answer.status === 429 && typeof seconds === 'number' && seconds >= 0)
    return new RetryAfter(refusal.message, Math.min(Math.ceil(seconds * 1_000), 3_600_000))
  const isOthers = told === undefined && mayBeAnothers(answer)
  return isOthers ? anotherAnswers(outgoing, answer, 'Discord') : refusal
}
