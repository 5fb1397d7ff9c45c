import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** A request that a stand-in got. */
export interface WireRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface WireAnswer {
  readonly status: number
  readonly headers?: OutgoingHttpHeaders
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

/** What goes wrong on the way, whatever the server. */
export interface WireFaults {
  /**
   * Answers for the next requests, or for those whose target holds `path`, used up one by one; nothing else is done for
   * them.
   */
  next: (WireAnswer & { readonly path?: string })[]
  /** What was asked for is done, and the connection cut before the answer: this often. */
  lostAnswers: number
  /** Requests are taken and never answered. */
  hangs: boolean
}

export function noWireFaults(): WireFaults {
  return { next: [], lostAnswers: 0, hangs: false }
}

export async function readRequest(request: IncomingMessage): Promise<WireRequest> {
  const { method = '', url = '', headers } = request
  return { method, target: url, headers, body: await text(request) }
}

export function writeAnswer(response: ServerResponse, { status, headers = {}, body }: WireAnswer): void {
  const isText = typeof body === 'string' || body === undefined
  response.writeHead(status, { ...(isText ? {} : { 'content-type': 'application/json' }), ...headers })
  response.end(isText ? body : JSON.stringify(body))
}

/** Answers a request by what goes wrong, else as the server does. `target` is what was asked for. */
export async function answerThrough(
  faults: WireFaults,
  response: ServerResponse,
  answer: () => WireAnswer | Promise<WireAnswer>,
  target: string,
): Promise<void> {
  if (faults.hangs) return
  const place = faults.next.findIndex(({ path = '' }) => target.includes(path))
  const [wrong] = place < 0 ? [] : faults.next.splice(place, 1)
  if (wrong) return writeAnswer(response, wrong)
  const own = await answer()
  if (faults.lostAnswers > 0) {
    faults.lostAnswers -= 1
    response.destroy()
    return
  }
  writeAnswer(response, own)
}
