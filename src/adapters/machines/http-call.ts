import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as tcpConnect, isIP, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { AgentError, messageOf } from '../../core/errors.ts'
import { secretsOfBody, secretsOfHeader, secretsOfUrl, withoutSecrets } from '../../core/hidden.ts'
import { calledOff, type Means } from './options.ts'
import { lastWords, plain } from './quoting.ts'

/** An HTTP call to a machine or a smart plug. It must be safe to repeat: an answer can get lost. */
export interface HttpCall {
  readonly kind: 'http'
  readonly url: string
  /** POST by default. */
  readonly method?: string | undefined
  /** Already read from their files: may hold secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** PEM of the server's CA, instead of the system's. */
  readonly ca?: string | undefined
  /** The statuses that mean yes; any of 200 to 299 by default. */
  readonly expect?: readonly number[] | undefined
}

/** In bytes. Only the end of an answer that says no is shown. */
const largestAnswer = 65_536
/** In ms, for the body of an answer that says no. */
const bodyWithin = 2_000

/** Statuses of a server that is busy, or of a proxy whose server is down. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Makes the call once, on a connection of its own, and follows no redirect. The address is told by its host only: its path
 * may be a secret.
 *
 * @throws AgentError `unreachable` where no whole answer came, whether or not the order had arrived; `rejected`
 */
export async function makeCall(doing: string, call: HttpCall, means: Means, signal: AbortSignal): Promise<void> {
  const url = parse(doing, call)
  if (signal.aborted) throw calledOff(doing, signal)
  const late = AbortSignal.timeout(means.limits.http)
  const response = await send(call, url, means, AbortSignal.any([signal, late])).catch((error: unknown) => {
    if (signal.aborted) throw calledOff(doing, signal)
    if (late.aborted)
      throw new AgentError('timed-out', `${doing}: ${url.host} did not answer within ${means.limits.http / 1_000} s`)
    throw explain(doing, url, error)
  })
  try {
    await judge(doing, call, url, response)
  } finally {
    // Later errors on this connection don't matter.
    response.on('error', () => undefined).destroy()
  }
}

async function judge(doing: string, call: HttpCall, url: URL, response: IncomingMessage): Promise<void> {
  const { statusCode: status = 0, headers } = response
  if (call.expect ? call.expect.includes(status) : status >= 200 && status <= 299) return
  const secrets = secretsOf(call, url)
  if (status >= 300 && status <= 399 && headers.location !== undefined) {
    const to = lastWords(withoutSecrets(headers.location, secrets), 80)
    throw new AgentError('rejected', `${doing}: ${url.host} redirects (HTTP ${status}) to ${to}: use that address`)
  }
  const said = lastWords(withoutSecrets(await readEnd(response), secrets))
  throw new AgentError(
    passing.has(status) ? 'unreachable' : 'rejected',
    `${doing}: ${url.host} answers HTTP ${status}${said === '' ? '' : `: ${said}`}`,
  )
}

/** Connects, and verifies the certificate for https. The call itself is not made. */
export async function tryConnection(doing: string, call: HttpCall, means: Means, signal: AbortSignal): Promise<void> {
  const url = parse(doing, call)
  if (signal.aborted) throw calledOff(doing, signal)
  const late = AbortSignal.timeout(means.limits.http)
  const either = AbortSignal.any([signal, late])
  let socket: Socket | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const host = hostOf(url)
      const where = { host, port: portOf(url), lookup: means.names.lookup }
      socket =
        url.protocol === 'https:'
          ? tlsConnect({ ...where, ...trustIn(call), ...(isIP(host) ? {} : { servername: host }) }, resolve)
          : tcpConnect(where, resolve)
      socket.on('error', reject)
      either.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
    })
  } catch (error) {
    throw signal.aborted ? calledOff(doing, signal) : explain(doing, url, error)
  } finally {
    socket?.destroy()
  }
}

/** The port that a URL means. */
export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
}

function parse(doing: string, { url: text }: HttpCall): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new AgentError('misconfigured', `${doing}: its URL does not begin with http:// or https://`)
}

/** Without the brackets that a URL has around an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.replaceAll(/^\[|\]$/g, '')
}

/** Certificates are always verified, whatever the environment says. */
function trustIn({ ca }: HttpCall): { rejectUnauthorized: true; ca?: string } {
  return { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) }
}

function send(call: HttpCall, url: URL, { names }: Means, signal: AbortSignal): Promise<IncomingMessage> {
  const { method = 'POST', headers = {}, body } = call
  return new Promise((resolve, reject) => {
    const begin = url.protocol === 'https:' ? httpsRequest : httpRequest
    const ours = Object.fromEntries([
      ['user-agent', 'caretaker'],
      // Node leaves it out for methods that have no body by custom.
      ...(body === undefined ? [] : [['content-length', String(Buffer.byteLength(body))]]),
      ...Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value]),
    ])
    const options = { method, headers: ours, signal, agent: false, lookup: names.lookup, ...trustIn(call) }
    const outgoing: ClientRequest = begin(url, options)
    outgoing.on('response', resolve).on('error', reject).end(body)
  })
}

/** The body, up to a time limit and a size limit. */
async function readEnd(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const late = setTimeout(() => response.destroy(), bodyWithin)
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, largestAnswer - size))
      size += chunk.length
      if (size >= largestAnswer) break
    }
  } catch {
    // The status has said what matters.
  } finally {
    clearTimeout(late)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What we send that must never appear in a message. */
function secretsOf({ headers = {}, body = '' }: HttpCall, url: URL): string[] {
  return [...Object.values(headers).flatMap(secretsOfHeader), ...secretsOfUrl(url), ...secretsOfBody(body)]
}

function explain(doing: string, url: URL, error: unknown): AgentError {
  const { code = '' } = error as NodeJS.ErrnoException
  const { host } = url
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return new AgentError(
      'misconfigured',
      `${doing}: the certificate of ${host} is not trusted (${plain(messageOf(error))}): set \`ca\` to the CA that issued it`,
      error,
    )
  if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    return new AgentError(
      'misconfigured',
      `${doing}: the TLS handshake with ${host} failed: should the URL begin with http://?`,
      error,
    )
  if (code.startsWith('ERR_OSSL'))
    return new AgentError('misconfigured', `${doing}: its \`ca\` contains no PEM certificate`, error)
  if (
    [
      'ERR_INVALID_CHAR',
      'ERR_INVALID_HTTP_TOKEN',
      'ERR_UNESCAPED_CHARACTERS',
      'ERR_HTTP_INVALID_HEADER_VALUE',
    ].includes(code)
  )
    return new AgentError('misconfigured', `${doing}: the request is not valid HTTP: ${plain(messageOf(error))}`)
  if (code.startsWith('HPE_'))
    return new AgentError(
      'malformed',
      `${doing}: ${host} did not answer in HTTP: should the URL begin with https://?`,
      error,
    )
  if (code === 'ECONNREFUSED')
    return new AgentError('unreachable', `${doing}: ${host}: connection refused: is it listening there?`, error)
  return new AgentError('unreachable', `${doing}: ${host}: ${lastWords(messageOf(error))}`, error)
}
