import type { OutgoingMessage } from './channel.ts'
import { cutCharacters } from './cut.ts'

/** A way on: a button's page, or the page that shows more. */
export interface Way {
  readonly label: string
  readonly url: string
}

/** For channels without buttons of their own: where each leads, the most urgent first. */
export function waysOf({ buttons, link }: Pick<OutgoingMessage, 'buttons' | 'link'>): readonly Way[] {
  const pages = buttons.flatMap(({ label, url }) => (url === undefined ? [] : [{ label, url }]))
  return link === undefined ? pages : [...pages, { label: 'Details', url: link }]
}

/** What a message says below its title, of so many characters at most. Addresses are left whole: the rest is cut. */
export function plainText(message: OutgoingMessage, most = Infinity): string {
  const { text, details = [] } = message
  const ways = waysOf(message).map(({ label, url }) => `${label}: ${url}`)
  const end = ways.length === 0 ? '' : `\n\n${ways.join('\n')}`
  return cutCharacters([text, ...details].join('\n'), Math.max(0, most - end.length)) + end
}

/** What must not stand in an error that a message causes: whoever knows a button's token may press it. */
export function secretsIn({ buttons }: Pick<OutgoingMessage, 'buttons'>): readonly string[] {
  return buttons.flatMap(({ token, url }) => (url === undefined ? [token] : [token, url]))
}
