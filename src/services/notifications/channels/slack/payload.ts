import type { OutgoingMessage } from '../../channel.ts'
import { hexColourOf } from '../../colour.ts'
import { cutCharacters } from '../../cut.ts'
import { waysOf } from '../../plain-text.ts'

/** In characters: a section's limit. All of ours together are far below what a message may hold. */
const longest = 3_000

/** For Slack itself: the text is what a lock screen shows, and blocks what is read then. */
export function blocksOf(message: OutgoingMessage): object {
  const { title, text, details = [], homelab } = message
  const ways = waysIn(message)
  const sections = [
    cutCharacters(`*${escape(title)}*\n${escape(text)}`, longest),
    ...(details.length === 0 ? [] : [cutCharacters(details.map(escape).join('\n'), longest)]),
    ...(ways === '' ? [] : [ways]),
  ]
  return {
    text: escape(title),
    blocks: [
      ...sections.map((said) => ({ type: 'section', text: mrkdwn(said) })),
      { type: 'context', elements: [mrkdwn(escape(homelab))] },
    ],
    // A preview asks for the page that a link leads to.
    unfurl_links: false,
    unfurl_media: false,
  }
}

/** For all others, where blocks would not be shown. */
export function attachmentsOf(message: OutgoingMessage): object {
  const { title, text, details = [], homelab } = message
  const ways = waysIn(message)
  const end = ways === '' ? '' : `\n\n${ways}`
  const said = [text, ...details].map((line) => withoutMentions(escape(line))).join('\n')
  return {
    text: withoutMentions(escape(title)),
    attachments: [
      {
        fallback: escape(title),
        color: hexColourOf(message),
        text: cutCharacters(said, longest - end.length) + end,
        footer: escape(homelab),
      },
    ],
  }
}

/** Nothing in it is made into a link or a name. */
function mrkdwn(text: string) {
  return { type: 'mrkdwn', text, verbatim: true }
}

function waysIn(message: OutgoingMessage): string {
  return waysOf(message)
    .map(({ label, url }) => `<${url}|${escape(label)}>`)
    .join(' · ')
}

/** The three characters that begin markup which does something, such as calling everybody. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Mattermost calls everybody for a bare `@all`; with a zero-width space in it, it is read the same. */
function withoutMentions(text: string): string {
  return text.replaceAll('@', '@\u200b')
}
