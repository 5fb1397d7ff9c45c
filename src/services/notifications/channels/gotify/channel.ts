import type { OpenChannel, OutgoingMessage } from '../../channel.ts'
import { demand } from '../../outgoing.ts'
import { below } from '../shapes.ts'
import type { GotifyConfig } from './config.ts'

/** Of 0 to 10; from 8 on a phone makes a sound whatever it is set to (gotify/android, notification channels). */
const priorities = { critical: 8, warning: 5, info: 2 } as const

/** POST /message with the token of an application (gotify v3, docs/spec.json). It can't replace what it has taken. */
export const open: OpenChannel<GotifyConfig> = async ({ server, token }, { name, files }) => {
  const key = await files.readSecret(token, `notifications.channels.${name}.token`)
  const url = below(server, 'message')
  return {
    send: async (message, signal) => {
      const headers = { 'x-gotify-key': key }
      await demand(
        { doing: `${name} (Gotify at ${url.host})`, url, headers, body: bodyOf(message), secrets: [key] },
        signal,
      )
      return {}
    },
  }
}

function bodyOf({ title, text, details = [], severity, link }: OutgoingMessage) {
  return {
    title,
    message: [text, ...details].join('\n'),
    priority: priorities[severity],
    ...(link === undefined ? {} : { extras: { 'client::notification': { click: { url: link } } } }),
  }
}
