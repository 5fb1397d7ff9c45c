import { AgentError } from '../../../../core/errors.ts'
import { asObject, type JsonObject } from '../../answer.ts'
import type { OpenChannel, OutgoingMessage, Sent } from '../../channel.ts'
import { type CallTelegram, createTelegramApi, TelegramRefusal } from './api.ts'
import type { TelegramConfig } from './config.ts'
import { contentOf, isSilent } from './payload.ts'
import { listenForPresses } from './presses.ts'

/** Telegram's Bot API. Messages are edited in place, and pressed buttons come by long polling: nothing reaches in. */
export const open: OpenChannel<TelegramConfig> = async (config, means) => {
  const { name, files, log, trust } = means
  const setting = `notifications.channels.${name}.token`
  const token = await files.readSecret(config.token, setting)
  if (!/^\d+:[-\w]+$/.test(token))
    throw new AgentError('misconfigured', `${setting}: is not the token of a bot: 123456:ABC…`)
  const doing = `${name} (Telegram)`
  const chat = createChat(
    createTelegramApi({ server: config.server, token, doing, trust }),
    String(config.chat),
    (number) => log.warn({}, `${doing}: the group has become a supergroup: set \`chat\` to ${number}`),
  )

  const send = async (message: OutgoingMessage, signal: AbortSignal): Promise<Sent> => {
    const content = contentOf(message, config.buttons)
    const sent = await chat.call('sendMessage', { ...content, disable_notification: isSilent(message) }, signal)
    const id = asObject(sent)?.['message_id']
    return typeof id === 'number' ? { ref: `${chat.current}/${id}` } : {}
  }
  return {
    send,
    update: async (ref, message, signal) => {
      const [, where, id] = /^(.+)\/(\d+)$/.exec(ref) ?? []
      if (where !== chat.current) return send(message, signal)
      try {
        await chat.call('editMessageText', { ...contentOf(message, config.buttons), message_id: Number(id) }, signal)
        return { ref }
      } catch (error) {
        if (isUnchanged(error)) return { ref }
        if (isGone(error)) return send(message, signal)
        throw error
      }
    },
    ...(config.buttons
      ? {
          listen: (press, signal) =>
            listenForPresses({ call: chat.api, press, isOurs: chat.isOurs, users: config.users, means, signal }),
        }
      : {}),
  }
}

/** The chat that messages go to; a group gets another number when it becomes a supergroup. */
function createChat(api: CallTelegram, configured: string, moved: (to: number) => void) {
  let current = configured
  return {
    api,
    get current() {
      return current
    },
    call: async (method: string, parameters: JsonObject, signal: AbortSignal): Promise<unknown> => {
      try {
        return await api(method, { chat_id: current, ...parameters }, signal)
      } catch (error) {
        if (!(error instanceof TelegramRefusal) || error.movedTo === undefined) throw error
        current = String(error.movedTo)
        moved(error.movedTo)
        return api(method, { chat_id: current, ...parameters }, signal)
      }
    },
    isOurs: ({ id, username }: JsonObject) =>
      String(id) === current ||
      (typeof username === 'string' && `@${username}`.toLowerCase() === current.toLowerCase()),
  }
}

/** It says what it is to say already: the answer to an earlier edit was lost. */
function isUnchanged(error: unknown): boolean {
  return error instanceof TelegramRefusal && error.description.includes('message is not modified')
}

/** Somebody has deleted it, or it is in a group that is no more. */
function isGone(error: unknown): boolean {
  return (
    error instanceof TelegramRefusal &&
    /message to edit not found|message can't be edited|MESSAGE_ID_INVALID/.test(error.description)
  )
}
