import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What pages of ours may do: nothing but what we serve ourselves, no script or style within a page, and no frames. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers: Readonly<Record<string, string>> = {
  'content-security-policy': contentPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** In s. It holds for every port of the name: a day later what else is there can be reached by http again. */
const strictFor = 86_400

/** How a request came: by TLS to us, or to us or a trusted proxy. */
export interface Encryption {
  readonly isEncrypted: boolean
  readonly isSecure: boolean
}

/** What every answer carries, whatever it is; a route may say otherwise. */
export function setHeaders(outgoing: ServerResponse, { isEncrypted, isSecure }: Encryption): void {
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value)
  // Over plain HTTP browsers ignore it, and complain (HTML, "Cross-origin opener policies").
  if (isSecure) outgoing.setHeader('cross-origin-opener-policy', 'same-origin')
  if (isEncrypted) outgoing.setHeader('strict-transport-security', `max-age=${strictFor}`)
}

/** Answers what is no HTTP, or comes too slowly, and hangs up. Nothing of it is said again. */
export function answerGarbage(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const status = statuses[error.code ?? ''] ?? '400 Bad Request'
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy())
  })
}

const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}
