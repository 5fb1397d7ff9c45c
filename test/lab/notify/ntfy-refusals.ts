import type { WireAnswer } from './wire.ts'

/** ntfy's refusals: code, HTTP status, text (ntfy 2.13, server/errors.go; 40049 since 2.16, 40057 since 2.28). */
const refusals = {
  40009: [400, 'invalid request: topic invalid'],
  40010: [400, 'invalid request: topic name is not allowed'],
  40014: [400, 'invalid request: attachments not allowed'],
  40017: [400, 'invalid request: request body must be message JSON'],
  40018: [400, 'invalid request: actions invalid'],
  40049: [400, 'invalid request: sequence ID invalid'],
  40057: [400, 'invalid request: title is too large'],
  40007: [400, 'invalid priority parameter'],
  40008: [400, 'invalid since parameter'],
  40101: [401, 'unauthorized'],
  40301: [403, 'forbidden'],
  40401: [404, 'page not found'],
  41303: [413, 'JSON body too large'],
  42901: [429, 'limit reached: too many requests'],
  42903: [429, 'limit reached: too many active subscriptions'],
  42908: [429, 'limit reached: daily message quota reached'],
  42909: [429, 'limit reached: too many auth failures'],
  50001: [500, 'internal server error'],
  50701: [507, 'cannot publish to UnifiedPush topic without previously active subscriber'],
} as const

export type NtfyCode = keyof typeof refusals

/** The answer of a refusal; no Retry-After is sent. */
export function ntfyRefuses(code: NtfyCode): WireAnswer {
  const [http, error] = refusals[code]
  return { status: http, body: { code, http, error, link: 'https://ntfy.sh/docs/publish/' } }
}

/** What a handler throws to refuse. */
export class NtfyRefusal extends Error {
  readonly code: NtfyCode
  constructor(code: NtfyCode) {
    super(String(code))
    this.code = code
  }
}
