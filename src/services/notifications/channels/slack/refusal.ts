import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, mayBeAnothers, objectOf } from '../../answer.ts'
import { type Incoming, type Outgoing, refusalOf, saysYes } from '../../outgoing.ts'

/** Slack's and Mattermost's `ok`, Rocket.Chat's `{"success": true}`, or a message of whoever else takes the same. */
export function isTaken(answer: Incoming): boolean {
  if (!saysYes(answer)) return false
  const told = objectOf(answer.text)
  return told === undefined ? /^(ok)?$/.test(answer.text.trim()) : told['success'] !== false && told['ok'] !== false
}

/**
 * What an answer means that is not yes. Slack says it in a word (`channel_is_archived`), others as JSON with a `message`
 * or an `error`; any other text is of somebody who stands in between.
 */
export function slackRefusal(outgoing: Outgoing, answer: Incoming): AgentError {
  const told = objectOf(answer.text)
  const words = [told?.['message'], told?.['error'], answer.text].find((one) => typeof one === 'string') as string
  const isOwn = told !== undefined || /^[a-z][a-z_]{2,60}$/.test(answer.text.trim())
  if (saysYes(answer))
    return isOwn
      ? new AgentError('rejected', `${outgoing.doing}: it was not taken`)
      : anotherAnswers(outgoing, answer, 'a webhook as Slack has it')
  return !isOwn && mayBeAnothers(answer)
    ? anotherAnswers(outgoing, answer, 'a webhook as Slack has it')
    : refusalOf(outgoing, answer, words)
}
