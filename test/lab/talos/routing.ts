import { once } from 'node:events'
import * as http2 from 'node:http2'
import * as net from 'node:net'
import { ConnectError } from '@connectrpc/connect'
import type { Identity, LabAuthority } from '../authority.ts'
import { encodingOf, failCall, refuseEncoding } from './grpc.ts'
import { framed, isStream, mergeAnswers, unframed, whyNotMany, type NodeAnswer } from './many.ts'

/**
 * How apid sends a call on to the node that its `node` header names (siderolabs/talos internal/app/apid/pkg/director).
 */
export interface Routing {
  /** Gets the certificate that a control plane calls its peers with. */
  prepare(): Promise<void>
  /** Takes the call over if it is for somebody else, or is asked for in a way that cannot be; false: serve it here. */
  forward(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse, roles: readonly string[]): boolean
  close(): void
}

type Request = http2.Http2ServerRequest
type Response = http2.Http2ServerResponse

interface Place {
  readonly name: string
  readonly role: 'controlplane' | 'worker'
  readonly address: string
  readonly port: number
  readonly authority: LabAuthority
}

const codes = { invalidArgument: 3, permissionDenied: 7, unimplemented: 12, internal: 13, unavailable: 14 }

/** What one of many nodes is asked. */
interface Question {
  readonly target: string
  readonly headers: http2.OutgoingHttpHeaders
  readonly body: Buffer
  /** Aborts when the client has had enough. */
  readonly signal: AbortSignal
  /** Gets a stream's messages; absent where there is one answer. */
  readonly tell: ((answer: NodeAnswer) => void) | undefined
}

export function createRouting({ name, role, address, port, authority }: Place): Routing {
  const upstreams = new Set<http2.ClientHttp2Session>()
  let identity: Identity | undefined

  function proxy(request: Request, response: Response, target: string, roles: readonly string[]): void {
    const upstream = connectTo(target)
    const { stream } = response
    const fail = (error: Error) => {
      const reason = stream.headersSent
        ? `error reading from server: ${error.message}`
        : `connection error: desc = "transport: Error while dialing: ${error.message}"`
      if (stream.headersSent)
        endWith({ 'grpc-status': String(codes.unavailable), 'grpc-message': encodeURIComponent(reason) })
      else failCall(response, codes.unavailable, reason)
      upstream.destroy()
    }
    /** The trailers, where nothing was said yet that is the last word. */
    const endWith = (trailers: http2.IncomingHttpHeaders) => {
      if (stream.destroyed || stream.writableEnded) return
      response.addTrailers(trailers)
      stream.end()
    }
    upstream.on('error', fail)
    const call = upstream.request({ ...sent(request.headers), proxyfrom: address, 'talos-role': [...roles] })
    let trailer: http2.IncomingHttpHeaders | undefined
    let whole = false
    call.on('error', fail)
    call.on('response', ({ ':status': status = 200, ...headers }, flags) => {
      const isLast = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0
      if (isLast && headers['grpc-status'] === undefined) return
      whole = isLast
      response.sendDate = false
      if (whole) stream.respond({ ':status': status, ...headers }, { endStream: true })
      else response.writeHead(status, headers)
    })
    call.on('trailers', (trailers) => (trailer = trailers))
    call.on('data', (bytes: Buffer) => {
      if (stream.destroyed || stream.write(bytes)) return
      call.pause()
      stream.once('drain', () => call.resume())
    })
    call.on('end', () => {
      if (trailer) endWith(trailer)
    })
    call.on('close', () => {
      upstream.close()
      // Nothing was said, or not all of it: the client is to see that too.
      if (!whole && !trailer) fail(new Error('EOF'))
    })
    stream.on('close', () => call.close(http2.constants.NGHTTP2_CANCEL))
    request.pipe(call)
  }

  function connectTo(target: string): http2.ClientHttp2Session {
    const upstream = http2.connect(`https://${target}:${port}`, { ca: authority.ca, ...identity })
    upstreams.add(upstream)
    upstream.on('close', () => upstreams.delete(upstream))
    return upstream
  }

  /** One node's answer. A stream's messages are told as they come; what is left at the end is the answer. */
  function ask({ target, headers, body, signal, tell }: Question): Promise<NodeAnswer> {
    return new Promise((resolve) => {
      const fail = (error: Error) =>
        resolve({ target, messages: [], status: codes.unavailable, reason: `error dialing: ${error.message}` })
      const upstream = connectTo(target)
      upstream.on('error', fail)
      const call = upstream.request({ ...headers, proxyfrom: address })
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

  async function askMany(request: Request, response: Response, targets: readonly string[], roles: readonly string[]) {
    const encoding = encodingOf(request.headers)
    if (encoding !== undefined && encoding !== 'gzip') return refuseEncoding(response, encoding)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(request, 'end')
    const question = Buffer.concat(unframed(Buffer.concat(chunks), encoding).map(framed))
    const { 'grpc-encoding': _, 'grpc-accept-encoding': __, ...headers } = sent(request.headers)
    const gone = new AbortController()
    response.stream.once('close', () => gone.abort())
    response.sendDate = false
    response.writeHead(200, { 'content-type': 'application/grpc' })
    const say = (...answers: NodeAnswer[]) => {
      const merged = mergeAnswers(request.url, answers)
      if (!response.stream.destroyed && merged.length > 0) response.stream.write(merged)
    }
    const tell = isStream(request.url) ? say : undefined
    const call = { headers: { ...headers, 'talos-role': [...roles] }, body: question, signal: gone.signal, tell }
    say(...(await Promise.all(targets.map((target) => ask({ ...call, target })))))
    if (response.stream.destroyed) return
    response.addTrailers({ 'grpc-status': '0' })
    response.stream.end()
  }

  return {
    async prepare() {
      if (role === 'controlplane')
        identity ??= await authority.issueClient({ common: name, organizations: ['os:impersonator'] })
    },
    forward(request, response, roles) {
      const { headers } = request
      const refuse = (code: number, reason: string) => {
        failCall(response, code, reason)
        return true
      }
      const isSelf = (target: string) => target === address || target === name
      if (headers['proxyfrom'] !== undefined) return false
      const many = headers['nodes']
      if (many !== undefined) {
        const targets = [many].flat().flatMap((names) => names.split(',').map((target) => target.trim()))
        // A node that forwards nothing answers for itself, as if it had been asked directly; from 1.12 on.
        if (role === 'worker' && targets.length === 1 && isSelf(targets[0]!)) return false
        const reason = whyNotMany(request.url)
        if (reason !== undefined) return refuse(codes.invalidArgument, reason)
        if (role === 'worker') return refuse(codes.permissionDenied, 'no request forwarding')
        askMany(request, response, targets, roles).catch((error: Error) =>
          failCall(response, codes.internal, ConnectError.from(error).rawMessage),
        )
        return true
      }
      const target = headers['node']
      if (target === undefined) return false
      if (typeof target !== 'string' || target.includes(','))
        return refuse(codes.invalidArgument, 'node metadata must be single-valued')
      if (isSelf(target)) return false
      if (role === 'worker') return refuse(codes.permissionDenied, 'no request forwarding')
      if (net.isIP(target) === 0) return refuse(codes.internal, `invalid target "${target}"`)
      proxy(request, response, target, roles)
      return true
    },
    close() {
      for (const upstream of upstreams) upstream.destroy()
    },
  }
}

function sent(headers: http2.IncomingHttpHeaders): http2.OutgoingHttpHeaders {
  const { ':authority': _authority, host: _host, node: _node, nodes: _nodes, ...rest } = headers
  return rest
}
