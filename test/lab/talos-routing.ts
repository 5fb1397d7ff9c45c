import * as http2 from 'node:http2'
import * as net from 'node:net'
import type { Identity, LabAuthority } from './authority.ts'
import { mergeAnswers, unframed, whyNotMany, type NodeAnswer } from './talos-many.ts'

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

export function createRouting({ name, role, address, port, authority }: Place): Routing {
  const upstreams = new Set<http2.ClientHttp2Session>()
  let identity: Identity | undefined

  function proxy(request: Request, response: Response, target: string, roles: readonly string[]): void {
    const upstream = http2.connect(`https://${target}:${port}`, { ca: authority.ca, ...identity })
    upstreams.add(upstream)
    upstream.on('close', () => upstreams.delete(upstream))
    const fail = (error: Error) => {
      const reason = `connection error: desc = "transport: Error while dialing: ${error.message}"`
      failCall(response, codes.unavailable, reason)
      upstream.destroy()
    }
    upstream.on('error', fail)
    const call = upstream.request({ ...sent(request.headers), proxyfrom: address, 'talos-role': [...roles] })
    call.on('error', fail)
    call.on('response', ({ ':status': status = 200, ...headers }) => response.writeHead(status, headers))
    call.on('trailers', (trailers) => response.addTrailers(trailers))
    call.on('data', (bytes: Buffer) => response.write(bytes))
    call.on('end', () => response.end())
    call.on('close', () => {
      upstream.close()
      // Nothing was said, or not all of it: the client is to see that too.
      if (!response.headersSent) fail(new Error('error reading from server: EOF'))
      else if (!response.writableEnded) request.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    })
    request.stream.on('close', () => call.close(http2.constants.NGHTTP2_CANCEL))
    request.pipe(call)
  }

  /** One node's whole answer; endless streams are not for the lab. */
  function ask(target: string, headers: http2.OutgoingHttpHeaders, body: Buffer): Promise<NodeAnswer> {
    return new Promise((resolve) => {
      const fail = (error: Error) =>
        resolve({ target, messages: [], status: codes.unavailable, reason: `error dialing: ${error.message}` })
      const upstream = http2.connect(`https://${target}:${port}`, { ca: authority.ca, ...identity })
      upstreams.add(upstream)
      upstream.on('close', () => upstreams.delete(upstream))
      upstream.on('error', fail)
      const call = upstream.request({ ...headers, proxyfrom: address })
      let trailer: http2.IncomingHttpHeaders = {}
      const chunks: Buffer[] = []
      call.on('error', fail)
      call.on('response', (first) => (trailer = first))
      call.on('trailers', (last) => (trailer = last))
      call.on('data', (chunk: Buffer) => chunks.push(chunk))
      call.on('close', () => {
        upstream.close()
        const reason = decodeURIComponent(String(trailer['grpc-message'] ?? ''))
        const status = Number(trailer['grpc-status'] ?? codes.unavailable)
        resolve({ target, messages: unframed(Buffer.concat(chunks)), status, reason })
      })
      call.end(body)
    })
  }

  async function askMany(request: Request, response: Response, targets: readonly string[], roles: readonly string[]) {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = { ...sent(request.headers), 'talos-role': [...roles] }
    const answers = await Promise.all(targets.map((target) => ask(target, headers, Buffer.concat(chunks))))
    response.writeHead(200, { 'content-type': 'application/grpc+proto', trailer: 'grpc-status' })
    response.addTrailers({ 'grpc-status': '0' })
    response.end(mergeAnswers(request.url, answers))
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
      if (headers['proxyfrom'] !== undefined) return false
      const many = headers['nodes']
      if (many !== undefined) {
        const reason = whyNotMany(request.url)
        if (reason !== undefined) return refuse(codes.invalidArgument, reason)
        if (role === 'worker') return refuse(codes.permissionDenied, 'no request forwarding')
        const targets = [many].flat().flatMap((names) => names.split(',').map((target) => target.trim()))
        askMany(request, response, targets, roles).catch((error: Error) =>
          failCall(response, codes.internal, error.message),
        )
        return true
      }
      const target = headers['node']
      if (target === undefined) return false
      if (typeof target !== 'string' || target.includes(','))
        return refuse(codes.invalidArgument, 'node metadata must be single-valued')
      if (target === address || target === name) return false
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

/** Ends a gRPC call with a status alone. */
export function failCall(response: http2.Http2ServerResponse, status: number, message: string): void {
  if (response.headersSent || response.stream?.destroyed) return
  const failure = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message) }
  response.writeHead(200, { 'content-type': 'application/grpc+proto', ...failure }).end()
}

function sent(headers: http2.IncomingHttpHeaders): http2.OutgoingHttpHeaders {
  const { ':authority': _authority, host: _host, node: _node, nodes: _nodes, ...rest } = headers
  return rest
}
