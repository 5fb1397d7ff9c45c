import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Identity } from '../authority.ts'
import { refuseUpgrade } from './exec.ts'
import { isRefusal, refuse, retryAfterOf, unsupportedMediaType } from './status.ts'
import type { User } from './routes.ts'

export interface Listener {
  /** The port it listens on. */
  readonly port: number
  /** Stops listening and cuts every connection. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly address: string
  readonly port: number
  readonly identity: Identity
  readonly ca: string
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  /** Of a request that would become a WebSocket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>
}

/** Listens for TLS connections; a client's certificate is asked for here and judged with each request, as in Go's server. */
export async function listen({ address, port, identity, ca, answer, upgrade }: ListenOptions): Promise<Listener> {
  const sockets = new Set<Socket>()
  // A certificate that does not verify is no TLS error for kube-apiserver (tls.RequestClientCert) but a 401.
  const trust = { ca, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' as const }
  const server = createServer({ ...identity, ...trust }, (request, response) => {
    answer(request, response).catch((error: unknown) => sendFailure(response, error))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A client that has gone away needs no answer.
    socket.on('error', () => socket.destroy())
    upgrade(request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error))
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/**
 * The client's user and groups, or the 401 of a client without a certificate of this cluster or a token for it, or with one
 * that has ended: by the lab's own clock, which a test may move, or because it is one of `expired` (SHA-256 fingerprints).
 */
export function authenticate(
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
  tokens: Readonly<Record<string, User>>,
  expired: ReadonlySet<string>,
): User {
  const bearer = tokens[headers.authorization?.replace(/^Bearer /, '') ?? '']
  if (bearer) return impersonated(bearer, headers)
  const shown = socket instanceof TLSSocket && isOfThisCluster(socket) ? socket.getPeerCertificate() : undefined
  const isGood = ({ valid_from: from, valid_to: to }: { valid_from: string; valid_to: string }) =>
    Date.parse(from) <= Date.now() && Date.now() < Date.parse(to)
  if (shown?.subject === undefined || expired.has(shown.fingerprint256) || !isGood(shown))
    throw refuse(401, 'Unauthorized', { reason: 'Unauthorized' })
  return impersonated({ name: texts(shown.subject.CN)[0] ?? '', groups: texts(shown.subject.O) }, headers)
}

/** Its dates are judged apart from the rest. */
function isOfThisCluster({ authorized, authorizationError }: TLSSocket): boolean {
  // Node's types call it an Error; it is the error's code.
  const code = String(authorizationError)
  return authorized || code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'
}

/** As whom the client wants to act, where it may (k8s.io/apiserver pkg/endpoints/filters/impersonation). */
function impersonated(client: User, headers: IncomingMessage['headers']): User {
  const others = Object.keys(headers).some((name) => /^impersonate-(group|uid|extra-)/.test(name))
  const name = headers['impersonate-user']
  if (typeof name !== 'string') {
    if (others) throw refuse(500, 'requested impersonating without impersonating a user', { reason: 'InternalError' })
    return client
  }
  if (!client.groups.includes('system:masters'))
    throw refuse(
      403,
      `users "${name}" is forbidden: User "${client.name}" cannot impersonate resource "users" in API group "" at the cluster scope`,
      { reason: 'Forbidden' },
    )
  const utf8 = (text: string) => Buffer.from(text, 'latin1').toString('utf8')
  // Node joins what comes several times.
  const groups = headers['impersonate-group']
  return { name: utf8(name), groups: typeof groups === 'string' ? groups.split(', ').map(utf8) : [] }
}

/** The request's JSON document; undefined when it has none. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    length += chunk.length
    if (length > 3 * 1024 * 1024) throw refuse(413, 'limit is 3145728', { reason: 'RequestEntityTooLarge' })
    chunks.push(chunk)
  }
  if (length === 0) return undefined
  const type = contentTypeOf(request)
  // A patch has its own types, and says itself which ones it takes.
  if (request.method !== 'PATCH' && type !== '' && type !== 'application/json')
    throw unsupportedMediaType(['application/json'])
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch (error) {
    throw refuse(400, `couldn't get version/kind; json parse error: ${String(error)}`, { reason: 'BadRequest' })
  }
}

export function contentTypeOf({ headers }: IncomingMessage): string {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
}

/**
 * In which form the client takes its answer, of those that it names the first one that there is: as it stands, or as a
 * table (k8s.io/apiserver pkg/endpoints/handlers/negotiation). Refuses a client that takes neither.
 */
export function negotiate({ headers }: IncomingMessage): 'json' | 'table' {
  const types = (headers.accept ?? '*/*').split(',').map((type) => type.split(';').map((part) => part.trim()))
  const plain = ['application/json', 'application/*', '*/*']
  const isTable = ([type, ...parameters]: readonly string[]) =>
    type === 'application/json' &&
    ['as=Table', 'g=meta.k8s.io', 'v=v1'].every((parameter) => parameters.includes(parameter))
  const isPlain = ([type = '', ...parameters]: readonly string[]) =>
    plain.includes(type) && !parameters.some((parameter) => /^(as|g|v)=/.test(parameter))
  const first = types.find((type) => isTable(type) || isPlain(type))
  if (first !== undefined) return isTable(first) ? 'table' : 'json'
  throw refuse(406, 'only the following media types are accepted: application/json', { reason: 'NotAcceptable' })
}

export function sendJson(response: ServerResponse, code: number, body: object): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.end(`${JSON.stringify(body)}\n`)
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' })
  response.end(text)
}

function sendFailure(response: ServerResponse, error: unknown): void {
  const { failure } = isRefusal(error) ? error : refuse(500, String(error), { reason: 'InternalError' })
  const said = isRefusal(error) ? error.retryAfter : undefined
  const seconds = said ?? retryAfterOf(failure)
  // Of all answers these alone carry it (k8s.io/apiserver pkg/endpoints/handlers/responsewriters ErrorNegotiated).
  if (seconds !== undefined && !response.headersSent && !response.destroyed)
    response.setHeader('retry-after', String(seconds))
  sendJson(response, failure.code, failure)
}

function texts(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
