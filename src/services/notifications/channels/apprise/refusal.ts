import { AgentError } from '../../../../core/errors.ts'
import type { AppriseConfig } from './config.ts'
import { anotherAnswers, objectOf } from '../../answer.ts'
import { type Incoming, type Outgoing, refusalOf, saysYes } from '../../outgoing.ts'

/** What every service of Apprise writes to the log when it has sent something, and what it writes of a failure. */
const sent = /\bSent\b.*\bnotification/i
const failed = /\b(WARNING|ERROR|CRITICAL)\b/

type Target = Pick<AppriseConfig, 'tag' | 'urls'>

/**
 * What an answer means that is not `200` (apprise-api, api/views.py). Its log, which is asked for, tells the three meanings
 * of 424 apart: nobody took it, which passes by itself; some took it, and would get it again; it was for none of them.
 */
export function appriseRefusal(outgoing: Outgoing, answer: Incoming, target: Target): AgentError {
  const { doing } = outgoing
  const { status, text } = answer
  if (status === 204)
    return new AgentError('misconfigured', `${doing}: HTTP 204: it has nothing under this key: nothing was sent`)
  if (status === 424) return failedDependency(doing, text, target)
  const error = objectOf(text)?.['error']
  const refusal = refusalOf(outgoing, answer, typeof error === 'string' ? error : text)
  if (saysYes(answer)) return anotherAnswers(outgoing, answer, 'an Apprise API server')
  // It knows every path that we ask for: who does not is another.
  return status === 404 ? anotherAnswers(outgoing, answer, 'an Apprise API server') : refusal
}

function failedDependency(doing: string, log: string, { tag, urls }: Target): AgentError {
  const why = `${doing}: HTTP 424`
  if (sent.test(log))
    return new AgentError('rejected', `${why}: some of its services took it and others did not: see its log`)
  if (urls === undefined && !failed.test(log) && objectOf(log) === undefined)
    return new AgentError('misconfigured', `${why}: nothing was sent: ${whoseTag(tag)}`)
  return new AgentError('unreachable', `${why}: none of its services took it`)
}

/** A message without tags is for services without one alone, where a key names them (apprise-api, api/views.py). */
function whoseTag(tag: string | undefined): string {
  return tag === undefined
    ? 'each service under this key has a tag: set `tag`, to one of them or to all'
    : `no service under this key has the tag ${tag}`
}
