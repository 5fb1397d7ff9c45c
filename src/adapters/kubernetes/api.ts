import { Agent, request } from 'node:https'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Access } from './kubeconfig.ts'

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

/** A list of a large cluster is some megabytes; this is far beyond it, in bytes. */
const largestAnswer = 256 * 1_048_576

/**
 * A thin client of the Kubernetes API on Node's own HTTPS: the official one takes 71 MB and more memory than the rest of
 * the agent together, for a dozen calls. One pool of connections is kept; a broken one is replaced by Node.
 */
export function createApi({ server, ca, cert, key, token }: Access): Api {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 8,
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
  })
  const where = server.host

  function sendOnce<T>({ method, path, body, signal }: ApiRequest): Promise<T> {
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
      const outgoing = request(url, { method, headers, agent, signal }, (response) => {
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
            resolve(
              readAnswer<T>(
                response.statusCode ?? 0,
                Buffer.concat(chunks).toString('utf8'),
                `${method} ${path.split('?')[0]}`,
                where,
              ),
            )
          } catch (error) {
            reject(error)
          }
        })
      })
      outgoing.on('error', fail)
      outgoing.end(payload)
    })
  }

  return {
    send: sendOnce,
    [Symbol.dispose]: () => agent.destroy(),
  }
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
