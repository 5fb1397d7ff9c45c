import MailComposer from 'nodemailer/lib/mail-composer'
import { printable } from '../../../../core/printable.ts'
import type { OutgoingMessage } from '../../channel.ts'
import { hexColourOf } from '../../colour.ts'
import { escapeHtml } from '../../html.ts'
import { plainText, waysOf } from '../../plain-text.ts'

export interface Addresses {
  readonly from: string
  readonly to: readonly string[]
}

/**
 * A message as it goes over the wire (RFC 5322), text and HTML. Its Message-ID is the same whenever it is sent, so that what
 * arrives twice can be told; all of a thread refer to one root, which was never sent: that is enough for readers to put them
 * together. `at` is its date.
 */
export async function writeMail(message: OutgoingMessage, { from, to }: Addresses, at: Date): Promise<Buffer> {
  const { id, thread, kind, severity, homelab } = message
  const domain = from.slice(from.lastIndexOf('@') + 1)
  const root = `<thread.${thread}@${domain}>`
  const isLater = ['update', 'reminder', 'settled'].includes(kind)
  const composer = new MailComposer({
    from: { name: `Caretaker ${printable(homelab)}`, address: from },
    to: [...to],
    subject: printable(message.title),
    date: at,
    messageId: `<${id}@${domain}>`,
    references: [root],
    ...(isLater ? { inReplyTo: root } : {}),
    // Nobody's holiday notice answers it (RFC 3834; the second is what Exchange looks at).
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      // The first is what RFC 4021 knows, the second what most readers look at.
      ...(severity === 'critical' && kind !== 'settled' ? { Importance: 'high', 'X-Priority': '1' } : {}),
    },
    text: `${plainText(message)}\n\n-- \n${printable(homelab)}\n`,
    html: htmlOf(message),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return composer.compile().build()
}

function htmlOf(message: OutgoingMessage): string {
  const { title, text, details = [], homelab } = message
  const ways = waysOf(message).map(({ label, url }) => `<a href="${escapeHtml(url)}">${escapeHtml(label)}</a>`)
  const colour = hexColourOf(message)
  const lines = [
    '<!doctype html><html><body style="font-family: sans-serif">',
    `<p style="border-left: 6px solid ${colour}; padding-left: 8px"><strong>${escapeHtml(title)}</strong></p>`,
    `<p>${escapeHtml(text)}</p>`,
    ...(ways.length === 0 ? [] : [`<p>${ways.join(' &middot; ')}</p>`]),
    ...(details.length === 0 ? [] : [`<p>${details.map(escapeHtml).join('<br>\n')}</p>`]),
    `<p style="color: #666666">${escapeHtml(printable(homelab))}</p>`,
    '</body></html>',
  ]
  return `${lines.join('\n')}\n`
}
