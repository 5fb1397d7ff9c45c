import { once } from 'node:events'
import * as http2 from 'node:http2'
import { encodingOf, refuseEncoding } from './grpc.ts'
import { framed, isStream, mergeAnswers, unframed, type NodeAnswer } from './many.ts'
import { codes, type Peers, type Request, type Response } from './peers.ts'

/** What one of many nodes is asked. */
interface Question {
  readonly target: string
  readonly upstream: http2.ClientHttp2Session
  readonly headers: http2.OutgoingHttpHeaders
  readonly body: Buffer
  /** Aborts when the client has had enough. */
  readonly signal: AbortSignal
  /** Gets a stream's messages; absent where there is one answer. */
  readonly tell: ((answer: NodeAnswer) => void) | undefined
}

/** Asks many nodes the same, and puts their answers together. */
export async function askMany(
  request: Request,
  response: Response,
  {
    peers,
    targets,
    roles,
  }: { readonly peers: Peers; readonly targets: readonly string[]; readonly roles: readonly string[] },
): Promise<void> {
  const encoding = encodingOf(request.headers)
  if (encoding !== undefined && encoding !== 'gzip') return refuseEncoding(response, encoding)
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(request, 'end')
  const question = Buffer.concat(unframed(Buffer.concat(chunks), encoding).map(framed))
  const { 'grpc-encoding': _, 'grpc-accept-encoding': __, ...headers } = peers.passOn(request.headers, roles)
  const gone = new AbortController()
  response.stream.once('close', () => gone.abort())
  response.sendDate = false
  response.writeHead(200, { 'content-type': 'application/grpc' })
  const say = (...answers: NodeAnswer[]) => {
    const merged = mergeAnswers(request.url, answers)
    if (!response.stream.destroyed && merged.length > 0) response.stream.write(merged)
  }
  const tell = isStream(request.url) ? say : undefined
  const call = { headers, body: question, signal: gone.signal, tell }
  say(...(await Promise.all(targets.map((target) => ask({ ...call, target, upstream: peers.connectTo(target) })))))
  if (response.stream.destroyed) return
  response.addTrailers({ 'grpc-status': '0' })
  response.stream.end()
}

/** One node's answer. A stream's messages are told as they come; what is left at the end is the answer. */
function ask({ target, upstream, headers, body, signal, tell }: Question): Promise<NodeAnswer> {
  return new Promise((resolve) => {
    const fail = (error: Error) =>
      resolve({ target, messages: [], status: codes.unavailable, reason: `error dialing: ${error.message}` })
    upstream.on('error', fail)
    const call = upstream.request(headers)
    let trailer: http2.IncomingHttpHeaders = {}
    let bytes = Buffer.alloc(0)
    const cancel = () => call.close(http2.constants.NGHTTP2_CANCEL)
    signal.addEventListener('abort', cancel, { once: true })
    call.on('error', fail)
    call.on('response', (first) => (trailer = first))
    call.on('trailers', (last) => (trailer = last))
    call.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (!tell) return
      const messages = unframed(bytes)
      const used = messages.reduce((sum, { length }) => sum + 5 + length, 0)
      bytes = bytes.subarray(used)
      if (messages.length > 0) tell({ target, messages, status: 0, reason: '' })
    })
    call.on('close', () => {
      upstream.close()
      signal.removeEventListener('abort', cancel)
      const reason = decodeURIComponent(String(trailer['grpc-message'] ?? ''))
      const status = Number(trailer['grpc-status'] ?? codes.unavailable)
      resolve({ target, messages: unframed(bytes), status, reason })
    })
    call.end(body)
  })
}
