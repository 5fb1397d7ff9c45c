import type { OutgoingMessage } from '../../channel.ts'
import { escapeHtml } from '../../html.ts'
import { cutBytes } from '../../cut.ts'
import { plainText, waysOf } from '../../plain-text.ts'

/** In bytes: an event may have 65,536 (matrix-spec 1.19, Size limits), of which the server adds its own part. */
const largest = 48_000

export interface MatrixContent {
  readonly msgtype: 'm.text' | 'm.notice'
  readonly body: string
  readonly format: 'org.matrix.custom.html'
  readonly formatted_body: string
  /** Nobody is mentioned, whatever a text says. */
  readonly 'm.mentions': Readonly<Record<string, never>>
}

/** The content of an event of the type m.room.message. */
export function contentOf(message: OutgoingMessage): MatrixContent {
  return fitted(message, (fitting) => fitting)
}

/** The same that replaces the event `ref`, the first of its thread and never an edit. */
export function editOf(message: OutgoingMessage, ref: string): object {
  return fitted(message, (content) => ({
    ...content,
    body: `* ${content.body}`,
    formatted_body: `* ${content.formatted_body}`,
    'm.new_content': content,
    'm.relates_to': { rel_type: 'm.replace', event_id: ref },
  }))
}

/** With as much of the long form as there is room for. */
function fitted<Event extends object>(message: OutgoingMessage, wrap: (content: MatrixContent) => Event): Event {
  for (let most = 16_000; ; most /= 2) {
    const details = cutBytes((message.details ?? []).join('\n'), most).split('\n')
    const event = wrap(
      write({ ...message, text: cutBytes(message.text, most), details: message.details ? details : [] }),
    )
    if (most < 64 || Buffer.byteLength(JSON.stringify(event)) <= largest) return event
  }
}

function write(message: OutgoingMessage): MatrixContent {
  const { title, text, details = [] } = message
  const ways = waysOf(message).map(({ label, url }) => `<a href="${escapeHtml(url)}">${escapeHtml(label)}</a>`)
  const lines = [text, ...details].map(escapeHtml).join('<br>')
  return {
    msgtype: isUrgent(message) ? 'm.text' : 'm.notice',
    body: `${title}\n${plainText(message)}`,
    format: 'org.matrix.custom.html',
    formatted_body: `<b>${escapeHtml(title)}</b><br>${lines}${ways.length === 0 ? '' : `<br>${ways.join(' · ')}`}`,
    'm.mentions': {},
  }
}

/**
 * Bots speak in notices, and no phone sounds for one: that is what each account's push rules say unless they are changed
 * (matrix-spec 1.19, Push rules: .m.rule.suppress_notices comes before mentions). What must be heard is a text.
 */
function isUrgent({ kind, severity }: OutgoingMessage): boolean {
  return (kind === 'alert' || kind === 'reminder') && severity !== 'info'
}
