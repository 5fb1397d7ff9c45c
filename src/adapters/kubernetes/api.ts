import { Agent, request } from 'node:https'
import { AgentError, messageOf } from '../../core/errors.ts'
import { createSessions, type Session } from './access.ts'
import { type Access, asRecord } from './kubeconfig.ts'

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With its query. Names in it are put there by us, and encoded. */
  readonly path: string
  readonly body?: unknown
  readonly signal: AbortSignal
}

/** The API server answered with an error: a Status (kubernetes apimachinery meta/v1). */
export class ApiRefusal extends AgentError {
  readonly status: number
  readonly details: unknown

  constructor(status: number, message: string, details: unknown) {
    // 429 and 5xx pass; so does a conflict, when one looks again.
    super(status === 429 || status >= 500 || status === 409 ? 'unreachable' : 'rejected', message)
    this.status = status
    this.details = details
  }
}

export interface Api extends Disposable {
  send<T>(request: ApiRequest): Promise<T>
}

export interface ApiOptions {
  /**
   * What it takes to get in, or how to fetch it: what is fetched is fetched anew when the API server doesn't know us any
   * more, and before its client certificate ends.
   */
  readonly access: Access | (() => Promise<Access>)
}

/** A list of a large cluster is some megabytes; this is far beyond it, in bytes. */
const largestAnswer = 256 * 1_048_576

/**
 * A thin client of the Kubernetes API on Node's own HTTPS: the official one takes 71 MB and more memory than the rest of
 * the agent together, for a dozen calls. One pool of connections is kept; a broken one is replaced by Node.
 */
export function createApi(given: Access | ApiOptions): Api {
  const access = 'access' in given ? given.access : given
  const sessions = createSessions(access, openAgent)

  return {
    async send(request) {
      const session = await sessions.current(request.signal)
      try {
        return await sendOver(session, request)
      } catch (error) {
        if (!isUnknownThere(error)) throw error
        const renewed = await sessions.renewed(session, request.signal)
        if (renewed === undefined) throw error
        return await sendOver(renewed, request)
      }
    },
    [Symbol.dispose]: () => sessions[Symbol.dispose](),
  }
}

/** Every item of a list. */
export async function listOf<T>(api: Pick<Api, 'send'>, path: string, signal: AbortSignal): Promise<readonly T[]> {
  return (await api.send<{ items?: readonly T[] }>({ method: 'GET', path, signal })).items ?? []
}

/** `?a=1&b=2`, encoded; what is undefined is left out. */
export function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [`${key}=${encodeURIComponent(value)}`],
  )
  return given.length === 0 ? '' : `?${given.join('&')}`
}

function openAgent({ ca, cert, key }: Access): Agent {
  return new Agent({ keepAlive: true, maxSockets: 8, ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) })
}

/** It does not take us for anybody (401), or shows a certificate of another CA: after either was made anew. */
function isUnknownThere(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.status === 401
  return error instanceof AgentError && error.code === 'misconfigured'
}

async function sendOver<T>(session: Session<Agent>, request: ApiRequest): Promise<T> {
  const release = session.use()
  try {
    return await sendOnce<T>(session, request)
  } finally {
    release()
  }
}

function sendOnce<T>({ access, connections }: Session<Agent>, { method, path, body, signal }: ApiRequest): Promise<T> {
  const { server, token } = access
  const where = server.host
  return new Promise((resolve, reject) => {
    const url = new URL(server.pathname.replace(/\/$/, '') + path, server)
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'caretaker' }
    // Of itself Node sends a DELETE's body without a length, which servers refuse.
    if (payload !== undefined) headers['content-length'] = String(Buffer.byteLength(payload))
    if (payload !== undefined)
      headers['content-type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    const fail = (error: unknown) => reject(translate(error, where, signal))
    const outgoing = request(url, { method, headers, agent: connections, signal }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('error', fail)
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > largestAnswer) response.destroy(new Error('the answer has no end'))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        try {
          const what = `${method} ${path.split('?')[0]}`
          resolve(readAnswer<T>(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'), what, where))
        } catch (error) {
          reject(error)
        }
      })
    })
    outgoing.on('error', fail)
    outgoing.end(payload)
  })
}

function readAnswer<T>(status: number, text: string, what: string, where: string): T {
  const parsed = parseObject(text)
  if (status >= 200 && status < 300) {
    if (parsed) return parsed as T
    throw new AgentError(
      'malformed',
      `the Kubernetes API at ${where} answers ${what} with something that is not JSON: ${text.slice(0, 80)}`,
    )
  }
  // What stands in front of the API server, as a load balancer without a backend, answers in its own words.
  const { message, details } = parsed ?? { message: `HTTP ${status} ${text.trim().slice(0, 80)}` }
  const words = typeof message === 'string' && message !== '' ? message : `HTTP ${status}`
  throw new ApiRefusal(status, `the Kubernetes API at ${where} refuses ${what}: ${words}`, details)
}

/** There is no such object of this resource. A 404 of what stands in front of the API server says nothing of it. */
export function isMissing(error: unknown, resource: string): boolean {
  return error instanceof ApiRefusal && error.status === 404 && asRecord(error.details)['kind'] === resource
}

function parseObject(text: string): { message?: unknown; details?: unknown } | undefined {
  try {
    const parsed: unknown = text === '' ? {} : JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}

function translate(error: unknown, where: string, signal: AbortSignal): AgentError {
  if (error instanceof AgentError) return error
  const at = `the Kubernetes API at ${where}`
  if (signal.aborted) return new AgentError('unreachable', `${at} has not answered in time`, error)
  const { code = '' } = error as NodeJS.ErrnoException
  if (/^(ERR_TLS_CERT_ALTNAME|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return new AgentError(
      'misconfigured',
      `${at} shows a certificate that the kubeconfig's CA does not vouch for (${messageOf(error)})`,
      error,
    )
  }
  return new AgentError(
    'unreachable',
    `${at}: ${code === 'ECONNREFUSED' ? 'connection refused' : messageOf(error)}`,
    error,
  )
}
