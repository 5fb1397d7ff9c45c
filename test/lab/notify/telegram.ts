import { type LabStandIn, startStandIn } from './stand-in.ts'
import { badRequest, telegramAnswers, TelegramError, telegramRefuses, tooMany } from './telegram-refusals.ts'
import { createTelegramUpdates, type TelegramUpdates } from './telegram-updates.ts'
import type { WireAnswer } from './wire.ts'

export interface TelegramChat {
  readonly id: number
  readonly type: 'private' | 'group' | 'supergroup' | 'channel'
  readonly username?: string
  /** The person has blocked the bot, or it was thrown out. */
  blocked?: boolean
  /** It has become this supergroup. */
  movedTo?: number
}

export interface TelegramUser {
  readonly id: number
  readonly first_name: string
  readonly username?: string
}

export interface TelegramMessage {
  readonly message_id: number
  readonly chat: TelegramChat
  text: string
  entities: readonly { type: string; offset: number; length: number }[]
  silent: boolean
  /** Whether the page behind a link is fetched and shown. */
  preview: boolean
  keyboard: readonly (readonly { text: string; callback_data?: string; url?: string }[])[]
  edits: number
}

export interface LabTelegramOptions {
  readonly address?: string
  readonly token: string
  readonly chats: readonly TelegramChat[]
  /** Messages to a chat before one more is taken each second; default 20. */
  readonly burst?: number
  readonly now?: () => Date
}

/** Telegram's Bot API for one bot, as far as messages with buttons need it. */
export interface LabTelegram extends LabStandIn {
  readonly messages: readonly TelegramMessage[]
  /** Methods in the order in which they were called, without getUpdates. */
  readonly calls: readonly string[]
  readonly updates: TelegramUpdates
  /** Answers to presses, by the query's id. */
  readonly answers: ReadonlyMap<string, { readonly text: string; readonly alert: boolean }>
  chat(id: number): TelegramChat
  /** Somebody presses a button of a message; answers with the query's id. */
  press(message: TelegramMessage, label: string, from: TelegramUser): string
  /** Somebody deletes a message. */
  remove(message: TelegramMessage): void
}

type Parameters = Readonly<Record<string, unknown>>

export async function startTelegram(options: LabTelegramOptions): Promise<LabTelegram> {
  const { token, chats, address } = options
  const messages: TelegramMessage[] = []
  const calls: string[] = []
  const answers = new Map<string, { text: string; alert: boolean }>()
  const updates = createTelegramUpdates()
  const pace = createPace(options)
  let queries = 4_000_000_000_000_000

  const chatOf = (id: unknown): TelegramChat => {
    const chat = chats.find(
      (one) => String(one.id) === String(id) || `@${one.username}`.toLowerCase() === String(id).toLowerCase(),
    )
    if (!chat) throw badRequest('chat not found')
    if (chat.movedTo !== undefined)
      throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.movedTo })
    if (chat.blocked) throw new TelegramError(403, 'bot was blocked by the user')
    return chat
  }
  const methods: Readonly<Record<string, (parameters: Parameters) => unknown>> = {
    sendMessage: (parameters) => {
      const chat = chatOf(parameters['chat_id'])
      const content = contentOf(parameters)
      pace(chat)
      const silent = parameters['disable_notification'] === true
      const { is_disabled: isOff } = (parameters['link_preview_options'] ?? {}) as { is_disabled?: boolean }
      const message = { message_id: messages.length + 1, chat, silent, preview: isOff !== true, edits: 0, ...content }
      messages.push(message)
      return told(message)
    },
    editMessageText: (parameters) => {
      const chat = chatOf(parameters['chat_id'])
      const message = messages.find((one) => one.chat === chat && one.message_id === parameters['message_id'])
      if (!message) throw badRequest('message to edit not found')
      const content = contentOf(parameters)
      if (JSON.stringify(content) === JSON.stringify(contentOf(asParameters(message))))
        throw badRequest(
          'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
        )
      pace(chat)
      Object.assign(message, content, { edits: message.edits + 1 })
      return told(message)
    },
    answerCallbackQuery: ({ callback_query_id: id, text = '', show_alert: alert = false }) => {
      if (typeof id !== 'string' || Number(id) > queries || answers.has(id))
        throw badRequest('query is too old and response timeout expired or query ID is invalid')
      if (String(text).length > 200) throw badRequest('MESSAGE_TOO_LONG')
      answers.set(id, { text: String(text), alert: alert === true })
      return true
    },
  }
  const answer = async (method: string, body: string): Promise<WireAnswer> => {
    const parameters = JSON.parse(body) as Parameters
    if (method === 'getUpdates') {
      const found = await updates.ask(parameters)
      if (found instanceof TelegramError) throw found
      return telegramAnswers(200, { ok: true, result: found })
    }
    calls.push(method)
    if (!(method in methods)) throw new TelegramError(404, 'method not found')
    return telegramAnswers(200, { ok: true, result: methods[method]!(parameters) })
  }

  const standIn = await startStandIn(address, async ({ target, body }) => {
    const [, given, method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(target) ?? []
    try {
      // A token of the wrong form is a page that does not exist; an unknown one is nobody's.
      if (given === undefined || !/^\d+:[-\w]+$/.test(given)) throw new TelegramError(404, '')
      if (given !== token) throw new TelegramError(401, '')
      return await answer(method, body)
    } catch (error) {
      if (error instanceof TelegramError) return telegramRefuses(error)
      throw error
    }
  })
  return {
    ...standIn,
    messages,
    calls,
    updates,
    answers,
    chat: (id) => chats.find((chat) => chat.id === id)!,
    press: (message, label, from) => {
      const button = message.keyboard.flat().find(({ text }) => text === label)
      if (!button) throw new Error(`there is no button ${label}`)
      const id = String(++queries)
      updates.add({
        callback_query: { id, from, message: told(message), chat_instance: '1', data: button.callback_data },
      })
      return id
    },
    remove: (message) => void messages.splice(messages.indexOf(message), 1),
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}

function told({ message_id, chat, text, entities, keyboard }: TelegramMessage) {
  const { id, type, username } = chat
  return {
    message_id,
    date: 1_795_651_200,
    chat: { id, type, ...(username === undefined ? {} : { username }) },
    text,
    entities,
    ...(keyboard.length > 0 ? { reply_markup: { inline_keyboard: keyboard } } : {}),
  }
}

function asParameters({ text, entities, keyboard }: TelegramMessage): Parameters {
  return { text, entities, reply_markup: { inline_keyboard: keyboard } }
}

/** As a message is checked: text, parse mode, buttons. */
function contentOf(parameters: Parameters): Pick<TelegramMessage, 'text' | 'entities' | 'keyboard'> {
  const { text, entities = [], parse_mode: mode, reply_markup: markup } = parameters
  if (typeof text !== 'string' || text.trim() === '') throw badRequest('message text is empty')
  if (Array.from(text).length > 4_096) throw badRequest('message is too long')
  if (mode === 'HTML' && /<(?!\/?(?:b|i|a|code|pre)\b)/.test(text))
    throw badRequest('can\'t parse entities: Unsupported start tag "" at byte offset 0')
  if (mode === 'MarkdownV2' && /(?<!\\)[.!()-]/.test(text))
    throw badRequest("can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'")
  const keyboard = (markup as { inline_keyboard?: TelegramMessage['keyboard'] } | undefined)?.inline_keyboard ?? []
  for (const { text: label, callback_data: data, url } of keyboard.flat()) {
    if (!label) throw badRequest('can\'t parse inline keyboard button: Field "text" must be of type String')
    if (data === undefined ? url === undefined : Buffer.byteLength(data) < 1 || Buffer.byteLength(data) > 64)
      throw badRequest('BUTTON_DATA_INVALID')
  }
  return { text: text.trim(), entities: entities as TelegramMessage['entities'], keyboard }
}

/** So many messages to a chat at once, then one each second. */
function createPace({ burst = 20, now = () => new Date() }: LabTelegramOptions): (chat: TelegramChat) => void {
  const sent = new Map<TelegramChat, number[]>()
  return (chat) => {
    const at = now().getTime()
    const recent = (sent.get(chat) ?? []).filter((time) => time > at - burst * 1_000)
    if (recent.length >= burst) throw tooMany(Math.max(1, Math.ceil((recent[0]! + burst * 1_000 - at) / 1_000)))
    sent.set(chat, [...recent, at])
  }
}
