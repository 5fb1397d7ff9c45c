import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { AgentError, messageOf } from '../../core/errors.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How long the answer's headers may take, in ms: the Factory builds an image before it sends the first of them. */
  readonly headersWithin: number
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly response: IncomingMessage
  /** The host that answered, after redirects. */
  readonly host: string
}

/** How long a body may send nothing, in ms. */
const silentBody = 60_000
const redirects = 5

/**
 * One request, followed through redirects with its headers, but never with credentials to another host: `Range` and
 * `If-Range` count at the end of the way, where the Factory keeps its images. Node's own `fetch` gives headers five
 * minutes and no more, and a build may take twenty.
 *
 * @throws AgentError `unreachable`; `malformed` where the redirects lead nowhere
 */
export async function send(request: HttpRequest): Promise<HttpAnswer> {
  let url = request.url
  for (let hop = 0; hop <= redirects; hop++) {
    const response = await sendOnce({ ...request, url })
    const { statusCode = 0, headers } = response
    const moved = [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined
    if (!moved || request.method === 'POST') return { response, host: url.host }
    response.resume()
    const next = URL.canParse(headers.location!, url.href) ? new URL(headers.location!, url) : undefined
    if (next?.protocol !== 'http:' && next?.protocol !== 'https:')
      throw new AgentError(
        'malformed',
        `${url.host} redirects to an invalid address: ${headers.location!.slice(0, 80)}`,
      )
    url = next
  }
  throw new AgentError('malformed', `${request.url.host} redirects too often`)
}

function sendOnce({ method, url, headers = {}, body, headersWithin, signal }: HttpRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const begin = url.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = begin(url, { method, headers: { 'user-agent': 'caretaker', ...headers }, signal, agent: false })
    const slow = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${Math.round(headersWithin / 1_000)} s`)),
      headersWithin,
    )
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(slow)
      reject(new AgentError('unreachable', `${method} ${url.origin}${url.pathname}: ${explain(error)}`, error))
    })
    outgoing.on('response', (response) => {
      clearTimeout(slow)
      response.setTimeout(silentBody, () => response.destroy(new Error(`no data for ${silentBody / 1_000} s`)))
      resolve(response)
    })
    outgoing.end(body)
  })
}

/** The body as text, up to `limit` bytes. */
export async function readText(response: IncomingMessage, limit = 8_388_608): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) throw new AgentError('malformed', 'the answer is too large')
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError('unreachable', `the answer was cut off: ${messageOf(error)}`, error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function explain(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'connection refused: is it listening there?'
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return 'the name does not resolve: check DNS and the address'
  return error.name === 'AbortError' ? 'cancelled' : messageOf(error)
}
