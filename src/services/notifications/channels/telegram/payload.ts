import type { JsonObject } from '../../answer.ts'
import type { OutgoingMessage } from '../../channel.ts'
import { cutCharacters } from '../../cut.ts'

/** In characters, after entities were parsed. */
const longestText = 4_096

/**
 * The text of a message, with its buttons. No `parse_mode`: what is marked is told by its place, so no text can break it.
 * A preview of the link is not asked for: Telegram could not reach it, and should not.
 */
export function contentOf(message: OutgoingMessage, hasButtons: boolean): JsonObject {
  const { title, text, details = [], link, buttons } = message
  const end = link === undefined ? '' : `\n${link}`
  const body = cutCharacters([title, text, ...details].join('\n'), longestText - end.length)
  const keyboard = buttons.map(({ label, token }) => [{ text: label, callback_data: token }])
  return {
    text: `${body}${end}`,
    entities: [{ type: 'bold', offset: 0, length: title.length }],
    link_preview_options: { is_disabled: true },
    ...(hasButtons && keyboard.length > 0 ? { reply_markup: { inline_keyboard: keyboard } } : {}),
  }
}

/** Whether the phone makes no sound: for what is no trouble, what only goes on, and the end of a small one. */
export function isSilent({ kind, severity }: OutgoingMessage): boolean {
  if (kind === 'update') return true
  return kind === 'settled' ? severity !== 'critical' : severity === 'info'
}
