import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import { messageOf } from '../../../core/errors.ts'
import type { RefusalReason } from '../../../core/netboot/boot-event.ts'
import { parseRange } from '../../../core/netboot/byte-range.ts'
import { isOutdated } from '../../../core/netboot/precondition.ts'
import { formatIpxeScript } from '../../../core/netboot/ipxe-script.ts'
import { peerAddress } from '../../../http/addresses.ts'
import type { Material } from '../../../http/certificate.ts'
import { limitPipelining } from '../../../http/pipelining.ts'
import type { Desk } from '../desk.ts'
import type { SharedFile } from '../files/shared-file.ts'
import type { Watched } from '../watched.ts'
import { sendPart } from './body.ts'
import { type BootImage, readIpxeImages } from './images.ts'
import { createSeats, type Seats } from './seats.ts'

export interface HttpPlace {
  readonly address: string
  readonly port: number
}

export interface HttpOptions {
  /** Those that iPXE is sent on to. */
  images(): readonly BootImage[]
  /** PEM texts: it speaks TLS with them. */
  readonly tls?: Material | undefined
}

export interface HttpDoor extends AsyncDisposable {
  /** New connections speak TLS with these; nobody's transfer is broken off. */
  renew(tls: Material): void
}

const statusOf: Readonly<Record<RefusalReason, number>> = {
  'not-found': 404,
  forbidden: 403,
  unreadable: 403,
  busy: 503,
  unsupported: 405,
}
/** In ms. */
const headersWithin = 10_000
/** In s: after that there may be room again. */
const busyFor = 5
/** Of the one word that is no file. */
const scriptName = '/ipxe'

/**
 * Serves files by HTTP on some addresses, for UEFI's HTTP boot and for iPXE, until it is disposed of.
 *
 * @throws Error of the system where it can't listen, with a `code`
 */
export async function openHttp(places: readonly HttpPlace[], options: HttpOptions, desk: Desk): Promise<HttpDoor> {
  /** Of each connection the last answer: what is asked before the one before was answered waits, and holds no part of a file. */
  const seats = createSeats(desk)
  const turns = new WeakMap<Socket, Promise<void>>()
  const listener: RequestListener = (request, response) => {
    const { socket } = request
    if (socket.destroyed) return
    const take = async () => {
      if (!socket.destroyed) await answer(request, response, { ...options, seats }, desk)
    }
    const turn = (turns.get(socket) ?? Promise.resolve()).then(take).catch((error: unknown) => {
      desk.failed(error)
      response.destroy()
    })
    turns.set(socket, turn)
  }
  await using stack = new AsyncDisposableStack()
  const servers: Server[] = []
  for (const place of places) {
    const server = createFor(listener, options)
    limitPipelining(server)
    // The newest may push out a slower one, or gets a 503.
    server.maxConnections = 2 * desk.limits.connections + desk.limits.perAddress
    server.on('connection', seats.take)
    server.on('secureConnection', seats.take)
    await listen(server, place)
    stack.defer(() => close(server))
    servers.push(server)
  }
  const open = stack.move()
  return {
    renew: (tls) => {
      for (const server of servers) if (server instanceof SecureServer) server.setSecureContext({ ...tls, ...oldest })
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** What is older than that is broken. */
const oldest = { minVersion: 'TLSv1.2' } as const

function createFor(listener: RequestListener, { tls }: HttpOptions): Server {
  const times = { headersTimeout: headersWithin, requestTimeout: headersWithin, keepAliveTimeout: headersWithin }
  return tls ? createSecureServer({ ...times, ...tls, ...oldest }, listener) : createServer(times, listener)
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { images, seats }: HttpOptions & { readonly seats: Seats },
  desk: Desk,
): Promise<void> {
  const client = peerAddress(request.socket)
  response.setTimeout(desk.limits.idle, () => response.destroy())
  if (!desk.allows('http', client)) return end(response, 429, 'too many requests')
  const name = nameIn(request.url ?? '/')
  const watched = await desk.watch('http', client, name.replace(/^\//, ''))
  const refuse = (reason: RefusalReason) => {
    watched.refused(reason)
    // iPXE and others wait that long, and ask again by themselves.
    if (reason === 'busy') response.setHeader('retry-after', String(busyFor))
    end(response, statusOf[reason], reason)
  }
  if (seats.isTurnedAway(request.socket)) {
    response.setHeader('connection', 'close')
    return refuse('busy')
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return refuse('unsupported')
  }
  if (name === scriptName) {
    const script = formatIpxeScript(await readIpxeImages(images(), client, desk.library))
    return end(response, 200, script, request.method === 'HEAD')
  }
  const lent = await desk.library.lend(client, name)
  if ('refused' in lent) return refuse(lent.refused)
  try {
    const { socket } = request
    const passed = (bytes: number) => seats.passed(socket, bytes)
    const why = () => (seats.isOusted(socket) ? 'slow' : 'hung-up')
    await serve(request, response, { file: lent.file, watched, passed, why })
  } finally {
    lent.file.drop()
  }
}

/** One file on its way to one client. */
interface Serving {
  readonly file: SharedFile
  readonly watched: Watched
  /** So many bytes more have left. */
  passed(bytes: number): void
  /** Why it was broken off. */
  why(): 'slow' | 'hung-up'
}

/** UEFI's HTTP boot wants the length, and `application/efi` or a name that ends in `.efi` (UEFI 2.10, 24.7.3.1). */
async function serve(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  { file, watched, ...others }: Serving,
): Promise<void> {
  const { size, version } = file
  const etag = `"${version}"`
  // A part of other bytes would be of no use.
  const isSame = headers['if-range'] === undefined || headers['if-range'] === etag
  // Of HEAD it asks nothing (RFC 9110, 14.2).
  const range = isSame && method === 'GET' ? parseRange(headers.range, size) : undefined
  response.setHeader('accept-ranges', 'bytes')
  response.setHeader('etag', etag)
  response.setHeader('last-modified', new Date(file.writtenAt).toUTCString())
  const asked = { match: headers['if-match'], unmodifiedSince: headers['if-unmodified-since'] }
  if (isOutdated(asked, { etag, writtenAt: file.writtenAt })) {
    watched.started(size, version, undefined)
    watched.aborted(0, 'changed', '')
    return end(response, 412, 'the file is another now')
  }
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${size}`)
    return end(response, 416, 'no such part')
  }
  const part = range ?? { start: 0, end: size }
  if (range) response.setHeader('content-range', `bytes ${range.start}-${range.end - 1}/${size}`)
  response.setHeader('content-type', 'application/efi')
  response.setHeader('content-length', part.end - part.start)
  response.writeHead(range ? 206 : 200)
  if (method === 'HEAD') {
    watched.probed(size)
    response.end()
    return
  }
  await sendWatched(response, { file, part, watched, ...others })
}

async function sendWatched(
  response: ServerResponse,
  { file, part, watched, passed, why }: Serving & { readonly part: { readonly start: number; readonly end: number } },
): Promise<void> {
  const length = part.end - part.start
  watched.started(file.size, file.version, undefined, part.start)
  let arrived = 0
  try {
    const told = (bytes: number) => {
      passed(bytes - arrived)
      arrived = bytes
      watched.progressed(bytes)
    }
    const sent = await sendPart(file, part, response, { told, ending: watched.ending })
    if (sent < length) return watched.aborted(sent, why(), '')
    await new Promise<void>((resolve) => {
      response.once('close', resolve)
      response.end(resolve)
    })
    watched.done(sent, 0)
  } catch (error) {
    watched.aborted(arrived, 'unreadable', messageOf(error))
    // A file that is shorter than was said must not look whole.
    response.destroy()
  }
}

/** The path, one letter for each byte; what can't be decoded is nobody's name. */
function nameIn(url: string): string {
  // A URL as it is written to a proxy is to be taken as well (RFC 9112, 3.2.2).
  const [path = ''] = url.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1)
  const bytes = path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return bytes.startsWith('/') ? bytes : '/'
}

function end(response: ServerResponse, status: number, text: string, isHead = false): void {
  const body = `${text.trimEnd()}\n`
  response.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) })
  response.end(isHead ? undefined : body)
}

function listen(server: Server, { address, port }: HttpPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}
