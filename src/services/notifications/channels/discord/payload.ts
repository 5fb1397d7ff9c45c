import type { OutgoingMessage } from '../../channel.ts'
import { colourOf } from '../../colour.ts'
import { cutCharacters } from '../../cut.ts'
import { waysOf } from '../../plain-text.ts'

/** In characters: below what Discord takes of each, and of all parts of an embed, 6,000 (discord-api-docs, Embed Limits). */
const longest = { content: 2_000, description: 4_096, footer: 256 }

export interface DiscordPayload {
  /** What a lock screen shows. */
  readonly content: string
  readonly embeds: readonly {
    readonly description: string
    readonly color: number
    readonly timestamp: string
    readonly footer: { readonly text: string }
  }[]
  /** Nobody is mentioned, whatever a text says; without it an edit mentions again. */
  readonly allowed_mentions: { readonly parse: readonly [] }
}

export function payloadOf(message: OutgoingMessage): DiscordPayload {
  const { title, text, details = [], at, homelab } = message
  const ways = waysOf(message).map(({ label, url }) => `[${escape(label)}](${url})`)
  const end = ways.length === 0 ? '' : `\n\n${ways.join(' · ')}`
  const said = cutCharacters([text, ...details].map(escape).join('\n'), longest.description - end.length)
  return {
    content: cutCharacters(escape(title), longest.content),
    embeds: [
      {
        description: said + end,
        color: colourOf(message),
        timestamp: at,
        footer: { text: cutCharacters(homelab, longest.footer) },
      },
    ],
    allowed_mentions: { parse: [] },
  }
}

/** Without what Discord takes for markup; addresses stay as they are, since a backslash would become part of them. */
function escape(text: string): string {
  return text
    .split(/(https?:\/\/\S+)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[\\*_~`|<[\]]|^[>#-]/gm, '\\$&')))
    .join('')
}
