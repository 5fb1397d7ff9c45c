import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, mayBeAnothers, objectOf } from '../../answer.ts'
import { type Incoming, type Outgoing, refusalOf, RetryAfter } from '../../outgoing.ts'

/** The error code that a homeserver tells: `M_FORBIDDEN`. */
export function errcodeOf({ text }: Incoming): string | undefined {
  const code = objectOf(text)?.['errcode']
  return typeof code === 'string' ? code : undefined
}

/**
 * What an answer means that is not yes (matrix-spec 1.19, Standard error response). A room that is not found, and a user
 * who is let in nowhere, may be mended on the server's side: neither turns the channel off.
 */
export function matrixRefusal(outgoing: Outgoing, answer: Incoming): AgentError {
  const { error, retry_after_ms: pause } = objectOf(answer.text) ?? {}
  const code = errcodeOf(answer)
  const said = code === undefined ? answer.text : `${code}${typeof error === 'string' ? `: ${error}` : ''}`
  const refusal = refusalOf(outgoing, answer, said)
  // The header takes the place of the field, which older servers send alone.
  if (code === 'M_LIMIT_EXCEEDED' && answer.headers['retry-after'] === undefined)
    return new RetryAfter(refusal.message, typeof pause === 'number' ? Math.min(Math.max(0, pause), 3_600_000) : 5_000)
  if (code === undefined && mayBeAnothers(answer)) return anotherAnswers(outgoing, answer, 'a homeserver')
  // Only a PUT carries the message: what else is refused is about the room (Dendrite: 400 for one that it does not know).
  const isOfRoom = refusal.code === 'rejected' && outgoing.method !== 'PUT'
  return refusal.code === 'not-found' || isOfRoom ? new AgentError('misconfigured', refusal.message) : refusal
}
