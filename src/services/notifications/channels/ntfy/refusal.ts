import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, objectOf } from '../../answer.ts'
import { type Incoming, type Outgoing, refusalOf, RetryAfter } from '../../outgoing.ts'

/**
 * In ms, by the server's own code: it sends no Retry-After (ntfy 2.13, server/errors.go, server/config.go). A request is
 * granted every 5 s, a failed sign-in every minute; the day's quota is reset at midnight UTC, and asked for each hour.
 */
const pauses: Readonly<Record<number, number>> = { 42901: 5_000, 42908: 3_600_000, 42909: 60_000 }
/** In ms, for other limits: subscriptions, topics, bandwidth. */
const otherPause = 60_000

/** Codes of a 400 that are about the topic and not about the message: not a word, or one that the server keeps for itself. */
const ofTopic: readonly unknown[] = [40009, 40010]

/** What an answer means that is not yes: an ntfy server says it as `{code, http, error}`. */
export function ntfyRefusal(outgoing: Outgoing, answer: Incoming): AgentError {
  const told = objectOf(answer.text)
  const { code, error } = told ?? {}
  const said = typeof error === 'string' ? error : undefined
  // A server knows its root, and every topic: who does not is none.
  if (answer.status === 404 && code === undefined) return anotherAnswers(outgoing, answer, 'an ntfy server')
  const refusal = refusalOf(outgoing, answer, said ?? answer.text)
  if (answer.status === 404)
    return new AgentError(
      'misconfigured',
      `${refusal.message}; check the path of \`server\`: ntfy is at the root of a host`,
    )
  if (ofTopic.includes(code)) return new AgentError('misconfigured', `${refusal.message}: use another topic`)
  if (answer.status !== 429 || answer.headers['retry-after'] !== undefined) return refusal
  return new RetryAfter(refusal.message, (typeof code === 'number' ? pauses[code] : undefined) ?? otherPause)
}
