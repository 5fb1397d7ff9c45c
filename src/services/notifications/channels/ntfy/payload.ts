import type { OutgoingButton, OutgoingMessage } from '../../channel.ts'
import { cutBytes } from '../../cut.ts'
import { below } from '../shapes.ts'

/**
 * In bytes. A message of 4,096 already becomes an attachment, or is refused where there are none; a body of 8,192 is
 * refused (ntfy 2.13, util/peek.go: the limit counts as reached when so much was read), and so is a title of more than
 * 1,024 (ntfy 2.28, server/config.go).
 */
const longest = { title: 1_024, message: 4_095, body: 8_191 }
/** The server refuses a message with more (server/actions.go). */
const mostActions = 3

/** Of 1 to 5, where 3 sounds once, 2 is silent, and 5 goes on and pops over. */
const priorities = { critical: 5, warning: 4, info: 2 } as const
/** The same for what only goes on, or is over: nobody is woken again for it. */
const laterPriorities = { critical: 3, warning: 2, info: 2 } as const
/** Names of emojis, shown before the title. */
const emojis = { critical: 'rotating_light', warning: 'warning', info: 'information_source' } as const

/** What is POSTed to the root of a server (docs/publish.md, "Publish as JSON"). */
export interface NtfyPayload {
  readonly topic: string
  readonly title: string
  readonly message: string
  readonly priority: number
  readonly tags?: readonly string[]
  readonly click?: string
  readonly actions?: readonly NtfyAction[]
  /** A message replaces an earlier one of the same (ntfy 2.16 and later). */
  readonly sequence_id?: string
}

export interface NtfyAction {
  readonly action: 'http'
  readonly label: string
  readonly url: string
  readonly method: 'POST'
  readonly body?: string
  /** The notification goes when the request has succeeded. */
  readonly clear: true
}

/** Where pressed buttons go that have no page of their own. */
export interface CommandPlace {
  readonly server: string
  readonly topic: string
}

/** The payload of a message, within the server's limits. */
export function payloadOf(
  message: OutgoingMessage,
  { topic, commands }: { readonly topic: string; readonly commands?: CommandPlace | undefined },
): NtfyPayload {
  const { title, text, details = [], link, kind, severity } = message
  const actions = message.buttons.flatMap((button) => actionOf(button, commands)).slice(0, mostActions)
  return fitted({
    topic,
    title,
    message: [text, ...details].join('\n'),
    priority: (kind === 'update' || kind === 'settled' ? laterPriorities : priorities)[severity],
    tags: [kind === 'settled' ? 'white_check_mark' : emojis[severity]],
    sequence_id: message.thread,
    ...(link === undefined ? {} : { click: link }),
    ...(actions.length === 0 ? {} : { actions }),
  })
}

/** The answer to a button, for everybody who reads the topic. */
export function answerPayload(
  topic: string,
  { done, said }: { readonly done: boolean; readonly said: string },
): NtfyPayload {
  return fitted({ topic, title: done ? 'Done' : 'Not done', message: said, priority: 2 })
}

/**
 * A phone sends the request by itself, so it needs no more than what stands here; everybody who reads the topic sees it. A
 * topic for buttons comes first: a phone that has the message can reach its server, and not always `api.url`.
 */
function actionOf({ label, token, url }: OutgoingButton, commands: CommandPlace | undefined): NtfyAction[] {
  const shared = { action: 'http', label, method: 'POST', clear: true } as const
  if (commands !== undefined) return [{ ...shared, url: below(commands.server, commands.topic).href, body: token }]
  return url === undefined ? [] : [{ ...shared, url }]
}

/** With a message that is short enough by itself, and with what JSON makes of it: up to six bytes of one. */
function fitted(payload: NtfyPayload): NtfyPayload {
  const title = cutBytes(payload.title, longest.title)
  let most = longest.message
  for (;;) {
    const cut = { ...payload, title, message: cutBytes(payload.message, most) }
    const over = Buffer.byteLength(JSON.stringify(cut)) - longest.body
    if (over <= 0 || most === 0) return cut
    most = Math.max(0, most - Math.ceil(over / 6))
  }
}
