import { AgentError } from '../../../../core/errors.ts'
import { anotherAnswers, asObject, type JsonObject, objectOf } from '../../answer.ts'
import { ask, type Incoming, type Outgoing, refusalOf, RetryAfter } from '../../outgoing.ts'
import type { Trust } from '../../trust.ts'
import { below } from '../shapes.ts'

/** A refusal of Telegram, in its own words. */
export class TelegramRefusal extends AgentError {
  readonly description: string
  /** The number that the chat has now: a group became a supergroup. */
  readonly movedTo: number | undefined
  constructor(code: AgentError['code'], message: string, told: { description: string; movedTo: number | undefined }) {
    super(code, message)
    this.description = told.description
    this.movedTo = told.movedTo
  }
}

/** In ms: no server makes us wait for longer. */
const longestPause = 3_600_000

export interface CallLimits {
  /** In ms. */
  readonly within?: number
  /** In bytes. */
  readonly largest?: number
}

/** Calls a method of the Bot API, and answers with its result. @throws AgentError; no error holds the token */
export type CallTelegram = (
  method: string,
  parameters: JsonObject,
  signal: AbortSignal,
  limits?: CallLimits,
) => Promise<unknown>

export interface TelegramBot {
  readonly server: string
  readonly token: string
  /** For errors: `chat (Telegram)`. */
  readonly doing: string
  readonly trust?: Trust
}

/** The Bot API of one bot: the token is part of each path. */
export function createTelegramApi({ server, token, doing, trust }: TelegramBot): CallTelegram {
  return async (method, parameters, signal, { within, largest } = {}) => {
    const outgoing: Outgoing = {
      doing,
      trust,
      url: below(server, `./bot${token}/${method}`),
      body: parameters,
      secrets: [token, token.slice(token.indexOf(':') + 1)],
      ...(largest === undefined ? {} : { largest }),
    }
    const answer = await ask(outgoing, signal, within)
    const told = objectOf(answer.text)
    if (answer.status === 200 && told?.['ok'] === true) return told['result']
    throw telegramRefusal(outgoing, answer, told)
  }
}

/** What an answer means that is not yes: `{ok: false, error_code, description, parameters}`. */
function telegramRefusal(outgoing: Outgoing, answer: Incoming, told: JsonObject | undefined): AgentError {
  const { description, parameters } = told ?? {}
  if (told?.['ok'] !== false || typeof description !== 'string')
    return answer.status === 404 || answer.status < 300
      ? anotherAnswers(outgoing, answer, 'Telegram')
      : refusalOf(outgoing, answer)
  const { retry_after: seconds, migrate_to_chat_id: movedTo } = asObject(parameters) ?? {}
  const refusal = refusalOf(outgoing, answer, `${description}${nextStep(answer.status, description)}`)
  if (answer.status === 429 && typeof seconds === 'number')
    return new RetryAfter(refusal.message, Math.min(longestPause, seconds * 1_000))
  if (refusal.retryable) return refusal
  // 404 is what a bot gets whose token has not even the right form.
  const isOurs = answer.status === 404 || description.endsWith('chat not found')
  return new TelegramRefusal(isOurs ? 'misconfigured' : refusal.code, refusal.message, {
    description,
    movedTo: typeof movedTo === 'number' ? movedTo : undefined,
  })
}

function nextStep(status: number, description: string): string {
  if (status === 401 || status === 404) return '; the token is not one of a bot'
  if (status === 409) return '; give Caretaker a bot of its own'
  if (description.endsWith('chat not found')) return '; check `chat`, and write to the bot once'
  return ''
}
