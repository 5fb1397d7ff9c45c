import { request } from 'node:http'
import { hc } from 'hono/client'
import { AgentError, errorCodes } from '../core/errors.ts'
import type { Api } from './api.ts'
import { basePath } from './base-path.ts'
import { encodeRequester, requesterHeader } from './requester.ts'

export interface ClientOptions {
  /** Who asks, as the journal is to record it. */
  readonly by?: string
}

/**
 * The daemon's API on its control socket, typed by its routes. Every call rejects with an AgentError: `unreachable` when
 * no daemon runs; else what the daemon said.
 */
export function createClient(socketPath: string, { by }: ClientOptions = {}) {
  return hc<Api>(`http://caretaker${basePath}`, {
    fetch: socketFetch(socketPath),
    headers: by === undefined ? {} : { [requesterHeader]: encodeRequester(by) },
  })
}

export type Client = ReturnType<typeof createClient>

/** What a call to the daemon is answered with. */
export async function answerOf<T>(response: Promise<{ json(): Promise<T> }>): Promise<T> {
  return (await response).json()
}

/** A `fetch` that asks at a unix socket, and rejects where the answer is none of success. */
export function socketFetch(socketPath: string): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const { method = 'GET', body } = init
    const answer = await send(socketPath, {
      method,
      path: `${url.pathname}${url.search}`,
      headers: Object.fromEntries(new Headers(init.headers)),
      body: typeof body === 'string' ? body : undefined,
    })
    if (answer.status !== 200 || !isJson(answer.text)) throw errorOf(answer)
    return new Response(answer.text, { status: 200 })
  }
}

interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** Waits as long as the daemon works on it. */
function send(socketPath: string, { body, headers, ...where }: Outgoing): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body ?? '')) }
    const outgoing = request(
      { socketPath, ...where, headers: { host: 'caretaker', ...headers, ...length } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', () =>
          reject(new AgentError('unreachable', 'the daemon closed the connection: was it stopped?')),
        )
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    outgoing.on('error', (error: NodeJS.ErrnoException) => reject(explain(error, socketPath)))
    outgoing.end(body)
  })
}

function explain(error: NodeJS.ErrnoException, socketPath: string): AgentError {
  const away = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
  const denied = error.code === 'EACCES'
  return new AgentError(
    'unreachable',
    away
      ? `no daemon is running at ${socketPath}: start it with \`caretaker start\``
      : denied
        ? `permission denied on ${socketPath}: run the CLI as the daemon's user`
        : `the daemon at ${socketPath}: ${error.message}`,
    error,
  )
}

/** What the daemon says is wrong. A code that only a newer daemon knows counts as an answer that can't be read. */
function errorOf({ status, text }: { readonly status: number; readonly text: string }): AgentError {
  const { detail, code } = (isJson(text) ? JSON.parse(text) : {}) as { detail?: unknown; code?: unknown }
  const known = errorCodes.find((one) => one === code) ?? 'malformed'
  return new AgentError(
    known,
    typeof detail === 'string' ? detail : `the daemon sent an unreadable answer (HTTP ${status})`,
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
