import type { OutgoingMessage } from '../../channel.ts'
import { cutCharacters } from '../../cut.ts'
import type { PushoverConfig } from './config.ts'

/** In characters. */
const longest = { title: 250, message: 1_024, url: 512, urlTitle: 100 } as const

/** It is shown again and again until somebody confirms it, and gets a receipt. */
export const emergency = 2

/** The fields of a message, less who it goes to and by whom. */
export function fieldsOf(
  message: OutgoingMessage,
  { device, sound, priorities, retry, expire }: Omit<PushoverConfig, 'type' | 'server' | 'token' | 'user'>,
): Readonly<Record<string, string>> {
  const { title, text, details = [], at } = message
  const priority = priorityOf(message, priorities)
  return {
    title: cutCharacters(title, longest.title),
    message: cutCharacters([text, ...details].join('\n'), longest.message),
    timestamp: String(Math.floor(Date.parse(at) / 1_000)),
    priority: String(priority),
    ...(priority === emergency ? { retry: secondsOf(retry), expire: secondsOf(expire) } : {}),
    ...pageOf(message),
    ...(device === undefined ? {} : { device }),
    ...(sound === undefined ? {} : { sound }),
  }
}

/** Nobody is woken for what only goes on, or is over; the end of what was critical is still heard. */
function priorityOf({ kind, severity }: OutgoingMessage, priorities: PushoverConfig['priorities']): number {
  const own = priorities[severity]
  if (kind === 'update') return Math.min(own, -1)
  if (kind === 'settled') return Math.min(own, severity === 'critical' ? 0 : -1)
  return own
}

/** One link is shown: the page of the most urgent button, else where there is more to read. */
function pageOf({ buttons, link }: OutgoingMessage): Readonly<Record<string, string>> {
  const button = buttons.find(({ url }) => url !== undefined && url.length <= longest.url)
  if (button?.url !== undefined) return { url: button.url, url_title: cutCharacters(button.label, longest.urlTitle) }
  return link === undefined || link.length > longest.url ? {} : { url: link }
}

function secondsOf(ms: number): string {
  return String(Math.round(ms / 1_000))
}
