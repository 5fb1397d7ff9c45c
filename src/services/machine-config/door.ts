import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Logger } from '../../core/log.ts'
import { readConfigQuery } from '../../core/provision/config-query.ts'
import { canonicalAddress } from '../../core/address.ts'
import type { Material } from '../../http/certificate.ts'
import { limitPipelining } from '../../http/pipelining.ts'
import { closeServer } from '../../http/serve.ts'
import { answerJson, answerText, send } from './answers.ts'
import type { ConfigRoute } from './config-route.ts'
import type { ConnectionGate } from './connections.ts'
import type { DeviceFlow } from './device-flow.ts'
import { readForm } from './form.ts'
import { type DoorLimits, longestHead } from './limits.ts'
import { verifyPolicy } from './verify-page.ts'

export interface DoorParts {
  readonly config: ConfigRoute
  readonly flow: DeviceFlow
  readonly gate: ConnectionGate
  /** The page that a code leads to. */
  readonly verify: (code: string | undefined) => Promise<string>
  /** A machine waits 90 s before each of its requests for variables that have no value. */
  readonly missing: (address: string, variables: readonly string[]) => void
  readonly limits: DoorLimits
  readonly log: Logger
}

/** One address of the door. */
export interface OpenDoor extends AsyncDisposable {
  /** Serves with these from now on. */
  renew(material: Material): void
}

/**
 * Listens on one address. It speaks HTTP/1.1 and nothing else, answers one request a connection, has four paths, and lists
 * nothing.
 *
 * @throws Error of the system where it can't listen, with a `code`
 */
export async function openDoor(
  place: { readonly address: string; readonly port: number },
  material: Material | undefined,
  parts: DoorParts,
): Promise<OpenDoor> {
  const server = serverFor(material, parts.limits, (request, response) => {
    parts.gate.asks(request.socket)
    answer(request, response, parts).catch((error: unknown) => {
      parts.log.error({ err: error }, 'a machine got no answer')
      response.destroy()
    })
  })
  server.maxRequestsPerSocket = 1
  limitPipelining(server)
  // Before TLS and HTTP get to see it.
  server.prependListener('connection', (socket: Socket) => {
    if (parts.gate.admit(socket)) socket.setKeepAlive(true, 30_000)
  })
  server.on('clientError', (_, socket) => void socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: place.address, port: place.port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    renew: (fresh) => (server as SecureServer).setSecureContext({ ...fresh, minVersion: 'TLSv1.2' }),
    [Symbol.asyncDispose]: () => closeServer(server),
  }
}

function serverFor(material: Material | undefined, limits: DoorLimits, listener: RequestListener): Server {
  const options = {
    headersTimeout: limits.requestWithin,
    requestTimeout: limits.requestWithin,
    connectionsCheckingInterval: Math.min(limits.requestWithin, 2_000),
    // Connections are kept for a configuration alone, until the machine hangs up.
    keepAliveTimeout: 2 * limits.takenWithin,
    maxHeaderSize: longestHead,
  }
  if (!material) return createServer(options, listener)
  return createSecureServer(
    {
      ...options,
      ...material,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.requestWithin,
    },
    listener,
  )
}

const methods: Readonly<Record<string, string>> = {
  '/config': 'GET',
  '/device/code': 'POST',
  '/token': 'POST',
  '/verify': 'GET',
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: DoorParts): Promise<void> {
  const address = canonicalAddress(request.socket.remoteAddress ?? '')
  // It has hung up.
  if (address === undefined) return
  if (request.httpVersion !== '1.1') return answerText(response, 505, 'HTTP/1.1 only')
  const { path, query } = targetOf(request.url ?? '')
  const method = methods[path]
  if (method === undefined) return answerText(response, 404, 'not found')
  if (request.method !== method) {
    response.setHeader('allow', method)
    return answerText(response, 405, `${method} only`)
  }
  const { flow, verify } = parts
  if (path === '/config') return answerConfig({ request, response, address, query }, parts)
  if (path === '/verify') {
    const code = new URLSearchParams(query).get('user_code') ?? undefined
    response.setHeader('content-security-policy', verifyPolicy)
    response.setHeader('referrer-policy', 'no-referrer')
    return send(response, 200, 'text/html; charset=utf-8', Buffer.from(await verify(code)))
  }
  const form = await readForm(request)
  if (form === undefined) return answerText(response, 413, 'too long')
  const said = path === '/device/code' ? flow.begin(address, query, form) : flow.poll(address, form)
  if (typeof said === 'string') return answerText(response, 503, said)
  answerJson(response, said.status, said.body)
}

interface Asking {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly address: string
  readonly query: string
}

function answerConfig(
  { request, response, address, query }: Asking,
  { flow, config, missing: lacks }: DoorParts,
): Promise<void> | void {
  const { claim, missing } = readConfigQuery(query)
  const isLate = missing.length > 0
  if (isLate) lacks(address, missing)
  const { authorization } = request.headers
  // What was approved by a code has a token; who has none is somebody else, whatever it says.
  if (authorization === undefined) return config.answer({ claim, address, way: 'plain' }, response, isLate)
  const question = flow.whoHas(/^bearer (.+)$/i.exec(authorization)?.[1] ?? '', address, query)
  if (typeof question === 'string') return answerText(response, 401, question)
  return config.answer(question, response, isLate)
}

/** Of a request line: what stands before the first question mark, and what behind it. */
function targetOf(url: string): { readonly path: string; readonly query: string } {
  const at = url.indexOf('?')
  return at < 0 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at + 1) }
}
