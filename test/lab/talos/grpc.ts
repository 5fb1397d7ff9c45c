import { once } from 'node:events'
import * as http2 from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import {
  Code,
  createConnectRouter,
  type ConnectRouter,
  type ContextValues,
  type Interceptor,
} from '@connectrpc/connect'
import { compressionGzip, universalRequestFromNodeRequest } from '@connectrpc/connect-node'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { hold } from './pieces.ts'
import type { EarlyEnd } from './types.ts'

type Request = http2.Http2ServerRequest
type Response = http2.Http2ServerResponse

export interface GrpcOptions {
  routes(router: ConnectRouter): void
  readonly interceptors: Interceptor[]
  contextValues(request: Request): ContextValues
  /** How the answer of this method ends before its end, if it is to. Asked once for each call. */
  endEarly(method: string): EarlyEnd | undefined
}

/** Talos limits messages to 32 MiB either way (siderolabs/talos pkg/grpc). */
const largest = 32 << 20

/**
 * gRPC as grpc-go's server writes it (grpc/grpc-go internal/transport): headers wait for the first message; headers,
 * message and trailers that are ready together are one write, and so are the answers of several calls; an answer without
 * a message is one HEADERS frame that ends the stream. It compresses for nobody who did not compress himself.
 */
export function serveGrpc({ routes, interceptors, contextValues, endEarly }: GrpcOptions) {
  const router = createConnectRouter({
    connect: false,
    grpcWeb: false,
    readMaxBytes: largest,
    writeMaxBytes: largest,
    acceptCompression: [compressionGzip],
    interceptors,
  })
  routes(router)
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]))

  return (request: Request, response: Response): void => {
    const handler = handlers.get(request.url)
    if (!handler) return failCall(response, Code.Unimplemented, unknownMethod(request.url, handlers.keys()))
    const encoding = encodingOf(request.headers)
    if (encoding !== undefined && encoding !== 'gzip') return refuseEncoding(response, encoding)
    const call = universalRequestFromNodeRequest(request, response, undefined, contextValues(request))
    if (encoding === undefined) call.header.delete('grpc-accept-encoding')
    else call.header.set('grpc-accept-encoding', encoding)
    const end = endEarly(`${handler.service.name}.${handler.method.name}`)
    handler(call)
      .then((answer) => respond(answer, response, end))
      .catch(() => {
        // The client is gone, or has had enough.
        response.stream?.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
      })
  }
}

/** Of a request or an answer; undefined where nothing is compressed. */
export function encodingOf(headers: http2.IncomingHttpHeaders): string | undefined {
  const encoding = headers['grpc-encoding']
  return encoding === undefined || encoding === 'identity' ? undefined : String(encoding)
}

export function refuseEncoding(response: Response, encoding: string): void {
  const reason = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(encoding)}`
  failCall(response, Code.Unimplemented, reason, { 'grpc-accept-encoding': 'gzip' })
}

/** Ends a gRPC call with a status alone: one HEADERS frame that ends the stream. */
export function failCall(
  response: Response,
  status: number,
  message: string,
  headers: http2.OutgoingHttpHeaders = {},
): void {
  const { stream } = response
  if (!stream || stream.headersSent || stream.destroyed || stream.closed) return
  const failure = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message), ...headers }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...failure }, { endStream: true })
  // What the client still has to say is not waited for.
  stream.resume()
}

/** grpc-go tells an unknown service from an unknown method of a known one. */
function unknownMethod(path: string, known: Iterable<string>): string {
  const [, service = '', method = ''] = path.split('/')
  if (![...known].some((one) => one.startsWith(`/${service}/`))) return `unknown service ${service}`
  return `unknown method ${method} for service ${service}`
}

async function respond(answer: UniversalServerResponse, response: Response, end: EarlyEnd | undefined): Promise<void> {
  const { stream } = response
  const body = answer.body?.[Symbol.asyncIterator]()
  const gone = new AbortController()
  stream.once('close', () => gone.abort())
  const begin = () => {
    if (stream.headersSent) return
    response.sendDate = false
    response.writeHead(answer.status, plain(answer.header))
  }
  try {
    if (end?.after === 'nothing') return await breakOff(stream, end)
    let item = await body?.next()
    if (end && item?.done === false) {
      begin()
      if (end.after === 'half a message') stream.write(item.value.subarray(0, item.value.length >> 1))
      if (end.after === 'one message') stream.write(item.value)
      if (end.after !== 'all messages') return await breakOff(stream, end)
    }
    while (item?.done === false && !gone.signal.aborted) {
      const following: Promise<IteratorResult<Uint8Array>> = body!.next()
      // What is ready together leaves together; what is not does not wait.
      const known = await Promise.race([following, aMoment()])
      if (known?.done === true && !end) return await inTurn(stream, () => finish(begin, response, answer, item?.value))
      begin()
      if (!stream.write(item.value)) await once(stream, 'drain', { signal: gone.signal })
      item = await following
    }
    if (gone.signal.aborted) return
    if (end) return await breakOff(stream, end)
    await inTurn(stream, () => finish(begin, response, answer))
  } finally {
    await body?.return?.()
  }
}

/** Long enough for what is ready, and no turn of the event loop: events are not to wait. */
async function aMoment(): Promise<undefined> {
  for (let count = 0; count < 50; count++) await Promise.resolve()
  return undefined
}

/** The rest of an answer: its headers if they wait, its last message, and its trailers. */
async function finish(begin: () => void, response: Response, answer: UniversalServerResponse, last?: Uint8Array) {
  const { stream } = response
  if (stream.destroyed || stream.closed) return
  if (!stream.headersSent && last === undefined) {
    const headers = { ':status': answer.status, ...plain(answer.header), ...plain(answer.trailer) }
    return stream.respond(headers, { endStream: true })
  }
  begin()
  response.addTrailers(plain(answer.trailer))
  const over = Promise.race([once(stream, 'wantTrailers'), once(stream, 'close')])
  stream.end(last)
  await over
  await turn()
}

interface Turn {
  readonly id: number
  take(): Promise<void>
}

const queues = new WeakMap<http2.Http2Session, Turn[]>()

/**
 * One answer of a session after the other, in the order of their calls where they are ready together, and all in one
 * piece: grpc-go does not mix their frames as Node would.
 */
async function inTurn({ session, id = 0 }: http2.ServerHttp2Stream, action: () => Promise<void>): Promise<void> {
  if (!session) return
  const done = Promise.withResolvers<void>()
  const take = () => action().then(done.resolve, done.reject)
  const queue = queues.get(session)
  if (queue) queue.push({ id, take })
  else {
    const own: Turn[] = [{ id, take }]
    queues.set(session, own)
    const release = hold(session)
    await turn()
    while (own.length > 0) {
      own.sort((one, other) => one.id - other.id)
      await own.shift()!.take()
    }
    queues.delete(session)
    release()
  }
  await done.promise
}

const plain = (headers: Headers | undefined) => Object.fromEntries(headers ?? new Headers())

/** What was written so far leaves, and then nothing more comes, in one of the ways that there are. */
async function breakOff(stream: http2.ServerHttp2Stream, { by }: EarlyEnd): Promise<void> {
  // By then it has left.
  for (let turns = 0; turns < 3; turns++) await turn()
  const { session } = stream
  if (by === 'end') {
    // END_STREAM without trailers.
    if (stream.headersSent) stream.end()
    else stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { endStream: true })
  } else if (by === 'goaway') {
    session?.goaway(http2.constants.NGHTTP2_INTERNAL_ERROR)
    session?.destroy()
  } else if (by === 'close') session?.destroy()
  else stream.close(by)
}
