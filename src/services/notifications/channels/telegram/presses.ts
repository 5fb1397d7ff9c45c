import { AgentError, messageOf } from '../../../../core/errors.ts'
import { printable } from '../../../../core/printable.ts'
import { asObject, type JsonObject } from '../../answer.ts'
import { type ChannelMeans, isToken, type Press, type PressAnswer } from '../../channel.ts'
import { cutCharacters } from '../../cut.ts'
import { keepTrying } from '../../keep-trying.ts'
import type { CallTelegram } from './api.ts'

/** In seconds: how long Telegram may wait for a press before it answers with none. */
const longPoll = 50
/** In ms and bytes: for an answer to that, of up to 20 presses with their messages. */
const limits = { within: (longPoll + 15) * 1_000, largest: 4_000_000 }
const atOnce = 20
/** In ms. */
const betweenPolls = 1_000
/** In characters: the answer to a press. */
const longestAnswer = 200
const longestName = 64

export interface PressMeans {
  readonly call: CallTelegram
  readonly press: (press: Press) => Promise<PressAnswer>
  /** Whether a chat, as Telegram describes it, is the one that messages go to. */
  readonly isOurs: (chat: JsonObject) => boolean
  /** Who may press; everybody in the chat where absent. */
  readonly users: readonly number[] | undefined
  readonly means: ChannelMeans
  readonly signal: AbortSignal
}

/**
 * Hears presses by long polling (getUpdates), one after the other, until the signal aborts. Where it stands is kept in
 * memory only: what is told again after a restart was used already, and is answered so.
 */
export async function listenForPresses(it: PressMeans): Promise<void> {
  const { call, means, signal } = it
  let offset: number | undefined
  const attempt = async (works: () => void) => {
    // The first question is answered at once, so that it is known soon whether we get through.
    for (let timeout = 0; !signal.aborted; timeout = longPoll) {
      const updates = await call(
        'getUpdates',
        {
          timeout,
          limit: atOnce,
          allowed_updates: ['callback_query'],
          ...(offset === undefined ? {} : { offset }),
        },
        signal,
        limits,
      )
      if (!Array.isArray(updates)) throw new AgentError('malformed', `${means.name}: updates are not a list`)
      works()
      // A server that does not wait is not asked without end.
      if (updates.length === 0 && timeout > 0) await means.pause(betweenPolls, signal)
      for (const update of updates.map(asObject)) {
        if (typeof update?.['update_id'] !== 'number') continue
        offset = update['update_id'] + 1
        const query = asObject(update['callback_query'])
        if (query) await hear(query, it)
      }
    }
  }
  await keepTrying(attempt, { means, doing: `${means.name}: listening for buttons`, signal })
}

/** Each press is answered: the button shows that it waits until then. */
async function hear(query: JsonObject, it: PressMeans): Promise<void> {
  const { call, means, signal } = it
  const { done, said } = await answerTo(query, it)
  means.log.info({}, `${means.name}: ${nameOf(query) ?? 'somebody'} pressed a button: ${said}`)
  try {
    const text = cutCharacters(said, longestAnswer)
    await call('answerCallbackQuery', { callback_query_id: query['id'], text, show_alert: !done }, signal)
  } catch (error) {
    // An old press can't be answered any more; it was done nevertheless.
    means.log.info({}, `${means.name}: the answer to a press: ${messageOf(error)}`)
  }
}

async function answerTo(query: JsonObject, { press, isOurs, users, means }: PressMeans): Promise<PressAnswer> {
  const chat = asObject(asObject(query['message'])?.['chat'])
  const from = asObject(query['from'])?.['id']
  const token = query['data']
  if (!chat || !isOurs(chat)) return { done: false, said: 'Buttons do nothing in this chat.' }
  if (typeof from !== 'number' || (users && !users.includes(from)))
    return { done: false, said: 'You may not press this button: you are not one of `users`.' }
  if (typeof token !== 'string' || !isToken(token)) return { done: false, said: 'This button is not known.' }
  try {
    return await press({ token, who: nameOf(query) })
  } catch (error) {
    means.log.warn({}, `${means.name}: a pressed button: ${messageOf(error)}`)
    return { done: false, said: 'It failed; the log of Caretaker says why.' }
  }
}

/** `@alice`; by name and number who has no such name. */
function nameOf(query: JsonObject): string | undefined {
  const { username, first_name: first, id } = asObject(query['from']) ?? {}
  if (typeof username === 'string') return cutCharacters(printable(`@${username}`), longestName)
  if (typeof id !== 'number') return undefined
  return typeof first === 'string' ? `${cutCharacters(printable(first), longestName)} (${id})` : String(id)
}
