import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import { gunzipSync } from 'node:zlib'

export interface GoRequest {
  readonly method: 'GET' | 'POST'
  /** As it goes out: what is not valid in a URL stays as it is. */
  readonly url: GoUrl
  /** Besides what Go always sends. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

export interface GoAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

export interface GoMeans {
  /** The node's own address: what it asks from. */
  readonly from: string
  /** Where a name leads. */
  readonly resolve: (host: string) => string | undefined
  /** Roots that it trusts, PEM. */
  readonly roots: readonly string[]
  readonly signal: AbortSignal
}

/** The parts of a URL, as Go keeps them: its query stays raw. */
export interface GoUrl {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly query: string
}

/** @throws Error where it is none that Go's client could ask */
export function parseGoUrl(text: string): GoUrl {
  const found = /^(https?):\/\/(\[[^\]]+\]|[^/?#:]+)(?::(\d+))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/s.exec(text)
  if (!found) throw new Error(`parse ${JSON.stringify(text)}: unsupported protocol scheme`)
  const [, scheme, host, port, path, query = ''] = found
  return {
    scheme: scheme as GoUrl['scheme'],
    host: host!.replace(/^\[|\]$/g, ''),
    port: port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port),
    path: path || '/',
    query,
  }
}

/** What a URL looks like on Go's wire: of its path only what is not valid is escaped, its query is not touched. */
export function targetOf({ path, query }: GoUrl): string {
  const escaped = path.replaceAll(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]/gu, (letter) => encodeURIComponent(letter))
  return query === '' ? escaped : `${escaped}?${query}`
}

/**
 * One request as Go's HTTP client sends it from a Talos node: a connection of its own, these headers in this order, ten
 * redirects at most, and a body that gzip has packed is unpacked (siderolabs/talos pkg/download). Only HTTP/1.1.
 *
 * @throws Error in Go's words, where there is no whole answer
 */
export async function goRequest(request: GoRequest, means: GoMeans, redirects = 0): Promise<GoAnswer> {
  const answer = await exchange(request, means)
  const location = answer.headers.get('location')
  if ([301, 302, 303, 307, 308].includes(answer.status)) {
    const at = `${verbOf(request)} "${textOf(request.url)}":`
    if (location === undefined) throw new Error(`${at} ${answer.status} response missing Location header`)
    if (redirects >= 10) throw new Error(`${at} stopped after 10 redirects`)
    return goRequest({ ...request, url: parseGoUrl(new URL(location, textOf(request.url)).href) }, means, redirects + 1)
  }
  return answer
}

const verbOf = ({ method }: GoRequest) => (method === 'GET' ? 'Get' : 'Post')

export function textOf(url: GoUrl): string {
  return `${url.scheme}://${hostOf(url)}${targetOf(url)}`
}

function hostOf({ scheme, host, port }: GoUrl): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === (scheme === 'https' ? 443 : 80) ? name : `${name}:${port}`
}

async function exchange(request: GoRequest, means: GoMeans): Promise<GoAnswer> {
  const { url, method, headers = [], body } = request
  const at = `${verbOf(request)} "${textOf(url)}":`
  const socket = await dial(url, means, at)
  try {
    const lines = [
      `${method} ${targetOf(url)} HTTP/1.1`,
      `Host: ${hostOf(url)}`,
      'User-Agent: Go-http-client/1.1',
      ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
      ...headers.map(([name, value]) => `${name}: ${value}`),
      'Accept-Encoding: gzip',
      'Connection: close',
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
    return await readAnswer(socket, means.signal)
  } catch (error) {
    throw new Error(`${at} ${means.signal.aborted ? 'context deadline exceeded' : wordsOf(error)}`, { cause: error })
  } finally {
    socket.destroy()
  }
}

async function dial({ scheme, host, port }: GoUrl, means: GoMeans, at: string): Promise<net.Socket> {
  const { from, resolve, roots, signal } = means
  const to = net.isIP(host) === 0 ? resolve(host) : host
  if (to === undefined) throw new Error(`${at} dial tcp: lookup ${host}: no such host`)
  const raw = net.connect({ host: to, port, localAddress: from })
  try {
    await once(raw, 'connect', { signal })
    raw.on('error', () => {})
    if (scheme === 'http') return raw
    const name = net.isIP(host) === 0 ? { servername: host } : {}
    const secure = tls.connect({ socket: raw, host, ...name, ca: [...roots], ALPNProtocols: ['h2', 'http/1.1'] })
    await once(secure, 'secureConnect', { signal })
    secure.on('error', () => {})
    return secure
  } catch (error) {
    raw.destroy()
    const why = signal.aborted ? 'context deadline exceeded' : wordsOf(error)
    throw new Error(`${at} ${why.startsWith('tls:') ? why : `dial tcp ${to}:${port}: ${why}`}`, { cause: error })
  }
}

/** A failure of Node's, in Go's words. */
function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connect: connection refused'
  if (code === 'ECONNRESET') return 'read: connection reset by peer'
  if (/self.signed|unable to (get|verify)/i.test(message))
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  return message
}

async function readAnswer(socket: net.Socket, signal: AbortSignal): Promise<GoAnswer> {
  const chunks: Buffer[] = []
  const give = () => Buffer.concat(chunks)
  const ended = (async () => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(socket, 'end', { signal }).catch((error: unknown) => {
      // What is whole already needs no end.
      if (signal.aborted || parse(give(), true) === undefined) throw error
    })
  })()
  const whole = new Promise<void>((resolve) => socket.on('data', () => parse(give(), false) && resolve()))
  await Promise.race([ended, whole])
  ended.catch(() => {})
  const answer = parse(give(), true)
  if (!answer) throw new Error(chunks.length === 0 ? 'EOF' : 'unexpected EOF')
  return answer
}

/** Undefined while it is not whole. `ended`: nothing more comes. */
function parse(bytes: Buffer, ended: boolean): GoAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1])
  if (Number.isNaN(status)) throw new Error(`malformed HTTP response ${JSON.stringify(first)}`)
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const rest = bytes.subarray(end + 4)
  const body = bodyOf(rest, { status, headers, ended })
  if (body === undefined) return undefined
  const isPacked = headers.get('content-encoding') === 'gzip' || (body[0] === 0x1f && body[1] === 0x8b)
  return { status, headers, body: isPacked ? gunzipSync(body) : body }
}

function bodyOf(
  rest: Buffer,
  { status, headers, ended }: { status: number; headers: ReadonlyMap<string, string>; ended: boolean },
): Buffer | undefined {
  if (status === 204 || status === 304) return Buffer.alloc(0)
  if (headers.get('transfer-encoding') === 'chunked') return unchunk(rest)
  const length = headers.get('content-length')
  if (length === undefined) return ended ? rest : undefined
  return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined
}

function unchunk(rest: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const line = rest.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = Number.parseInt(rest.subarray(at, line).toString('latin1'), 16)
    if (rest.length < line + 2 + size + 2) return undefined
    if (size === 0) return Buffer.concat(parts)
    parts.push(rest.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
