import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Trust } from './trust.ts'
import { AgentError, describeConnectionError, type ErrorCode, messageOf } from '../../core/errors.ts'
import { secretsOfUrl, withoutSecrets } from '../../core/hidden.ts'
import { failureWords, pageWords, wantsTls } from './failure-words.ts'

/** A request of a channel. */
export interface Outgoing {
  /** What is being done, for errors: `ntfy at ntfy.sh`. Never with a secret. */
  readonly doing: string
  readonly url: URL
  /** POST by default. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown
  /** What must never stand in an error: tokens, topics, whole URLs. */
  readonly secrets?: readonly string[]
  /** Whose certificates are believed; default: the public CAs. */
  readonly trust?: Trust
  /** In bytes, instead of 65,536: what is read of the answer at most. */
  readonly largest?: number
}

export interface Incoming {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** The failure of a request to try again, not before that has passed. */
export class RetryAfter extends AgentError {
  /** In ms. */
  readonly after: number
  constructor(message: string, after: number) {
    super('not-now', message)
    this.after = after
  }
}

/** In ms, from the connection to the last byte of the answer: a channel that hangs is cut off. */
export const answerWithin = 10_000
/** In bytes: an answer says an id, or why not. */
const largestAnswer = 65_536
/** In ms: no server makes us wait for longer. */
const longestPause = 3_600_000

/**
 * Makes the request once, on a connection of its own, and follows no redirect.
 *
 * @throws AgentError `unreachable`, `timed-out`; only what never came is an error here: see `refusalOf` for the rest
 */
export async function ask(outgoing: Outgoing, signal: AbortSignal, within = answerWithin): Promise<Incoming> {
  const late = AbortSignal.timeout(within)
  try {
    const response = await send(outgoing, AbortSignal.any([signal, late]))
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: await readWhole(response, outgoing.largest),
    }
  } catch (error) {
    if (late.aborted) throw new AgentError('timed-out', `${outgoing.doing}: no answer within ${within / 1_000} s`)
    throw unreachable(outgoing, error)
  }
}

/** A request that came to nothing, without its secrets. */
export function unreachable(outgoing: Outgoing, error: unknown): AgentError {
  if (error instanceof AgentError) return error
  const { doing, url } = outgoing
  return new AgentError(
    'unreachable',
    `${doing}: ${hide(`${url.host}: ${failureWords(describeConnectionError(messageOf(error)))}`, outgoing)}`,
  )
}

/** Whether it is any of 200 to 299: what a status below means never ends an answer (RFC 9110, 15.2). */
export function saysYes({ status }: Pick<Incoming, 'status'>): boolean {
  return status <= 299
}

/** The same for an answer that must say yes: any of 200 to 299. @throws AgentError as `refusalOf` says */
export async function demand(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
  const answer = await ask(outgoing, signal)
  if (saysYes(answer)) return answer
  throw refusalOf(outgoing, answer)
}

/**
 * What an answer that is not yes means (RFC 9110, 15.5 and 15.6): 429 and 5xx pass by themselves, not before what
 * Retry-After says; a redirect is not followed; anything else is a refusal for good. `said` is what the channel's own
 * format holds of it.
 */
export function refusalOf(outgoing: Outgoing, { status, headers, text }: Incoming, said = text): AgentError {
  const { doing } = outgoing
  const words = hide(pageWords(said), outgoing).replaceAll(/\s+/g, ' ').trim().slice(0, 200)
  const why = `${doing}: HTTP ${status}${words === '' ? '' : `: ${words}`}`
  const after = retryAfter(headers['retry-after'])
  if (status === 429 || status === 503 || after !== undefined) return new RetryAfter(why, after ?? 0)
  if (status >= 500 || status === 408) return new AgentError('unreachable', why)
  if (status === 400 && wantsTls(text)) return new AgentError('misconfigured', `${why}: use https://`)
  if (status >= 300 && status <= 399) return new AgentError('misconfigured', `${why}; it redirects: use that address`)
  const codes: Readonly<Record<number, ErrorCode>> = {
    401: 'misconfigured',
    403: 'misconfigured',
    404: 'not-found',
    410: 'not-found',
  }
  return new AgentError(codes[status] ?? 'rejected', why)
}

/** Seconds or a date (RFC 9110 10.2.3), in ms. */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now
  return Number.isFinite(ms) ? Math.min(longestPause, Math.max(0, ms)) : undefined
}

/** Without what is secret, however it is written in a URL. */
function hide(text: string, { url, secrets = [] }: Outgoing): string {
  return withoutSecrets(text, [...secrets, ...secretsOfUrl(url)])
}

/** The request itself; resolves with the head of the answer. */
export function send(
  { url, method = 'POST', headers = {}, body, trust }: Outgoing,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const isText = typeof body === 'string' || body === undefined
  const text = isText ? (body ?? '') : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
      url,
      {
        method,
        signal,
        agent: false,
        rejectUnauthorized: true,
        ...(trust === undefined ? {} : { secureContext: trust }),
        headers: {
          'user-agent': 'caretaker',
          ...(isText ? {} : { 'content-type': 'application/json' }),
          'content-length': Buffer.byteLength(text),
          ...headers,
        },
      },
      resolve,
    )
    outgoing.on('error', reject).end(text)
  })
}

/** The body of an answer, as far as it is read at all. */
export async function readWhole(response: IncomingMessage, largest = largestAnswer): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= largest) break
  }
  return Buffer.concat(chunks).subarray(0, largest).toString('utf8')
}
