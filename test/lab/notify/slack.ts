import { jsonOf, type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireAnswer } from './wire.ts'

interface Text {
  readonly type: string
  readonly text: string
}

export interface SlackPayload {
  readonly text?: string
  readonly blocks?: readonly { readonly type: string; readonly text?: Text; readonly elements?: readonly Text[] }[]
  readonly attachments?: readonly {
    readonly fallback?: string
    readonly text?: string
    readonly color?: string
    readonly footer?: string
  }[]
  readonly channel?: string
  readonly username?: string
}

/** An incoming webhook: Slack's, Mattermost's or Rocket.Chat's. */
export interface LabSlack extends LabStandIn {
  readonly webhook: string
  readonly messages: readonly SlackPayload[]
  /** What people see of the last message: blocks where the server knows them. */
  readonly shown: string
  /** Whether the last message calls everybody. */
  readonly calls: boolean
}

const token = 'canarySlackToken00000000'

export async function startSlack({
  address,
  server = 'slack',
}: {
  readonly address: string
  readonly server?: Kind
}): Promise<LabSlack> {
  const path = server === 'slack' ? `/services/T0000/B0000/${token}` : `/hooks/${token}`
  const messages: SlackPayload[] = []
  const refuse = refusals[server]
  const standIn = await startStandIn(address, ({ method, target, body }) => {
    if (method !== 'POST' || target !== path) return refuse.unknown
    const payload = jsonOf(body) as SlackPayload | undefined
    if (payload === undefined) return refuse.payload
    const fault = server === 'slack' ? faultOf(payload) : undefined
    if (fault !== undefined) return { status: 400, body: fault }
    if (server !== 'slack' && (payload.text ?? '') === '' && !payload.attachments?.length) return refuse.payload
    messages.push(payload)
    return server === 'rocket.chat' ? { status: 200, body: { success: true } } : { status: 200, body: 'ok' }
  })
  return {
    ...standIn,
    webhook: standIn.url + path,
    messages,
    get shown() {
      return shownOf(messages.at(-1)!, server === 'slack')
    },
    get calls() {
      const said = shownOf(messages.at(-1)!, server === 'slack')
      return server === 'slack' ? /<!(here|channel|everyone)/.test(said) : /(^|\s)@(all|channel|here)\b|<!/.test(said)
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  }
}

/** Mattermost (app/webhook.go) and Rocket.Chat know no blocks, and show text and attachments alone. */
function shownOf({ text = '', blocks, attachments = [] }: SlackPayload, isSlack: boolean): string {
  if (isSlack && blocks)
    return blocks.flatMap((one) => [one.text, ...(one.elements ?? [])].map((part) => part?.text ?? '')).join('\n')
  return [text, ...attachments.map((one) => one.text ?? '')].join('\n')
}

/** Slack's words for what it does not take (api.slack.com, Block Kit; bolt-js issue 2509 for all blocks together). */
function faultOf({ text = '', blocks = [], attachments = [] }: SlackPayload): string | undefined {
  if (text === '' && blocks.length === 0 && attachments.length === 0) return 'no_text'
  const texts = blocks.flatMap((one) => [one.text, ...(one.elements ?? [])]).filter((one) => one !== undefined)
  if (blocks.length > 50 || texts.some((one) => one.text === '' || one.text.length > 3_000)) return 'invalid_blocks'
  return texts.reduce((sum, one) => sum + one.text.length, 0) > 13_200 ? 'msg_blocks_too_long' : undefined
}

type Kind = 'slack' | 'mattermost' | 'rocket.chat'
const refusals: Readonly<Record<Kind, { readonly unknown: WireAnswer; readonly payload: WireAnswer }>> = {
  slack: { unknown: { status: 404, body: 'no_service' }, payload: { status: 400, body: 'invalid_payload' } },
  mattermost: {
    unknown: {
      status: 400,
      body: { id: 'web.incoming_webhook.invalid.app_error', message: 'Invalid webhook.', status_code: 400 },
    },
    payload: {
      status: 400,
      body: { id: 'api.webhook.text.app_error', message: 'No text specified.', status_code: 400 },
    },
  },
  'rocket.chat': {
    unknown: { status: 404, body: { success: false, error: 'Invalid integration id or token provided.' } },
    payload: { status: 400, body: { success: false, error: 'empty payload' } },
  },
}
