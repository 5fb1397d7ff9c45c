import { jsonOf, type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireAnswer, WireRequest } from './wire.ts'

export interface DiscordMessage {
  readonly id: string
  readonly thread: string | undefined
  readonly payload: DiscordPayload
  readonly edits: number
  /** Whether anybody's phone sounds for a mention in its content. */
  readonly mentions: boolean
}

interface DiscordPayload {
  readonly content?: string
  readonly username?: string
  readonly embeds?: readonly {
    readonly title?: string
    readonly description?: string
    readonly footer?: { readonly text: string }
    readonly color?: number
    readonly timestamp?: string
  }[]
  readonly allowed_mentions?: { readonly parse?: readonly string[] }
}

/** Refusals by Discord's own code (discord-api-docs, JSON error codes). */
export const discordCodes: Readonly<Record<number, { readonly status: number; readonly message: string }>> = {
  10_003: { status: 404, message: 'Unknown Channel' },
  10_008: { status: 404, message: 'Unknown Message' },
  10_015: { status: 404, message: 'Unknown Webhook' },
  40_005: { status: 413, message: 'Request entity too large' },
  50_006: { status: 400, message: 'Cannot send an empty message' },
  50_013: { status: 403, message: 'You lack permissions to perform that action' },
  50_027: { status: 401, message: 'Invalid Webhook Token' },
  50_035: { status: 400, message: 'Invalid Form Body' },
}

export function discordRefuses(code: number): WireAnswer {
  const { status, message } = discordCodes[code]!
  return { status, body: { message, code } }
}

/** A webhook that is asked too often: in the body seconds with a fraction, in the header rounded up. */
export function discordLimits(seconds: number): WireAnswer {
  return {
    status: 429,
    headers: { 'retry-after': String(Math.ceil(seconds)), 'x-ratelimit-remaining': '0' },
    body: { message: 'You are being rate limited.', retry_after: seconds, global: false },
  }
}

/** Discord's webhooks (discord-api-docs, resources/webhook). */
export interface LabDiscord extends LabStandIn {
  /** The URL of its one webhook. */
  readonly webhook: string
  readonly messages: readonly DiscordMessage[]
  /** Somebody deletes a message, or the webhook itself. */
  delete(what: string): void
}

export async function startDiscord({
  address,
  token,
}: {
  readonly address: string
  readonly token: string
}): Promise<LabDiscord> {
  const path = `/api/webhooks/1234567890/${token}`
  const messages = new Map<string, DiscordMessage>()
  let isGone = false
  let last = 1_000

  const post = (payload: DiscordPayload, query: URLSearchParams): WireAnswer => {
    const id = String((last += 1))
    messages.set(id, {
      id,
      thread: query.get('thread_id') ?? undefined,
      payload,
      edits: 0,
      mentions: mentionsOf(payload),
    })
    return query.get('wait') === 'true' ? { status: 200, body: { id, ...payload } } : { status: 204 }
  }
  const edit = (id: string, payload: DiscordPayload, query: URLSearchParams): WireAnswer => {
    const message = messages.get(id)
    if (!message || message.thread !== (query.get('thread_id') ?? undefined)) return discordRefuses(10_008)
    const edited = { ...message, payload, edits: message.edits + 1, mentions: message.mentions || mentionsOf(payload) }
    messages.set(id, edited)
    return { status: 200, body: { id, ...payload } }
  }
  const answer = ({ method, target, body }: WireRequest): WireAnswer => {
    const { pathname, searchParams } = new URL(target, 'http://discord')
    if (isGone || !pathname.startsWith(`/api/webhooks/1234567890/`)) return discordRefuses(10_015)
    if (!pathname.startsWith(path)) return discordRefuses(50_027)
    const payload = jsonOf(body) as DiscordPayload | undefined
    const code = payload === undefined ? 50_035 : faultOf(payload)
    if (code !== undefined) return discordRefuses(code)
    const id = /^\/messages\/(\d+)$/.exec(pathname.slice(path.length))?.[1]
    if (method === 'PATCH' && id !== undefined) return edit(id, payload!, searchParams)
    return method === 'POST' && pathname === path ? post(payload!, searchParams) : { status: 405, body: {} }
  }

  const standIn = await startStandIn(address, answer)
  return {
    ...standIn,
    webhook: standIn.url + path,
    get messages() {
      return [...messages.values()]
    },
    delete: (what) => {
      isGone ||= what === 'webhook'
      messages.delete(what)
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}

/** Its limits, in characters (Execute Webhook; Embed Limits). */
function faultOf({ content = '', embeds = [], username = '' }: DiscordPayload): number | undefined {
  if (content === '' && embeds.length === 0) return 50_006
  const lengths = embeds.map(({ title = '', description = '', footer }) => ({
    title: title.length,
    description: description.length,
    footer: footer?.text.length ?? 0,
  }))
  const total = lengths.reduce((sum, one) => sum + one.title + one.description + one.footer, 0)
  const isTooLong =
    content.length > 2_000 ||
    embeds.length > 10 ||
    username.length > 80 ||
    total > 6_000 ||
    lengths.some(({ title, description, footer }) => title > 256 || description > 4_096 || footer > 2_048)
  return isTooLong ? 50_035 : undefined
}

/** Everybody who is named in the content is called, unless the payload says that nobody is. */
function mentionsOf({ content = '', allowed_mentions: allowed }: DiscordPayload): boolean {
  return /@everyone|@here|<@/.test(content) && (allowed?.parse ?? ['everyone', 'users', 'roles']).length > 0
}
