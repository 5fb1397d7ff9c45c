import type { IncomingMessage } from 'node:http'
import type { hc } from 'hono/client'
import { AgentError, errorCodes } from '../core/errors.ts'
import type { Api } from './api.ts'
import type { Problem } from './errors.ts'
import { basePath } from './base-path.ts'
import { brokenOff, type Outgoing, type Reach, send } from './reach.ts'
import { encodeRequester, requesterHeader } from './requester.ts'
import { unknownRequest } from './unknown-request.ts'

export interface ClientOptions {
  /** Who asks, as the journal is to record it. A server knows that by the token. */
  readonly by?: string
}

/**
 * The daemon's API, typed by its routes as hono's own client is, which would have Node load undici first: that takes longer
 * than most requests. Every call rejects with an AgentError: `unreachable` when no daemon answers; else what the daemon said.
 */
export function createClient(reach: Reach, { by }: ClientOptions = {}): Client {
  const headers: Readonly<Record<string, string>> =
    by === undefined || !('socketPath' in reach) ? {} : { [requesterHeader]: encodeRequester(by) }
  return resource(basePath, async (method, path, given) => {
    const answer = await askJson(reach, { method, path: fillIn(path, given), headers }, given.json)
    return { json: () => Promise.resolve(answer) }
  })
}

/** What a call is made with, as the types of its route say. */
interface Given {
  readonly param?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly json?: unknown
}

type Call = (method: string, path: string, given: Given) => Promise<unknown>

/** `client.nodes[':name'].pause.$post(…)` calls with `POST` and `/nodes/:name/pause`. */
function resource(path: string, call: Call): Client {
  const known = (_: unknown, key: string | symbol) => {
    if (typeof key === 'symbol') return undefined
    if (!key.startsWith('$')) return resource(`${path}/${key}`, call)
    return (given: Given = {}) => call(key.slice(1).toUpperCase(), path, given)
  }
  return new Proxy({}, { get: known }) as Client
}

/** Parameters are encoded already: whoever calls knows what may stand in a path. */
function fillIn(path: string, { param = {}, query = {} }: Given): string {
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => param[name]!)
  const fields = Object.entries(query).filter((field): field is [string, string] => field[1] !== undefined)
  return fields.length === 0 ? filled : `${filled}?${new URLSearchParams(fields).toString()}`
}

/**
 * Asks for JSON there, and resolves with it where the answer is one of success.
 *
 * @param path of the whole, with its query
 * @param json what is sent along
 */
export async function askJson(
  reach: Reach,
  { method, path, headers = {} }: Pick<Outgoing, 'method' | 'path' | 'headers'>,
  json?: unknown,
): Promise<unknown> {
  const type: Readonly<Record<string, string>> = json === undefined ? {} : { 'content-type': 'application/json' }
  const body = json === undefined ? undefined : JSON.stringify(json)
  const response = await send(reach, { method, path, headers: { ...type, ...headers }, body })
  const told = await readText(response, reach, method)
  if (response.statusCode !== 200 || !isJson(told)) throw errorOf(response, told, reach)
  return JSON.parse(told)
}

export type Client = ReturnType<typeof hc<Api>>

/** What a call to the daemon is answered with. */
export async function answerOf<T>(response: Promise<{ json(): Promise<T> }>): Promise<T> {
  return (await response).json()
}

/** The whole answer. @throws AgentError `unreachable` where it is broken off */
export async function readText(response: IncomingMessage, reach: Reach, method: string): Promise<string> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch (error) {
    throw new AgentError('unreachable', brokenOff(reach, method), error)
  }
  return Buffer.concat(chunks).toString('utf8')
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
