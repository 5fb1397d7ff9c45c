import { Agent, request as httpsRequest } from 'node:https'
import { below } from '../../core/address.ts'
import { AgentError } from '../../core/errors.ts'
import { type AccessSource, createSessions, type Session } from './access.ts'
import { ApiRefusal, CredentialsEnded, parseRetryAfter, readAnswer, readText, translate } from './answers.ts'
import { describeCredential, headersOf, tlsOf, whyUnknown } from './entry.ts'
import type { ExecOutcome, ExecRequest } from './exec.ts'
import type { Access } from './kubeconfig.ts'
import { createRetries } from './retries.ts'

export { ApiRefusal, isMissing } from './answers.ts'

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With its query, already encoded. */
  readonly path: string
  readonly body?: unknown
  /** For paths that answer with plain text, such as `/readyz`. */
  readonly as?: 'text'
  readonly signal: AbortSignal
  /** Told the size of the answer, in bytes. */
  readonly onSize?: (bytes: number) => void
}

export interface Api extends Disposable {
  send<T>(request: ApiRequest): Promise<T>
  /** Runs a command in a pod and waits for its exit, whatever the exit code. */
  exec(request: ExecRequest): Promise<ExecOutcome>
}

export interface ApiOptions {
  /**
   * What it takes to get in, where that comes from, or how to fetch it: what is fetched is fetched anew when the API
   * server doesn't know us any more, and before its client certificate ends.
   */
  readonly access: Access | AccessSource | (() => Promise<Access>)
  /** Told the time by the API server's clock with each answer, in ms since the epoch (RFC 9110 section 6.6.1). */
  readonly onDate?: ((at: number) => void) | undefined
}

/** In bytes; a list of a large cluster has some megabytes. */
const largestAnswer = 32 * 1_048_576

/**
 * A thin client of the Kubernetes API on Node's own HTTPS: the official one takes 71 MB and more memory than the rest of
 * the agent together, for a dozen calls. One pool of connections is kept; a broken one is replaced by Node.
 */
export function createApi(given: Access | ApiOptions): Api {
  const access = 'access' in given ? given.access : given
  const onDate = 'access' in given ? given.onDate : undefined
  const sessions = createSessions(access, openAgent)
  const retrying = createRetries()

  /**
   * Sends with the current credentials, and once more with new ones where those are no longer accepted. Only once,
   * since a control plane has to issue them.
   */
  async function ask<T>(
    signal: AbortSignal,
    isRepeated: boolean,
    over: (session: Session<Agent>) => Promise<T>,
  ): Promise<T> {
    const session = await sessions.current(signal)
    try {
      return await over(session)
    } catch (error) {
      if (!isUnknownThere(error)) throw error
      if (isRepeated) throw withReason(error, session.access)
      const renewed = await sessions.renewed(session, signal)
      if (renewed === undefined) throw withReason(error, session.access)
      return await over(renewed).catch((again: unknown) => {
        throw withReason(again, renewed.access)
      })
    }
  }

  return {
    send: (request) =>
      retrying(request, (isRepeated) =>
        ask(request.signal, isRepeated, (session) => sendOver(session, request, onDate)),
      ),
    exec: (request) => {
      const { namespace, pod, signal } = request
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`
      return retrying({ method: 'GET', path, signal }, (isRepeated) =>
        ask(signal, isRepeated, async ({ access }) => (await import('./exec.ts')).execOver(access, request)),
      )
    },
    [Symbol.dispose]: () => sessions[Symbol.dispose](),
  }
}

/** Objects per page, as in kubectl. */
const pageSize = 500
/** More pages than any homelab's list has: a server that sends more repeats itself. */
const mostPages = 1_000
/** In bytes, of all pages: they are all in memory until the list is read. Ten thousand pods are about as much. */
const largestList = 64 * 1_048_576
/** How often a list is restarted when its continue token has expired. */
const mostRestarts = 3

interface ListObject<T> {
  readonly kind?: unknown
  readonly metadata?: { readonly continue?: string } | null
  /** Go writes `null` for a list that was never made. */
  readonly items?: readonly T[] | null
}

/**
 * Every item of a list, page by page (kubernetes/kubernetes staging/src/k8s.io/client-go/tools/pager). A token that the
 * server no longer knows (410, etcd was compacted meanwhile) begins the list anew: half a list is none.
 *
 * @throws AgentError `malformed` where the list has no end, or is none
 */
export async function listOf<T>(api: Pick<Api, 'send'>, path: string, signal: AbortSignal): Promise<readonly T[]> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await pagesOf<T>(api, path, signal)
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.status !== 410) throw error
      if (restarts >= mostRestarts) throw new AgentError('unreachable', error.message, error)
    }
  }
}

async function pagesOf<T>(api: Pick<Api, 'send'>, path: string, signal: AbortSignal): Promise<readonly T[]> {
  const found: T[] = []
  const first = `${path}${path.includes('?') ? '&' : '?'}limit=${pageSize}`
  let next = ''
  let size = 0
  const onSize = (bytes: number) => void (size += bytes)
  for (let page = 0; page < mostPages; page++) {
    const at = next === '' ? first : `${first}&continue=${encodeURIComponent(next)}`
    const { kind, items, metadata } = await api.send<ListObject<T>>({ method: 'GET', path: at, signal, onSize })
    // Another server's answer must not look like a cluster without nodes, pods and volumes.
    if (!Array.isArray(items) && !(typeof kind === 'string' && kind.endsWith('List')))
      throw new AgentError(
        'malformed',
        `the Kubernetes API answers GET ${path.split('?')[0]} with something that is not a list`,
      )
    for (const item of items ?? []) found.push(item)
    next = metadata?.continue ?? ''
    if (next === '') return found
    if (size > largestList) break
  }
  throw new AgentError(
    'malformed',
    `the Kubernetes API never ends the list of ${path.split('?')[0]}: ${found.length} objects so far`,
  )
}

/** `?a=1&b=2`, encoded; what is undefined is left out. */
export function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [`${key}=${encodeURIComponent(value)}`],
  )
  return given.length === 0 ? '' : `?${given.join('&')}`
}

/** How a connection ends that the other side has closed. */
const closed = new Set<string | undefined>(['ECONNRESET', 'EPIPE'])
/** At a time, to one server. */
const mostConnections = 8

function openAgent(access: Access): Agent {
  return new Agent({ keepAlive: true, maxSockets: mostConnections, ...tlsOf(access) })
}

/** A 401 gives no reason: adds the credential that was used, and its dates where they explain it. */
function withReason(error: unknown, access: Access): unknown {
  if (!(error instanceof ApiRefusal) || error.status !== 401) return error
  const why = whyUnknown(access, Date.now())
  if (why !== undefined) return new CredentialsEnded(401, `${error.message}: ${why}`, error.details)
  const stranger = `it does not accept ${describeCredential(access)}: does it belong to this cluster?`
  return new ApiRefusal(401, `${error.message}: ${stranger}`, error.details, error.retryAfter)
}

/** Whether new credentials may help: the server answers 401, or presents a certificate of another CA. */
function isUnknownThere(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.status === 401
  return error instanceof AgentError && error.code === 'misconfigured'
}

async function sendOver<T>(
  session: Session<Agent>,
  request: ApiRequest,
  onDate: ((at: number) => void) | undefined,
): Promise<T> {
  const release = session.use()
  try {
    for (let stale = 0; ; stale++) {
      try {
        return await sendOnce<T>(session, request, onDate)
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error
        if (stale >= mostConnections || request.method === 'POST') throw error.reason
      }
    }
  } finally {
    release()
  }
}

/**
 * A connection that was kept open was closed by the other side just as the request went out: it says nothing of the server.
 * What may be sent twice is sent again (RFC 9110 section 9.2.2), on another connection.
 */
class StaleConnection extends Error {
  readonly reason: unknown

  constructor(reason: unknown) {
    super('the connection was closed meanwhile')
    this.reason = reason
  }
}

function sendOnce<T>(
  { access, connections }: Session<Agent>,
  request: ApiRequest,
  onDate: ((at: number) => void) | undefined,
): Promise<T> {
  const { method, path, body, signal } = request
  const { server } = access
  const where = server.host
  const beganAt = performance.now()
  return new Promise((resolve, reject) => {
    const url = below(server, path)
    // As bytes: with a string body Node would encode the headers in UTF-8, too.
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const headers: Record<string, string | string[]> = { accept: 'application/json', ...headersOf(access) }
    // By default Node sends a DELETE's body without a length, which servers refuse.
    if (payload !== undefined) headers['content-length'] = String(payload.length)
    if (payload !== undefined)
      headers['content-type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const fail = (error: unknown) => reject(translate(error, { where, signal, beganAt }))
    let hasBegun = false
    const outgoing = httpsRequest(url, { method, headers, agent: connections, signal }, (response) => {
      hasBegun = true
      const chunks: Buffer[] = []
      let size = 0
      const date = Date.parse(response.headers.date ?? '')
      if (Number.isFinite(date)) onDate?.(date)
      response.on('error', fail)
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > largestAnswer) response.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        request.onSize?.(size)
        try {
          const what = `${method} ${path.split('?')[0]}`
          const answer = {
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
            retryAfter: parseRetryAfter(response.headers, Date.now()),
            secrets: [access.token],
          }
          resolve(request.as === 'text' ? (readText(answer, what, where) as T) : readAnswer<T>(answer, what, where))
        } catch (error) {
          reject(error)
        }
      })
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = outgoing.reusedSocket && !hasBegun && closed.has(error.code)
      if (isStale && !signal.aborted) reject(new StaleConnection(translate(error, { where, signal, beganAt })))
      else fail(error)
    })
    outgoing.end(payload)
  })
}
