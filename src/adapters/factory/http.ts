import { type ClientRequest, type IncomingMessage } from 'node:http'
import { describeDuration, inSeconds } from '../../core/duration.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { secretsOfHeader, secretsOfLogin, withoutSecrets } from '../../core/hidden.ts'
import { type Redirector, RedirectRefused, whyNotFollow } from '../../core/redirect.ts'
import type { ProxyEnvironment } from '../../core/web-proxy.ts'
import type { FactoryAccess } from './access.ts'
import { addressBehind, chooseRoute, type Route, whyNotThroughProxy } from './route.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How long the answer's headers may take, in ms: the Factory builds an image before it sends the first of them. */
  readonly headersWithin: number
  readonly signal: AbortSignal
  readonly access?: FactoryAccess | undefined
  /** Of proxies; none without it. */
  readonly environment?: ProxyEnvironment | undefined
  /** Told the time of each answer, in ms since the epoch: what the host's `Date` says, and how old its copy is (`Age`). */
  readonly onDate?: ((at: number) => void) | undefined
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
  /** The first of the way, once there is a second. */
  let first: Redirector | undefined
  for (let hop = 0; hop <= redirects; hop++) {
    const route = chooseRoute(url, { ...request, origin: request.url.origin, first })
    const response = await sendOnce({ ...request, url }, route, first)
    if (hop === 0) noteDate(response, request.onDate)
    const { statusCode = 0, headers } = response
    const moved = [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined
    if (!moved || request.method === 'POST') return { response, host: url.host }
    const { remoteAddress = '' } = response.socket
    // Its body may never end, and the connection is of no more use.
    response.destroy()
    const next = URL.canParse(headers.location!, url.href) ? new URL(headers.location!, url) : undefined
    if (next?.protocol !== 'http:' && next?.protocol !== 'https:')
      throw new AgentError(
        'malformed',
        `${url.host} redirects to an invalid address: ${withoutSecrets(headers.location!, [...secretsOf(request), ...request.url.searchParams.values()]).slice(0, 80)}`,
      )
    first ??= { url, address: route.proxy === undefined ? remoteAddress : await addressBehind(url) }
    const why = whyNotFollow({ ...first, url }, next) ?? (await whyNotThroughProxy(first, next, request.environment))
    if (why !== undefined)
      throw new AgentError('rejected', `${url.host} redirects to ${next.host}, ${why}: it is not followed`)
    url = next
  }
  throw new AgentError('malformed', `${request.url.host} redirects too often`)
}

/** What is sent in confidence, to the Factory and to the proxies on the way. */
export function secretsOf({ access = {}, environment = {} }: Pick<HttpRequest, 'access' | 'environment'>): string[] {
  const { authorization, token } = access
  const proxies = Object.entries(environment).flatMap(([name, text = '']) =>
    /_proxy$/i.test(name) && URL.canParse(text) ? secretsOfLogin(new URL(text)) : [],
  )
  return [...(authorization === undefined ? [] : secretsOfHeader(authorization)), token ?? '', ...proxies]
}

/** After a redirect, `first` is who may not lead everywhere. */
function sendOnce(
  { method, url, headers = {}, body, headersWithin, signal }: HttpRequest,
  { begin, options, headers: own, proxy }: Route,
  first: Redirector | undefined,
): Promise<IncomingMessage> {
  const began = performance.now()
  const through = proxy === undefined ? '' : ` through the proxy ${proxy.host}`
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      if (error instanceof RedirectRefused)
        return reject(
          new AgentError('rejected', `${first!.url.host} redirects to ${error.message}: it is not followed`),
        )
      const why = whyOff(signal, began) ?? withoutSecrets(explain(error), proxy ? secretsOfLogin(proxy) : [])
      reject(new AgentError('unreachable', `${method} ${url.origin}${url.pathname}${through}: ${why}`, error))
    }
    let outgoing: ClientRequest
    try {
      outgoing = begin(url, {
        method,
        headers: { 'user-agent': 'caretaker', ...headers, ...own },
        signal,
        ...options,
      })
    } catch (error) {
      return refuse(error as Error)
    }
    const slow = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${inSeconds(headersWithin)}`)),
      headersWithin,
    )
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(slow)
      refuse(error)
    })
    outgoing.on('response', (response) => {
      clearTimeout(slow)
      response.setTimeout(silentBody, () => response.destroy(new Error(`no data for ${silentBody / 1_000} s`)))
      resolve(response)
    })
    outgoing.end(body)
  })
}

/** What a text may cost: bytes, and ms from its headers to its end, however steadily it drips. */
export interface TextLimits {
  readonly bytes: number
  readonly within: number
}

/** The body of an answer of `host` as text. @throws AgentError naming the host */
export async function readText(
  response: IncomingMessage,
  host: string,
  limits: TextLimits,
  signal?: AbortSignal,
): Promise<string> {
  const began = performance.now()
  const chunks: Buffer[] = []
  let size = 0
  const seconds = limits.within / 1_000
  const late = setTimeout(() => response.destroy(new Error(`not complete within ${seconds} s`)), limits.within)
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limits.bytes)
        throw new AgentError('malformed', `the answer of ${host} is larger than ${limits.bytes / 1_024} KiB`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError(
      'unreachable',
      `the answer of ${host} was cut off: ${whyOff(signal, began) ?? messageOf(error)}`,
      error,
    )
  } finally {
    clearTimeout(late)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export interface JsonOptions extends TextLimits {
  readonly host: string
  readonly signal: AbortSignal
  /** Takes out of a text what is secret. */
  readonly hide: (text: string) => Promise<string>
}

/** The same as JSON. `where` names what was asked. @throws AgentError naming it, or the host */
export async function readJson(
  response: IncomingMessage,
  where: string,
  { host, signal, hide, ...limits }: JsonOptions,
): Promise<unknown> {
  const text = await readText(response, host, limits, signal)
  try {
    return JSON.parse(text)
  } catch {
    const said = (await hide(text)).trim().slice(0, 80)
    throw new AgentError('malformed', `${where} answers something that is not JSON: ${said}`)
  }
}

/** RFC 9110 section 6.6.1; a cache adds how long it has had its copy (RFC 9111 section 5.1). */
function noteDate({ headers }: IncomingMessage, onDate: ((at: number) => void) | undefined): void {
  const at = Date.parse(headers.date ?? '')
  const age = /^\d{1,9}$/.test(headers.age ?? '') ? Number(headers.age) : 0
  if (Number.isFinite(at)) onDate?.(at + age * 1_000)
}

/** Where whoever has asked waits no longer, how long it was waited; undefined where the fault is another. */
export function whyOff(signal: AbortSignal | undefined, began: number): string | undefined {
  if (!signal?.aborted) return undefined
  const isLate = (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError'
  return isLate ? `not complete within ${describeDuration(performance.now() - began)}` : 'cancelled'
}

function explain(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'connection refused: is it listening there?'
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return 'the name does not resolve: check DNS and the address'
  if (error.code === 'ERR_PROXY_TUNNEL') {
    const [, answer] = /: (HTTP\/[\d.]+ \d{3}.*)$/s.exec(error.message) ?? []
    return answer === undefined
      ? messageOf(error)
      : `the proxy answers ${answer.trim()}${/ 407/.test(answer) ? ': it wants other credentials' : ''}`
  }
  return messageOf(error)
}
