import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, mayBeAnothers, objectOf } from '../../answer.ts'
import type { OpenChannel, OutgoingMessage } from '../../channel.ts'
import { cutCharacters } from '../../cut.ts'
import { ask, type Incoming, type Outgoing, refusalOf, saysYes } from '../../outgoing.ts'
import { plainText, secretsIn, waysOf } from '../../plain-text.ts'
import { below } from '../shapes.ts'
import type { GotifyConfig } from './config.ts'

/** Of 0 to 10; from 8 on a phone makes a sound whatever it is set to, below 4 none (gotify/android, notification channels). */
const priorities = { critical: 8, warning: 5, info: 2 } as const

/** In characters: Gotify has no limit, and a phone's screen is full long before. */
const longest = { title: 1_000, message: 16_000 }
/** In bytes: the answer repeats the message, and JSON makes up to six bytes of a character. */
const largestAnswer = 131_072

/** POST /message with the token of an application (gotify v3, docs/spec.json). It can't replace what it has taken. */
export const open: OpenChannel<GotifyConfig> = async ({ server, token }, { name, files, trust }) => {
  const key = await files.readSecret(token, `notifications.channels.${name}.token`)
  const url = below(server, 'message')
  return {
    send: async (message, signal) => {
      const outgoing: Outgoing = {
        doing: `${name} (Gotify at ${url.host})`,
        url,
        trust,
        headers: { 'x-gotify-key': key },
        body: bodyOf(message),
        secrets: [key, ...secretsIn(message)],
        largest: largestAnswer,
      }
      const answer = await ask(outgoing, signal)
      if (!saysYes(answer)) throw gotifyRefusal(outgoing, answer)
      if (typeof objectOf(answer.text)?.['id'] !== 'number') throw anotherAnswers(outgoing, answer, 'Gotify')
      return {}
    },
  }
}

/** A tap leads to what is most urgent: the first button's page, where there is one. */
function bodyOf(message: OutgoingMessage) {
  const { title, kind, severity } = message
  const [first] = waysOf(message)
  return {
    title: cutCharacters(title, longest.title),
    message: plainText(message, longest.message),
    priority: priorities[kind === 'settled' ? 'info' : severity],
    ...(first === undefined ? {} : { extras: { 'client::notification': { click: { url: first.url } } } }),
  }
}

/**
 * Gotify says every refusal as `{error, errorCode, errorDescription}`; what does not is of a proxy. Its 404 is about the
 * path, and a client's token is refused with 400, because only an application's says whose message it is (gotify v3).
 */
function gotifyRefusal(outgoing: Outgoing, answer: Incoming): AgentError {
  const { error, errorDescription: why } = objectOf(answer.text) ?? {}
  const said = [error, why].filter((one) => typeof one === 'string').join(': ')
  if (said === '' && mayBeAnothers(answer)) return anotherAnswers(outgoing, answer, 'Gotify')
  const refusal = refusalOf(outgoing, answer, said === '' ? answer.text : said)
  const { message } = refusal
  if (answer.status === 404) return new AgentError('misconfigured', `${message}; check the path of \`server\``)
  if (/appid is required/.test(said))
    return new AgentError('misconfigured', `${message}: use the token of an application`)
  return refusal
}
