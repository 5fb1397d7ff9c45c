import type { ServerResponse } from 'node:http'

/** As much of a body as Talos shows on its console, in bytes (pkg/download/download.go). */
const longestShown = 32

/**
 * Answers with a word for the console. Talos tries again after any status but 200 and 204, and shows as much of the text as
 * fits: a line break would be shown as `\n`, so there is none.
 */
export function answerText(response: ServerResponse, status: number, text: string): void {
  const bytes = Buffer.from(text).subarray(0, longestShown)
  send(response, status, 'text/plain; charset=utf-8', bytes)
}

/** As RFC 6749, 5.1, wants it: kept nowhere. */
export function answerJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, 'application/json', Buffer.from(JSON.stringify(value)))
}

export function send(response: ServerResponse, status: number, type: string, bytes: Buffer): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(bytes)
}
