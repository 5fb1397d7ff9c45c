import type { OutgoingHttpHeaders } from 'node:http'

/** What a request is answered with, before it is sent. */
export interface Answer {
  readonly status: number
  readonly body?: string | Buffer
  readonly headers?: OutgoingHttpHeaders
  /** An image: slow, cut and short bodies are for these. */
  readonly bulk?: boolean
}

/** Text as net/http sniffs and sends it. */
export function text(status: number, body: string): Answer {
  const type = body.startsWith('<') ? 'text/html' : 'text/plain'
  return { status, body, headers: { 'content-type': `${type}; charset=utf-8`, 'x-content-type-options': 'nosniff' } }
}

/** As Go's encoder writes: escaped for HTML, ended by a newline; only some routes say that it is JSON. */
export function json(value: unknown, status = 200, headers: OutgoingHttpHeaders = {}): Answer {
  const escapes: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }
  return { status, body: `${JSON.stringify(value).replaceAll(/[<>&]/g, (each) => escapes[each] ?? each)}\n`, headers }
}

/** A redirect, with the page that http.Redirect writes. */
export function found(status: 301 | 302 | 307, location: string): Answer {
  const names = { 301: 'Moved Permanently', 302: 'Found', 307: 'Temporary Redirect' }
  const body = `<a href="${location.replaceAll('&', '&amp;').replaceAll('"', '&#34;')}">${names[status]}</a>.\n\n`
  return { status, body, headers: { location, 'content-type': 'text/html; charset=utf-8' } }
}

/** What a route throws to be answered with this status. */
export function refusal(status: number, message: string): Error & { status: number } {
  return Object.assign(new Error(message), { status })
}

export function isRefusal(error: unknown): error is Error & { status: number } {
  return error instanceof Error && 'status' in error && typeof error.status === 'number'
}
