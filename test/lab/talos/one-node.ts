import * as http2 from 'node:http2'
import { failCall } from './grpc.ts'
import { codes, type Request, type Response } from './peers.ts'

/** Sends a call on to one node, and its answer back as it comes. */
export function proxy(
  request: Request,
  response: Response,
  upstream: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
): void {
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
  const call = upstream.request(headers)
  let trailer: http2.IncomingHttpHeaders | undefined
  let whole = false
  call.on('error', fail)
  call.on('response', ({ ':status': status = 200, ...first }, flags) => {
    const isLast = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0
    if (isLast && first['grpc-status'] === undefined) return
    whole = isLast
    response.sendDate = false
    if (whole) stream.respond({ ':status': status, ...first }, { endStream: true })
    else response.writeHead(status, first)
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
