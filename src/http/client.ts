import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { hc } from 'hono/client'
import { AgentError, errorCodes } from '../core/errors.ts'
import type { Api } from './api.ts'
import type { Problem } from './errors.ts'
import { basePath } from './base-path.ts'
import { placeOf, type Reach, send } from './reach.ts'
import { encodeRequester, requesterHeader } from './requester.ts'
import { unknownRequest } from './unknown-request.ts'

export interface ClientOptions {
  /** Who asks, as the journal is to record it. A server knows that by the token. */
  readonly by?: string
}

/**
 * The daemon's API, typed by its routes. Every call rejects with an AgentError: `unreachable` when no daemon answers; else
 * what the daemon said.
 */
export function createClient(reach: Reach, { by }: ClientOptions = {}) {
  return hc<Api>(`http://caretaker${basePath}`, {
    fetch: fetchAt(reach),
    headers: by === undefined || !('socketPath' in reach) ? {} : { [requesterHeader]: encodeRequester(by) },
  })
}

export type Client = ReturnType<typeof createClient>

/** What a call to the daemon is answered with. */
export async function answerOf<T>(response: Promise<{ json(): Promise<T> }>): Promise<T> {
  return (await response).json()
}

/** A `fetch` that asks there, whatever the host of the URL, and rejects where the answer is none of success. */
export function fetchAt(reach: Reach): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const { method = 'GET', body } = init
    const response = await send(reach, {
      method,
      path: `${url.pathname}${url.search}`,
      headers: Object.fromEntries(new Headers(init.headers)),
      body: typeof body === 'string' ? body : undefined,
    })
    const told = await readText(response, reach)
    if (response.statusCode !== 200 || !isJson(told)) throw errorOf(response, told, reach)
    return new Response(told, { status: 200 })
  }
}

/** The whole answer. @throws AgentError `unreachable` where it is broken off */
export async function readText(response: IncomingMessage, reach: Reach): Promise<string> {
  return text(response).catch((error: unknown) => {
    throw new AgentError('unreachable', `${placeOf(reach)} closed the connection: was it stopped?`, error)
  })
}

/** What the daemon says is wrong. A code that only a newer daemon knows counts as an answer that can't be read. */
export function errorOf(response: IncomingMessage, told: string, reach: Reach): AgentError {
  const { detail: what, code, type } = (isJson(told) ? JSON.parse(told) : {}) as Partial<Record<keyof Problem, unknown>>
  if (typeof what !== 'string') return notOurs(response, reach)
  const detail = type === unknownRequest ? `${what}; is this CLI newer than the daemon?` : what
  const known = errorCodes.find((one) => one === code) ?? 'malformed'
  return new AgentError(known, 'socketPath' in reach ? detail : withAdvice(detail, known, reach))
}

function withAdvice(detail: string, code: string, { url, token }: Exclude<Reach, { socketPath: string }>): string {
  if (code !== 'unauthenticated') return detail
  return token === undefined
    ? `${url} wants a token: name its file with --token-file (\`caretaker token create NAME --scope operate\` makes one)`
    : `${url} refuses the token: ${detail}`
}

/** An answer that no Caretaker gives. */
function notOurs({ statusCode = 0, headers }: IncomingMessage, reach: Reach): AgentError {
  if ('socketPath' in reach)
    return new AgentError('malformed', `the daemon sent an unreadable answer (HTTP ${statusCode})`)
  const { location } = headers
  if (statusCode >= 300 && statusCode < 400 && location !== undefined)
    return new AgentError('misconfigured', `${reach.url} redirects to ${location}: use that address`)
  return new AgentError('malformed', `${reach.url} is no Caretaker, or something stands before it (HTTP ${statusCode})`)
}

function isJson(told: string): boolean {
  try {
    JSON.parse(told)
    return true
  } catch {
    return false
  }
}
