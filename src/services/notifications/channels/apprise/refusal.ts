import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, objectOf } from '../../answer.ts'
import { type Incoming, type Outgoing, refusalOf, saysYes } from '../../outgoing.ts'

/** What every service of Apprise writes to the log when it has sent something, and what it writes of a failure. */
const sent = /\bSent\b.*\bnotification/i
const failed = /\b(WARNING|ERROR|CRITICAL)\b/

/**
 * What an answer means that is not `200` (apprise-api, api/views.py). Its log, which is asked for, tells the three meanings
 * of 424 apart: nobody took it, which passes by itself; some took it, and would get it again; no service has the tag.
 */
export function appriseRefusal(outgoing: Outgoing, answer: Incoming, tag: string | undefined): AgentError {
  const { doing } = outgoing
  const { status, text } = answer
  if (status === 204)
    return new AgentError('misconfigured', `${doing}: HTTP 204: it has nothing under this key: nothing was sent`)
  if (status === 424) return failedDependency(doing, text, tag)
  const error = objectOf(text)?.['error']
  const refusal = refusalOf(outgoing, answer, typeof error === 'string' ? error : text)
  if (saysYes(answer)) return anotherAnswers(outgoing, answer, 'an Apprise API server')
  // It knows every path that we ask for: who does not is another.
  return status === 404 ? anotherAnswers(outgoing, answer, 'an Apprise API server') : refusal
}

function failedDependency(doing: string, log: string, tag: string | undefined): AgentError {
  const why = `${doing}: HTTP 424`
  if (sent.test(log))
    return new AgentError('rejected', `${why}: some of its services took it and others did not: see its log`)
  if (tag !== undefined && !failed.test(log) && objectOf(log) === undefined)
    return new AgentError('misconfigured', `${why}: no service under this key has the tag ${tag}: nothing was sent`)
  return new AgentError('unreachable', `${why}: none of its services took it`)
}
