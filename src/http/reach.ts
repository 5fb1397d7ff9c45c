import type { ClientRequest, IncomingMessage } from 'node:http'
import { AgentError, type ErrorCode } from '../core/errors.ts'

/** Where a daemon is: at its control socket, or behind the API of another machine. */
export type Reach = { readonly socketPath: string } | Server

export interface Server {
  /** Without a slash at the end: `https://nas.lan:8420`. */
  readonly url: string
  /** The token itself. */
  readonly token?: string
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca?: string
}

/** What is asked of a daemon. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal?: AbortSignal
}

/** How long a server may take to accept a connection, TLS included, in ms. Answers may take as long as the work does. */
const connectWithin = 10_000

/** Asks, and resolves with the head of the answer. @throws AgentError that says in one line what is in the way */
export function send(
  reach: Reach,
  { body = '', method, path, headers = {}, signal }: Outgoing,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = body === '' && method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const options = { method, headers: { ...headers, ...length }, ...(signal ? { signal } : {}) }
    const outgoing = open(reach, path, options)
    outgoing.on('response', resolve)
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        signal?.aborted ? new AgentError('unreachable', 'no one waits for it any more') : explain(error, reach, method),
      ),
    )
    outgoing.end(body)
  })
}

interface Options {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** By an import of it Node would load undici as well, for classes that it hands on: that takes longer than most requests. */
const http = () => process.getBuiltinModule('node:http')
const https = () => process.getBuiltinModule('node:https')

function open(reach: Reach, path: string, { headers, ...options }: Options): ClientRequest {
  if ('socketPath' in reach)
    return http().request({
      socketPath: reach.socketPath,
      path,
      ...options,
      headers: { host: 'caretaker', ...headers },
    })
  const { url, token, ca } = reach
  const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const all = { ...options, agent: false, headers: { ...headers, ...bearer }, ...(ca === undefined ? {} : { ca }) }
  const isTls = url.startsWith('https:')
  const outgoing = (isTls ? https() : http()).request(`${url}${path}`, all)
  const late = setTimeout(
    () => outgoing.destroy(new AgentError('unreachable', `${url} does not answer within ${connectWithin / 1_000} s`)),
    connectWithin,
  )
  outgoing.on('socket', (socket) => {
    // A peer that is gone without a word is noticed while a long answer is waited for.
    socket.setKeepAlive(true, 30_000)
    socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(late))
  })
  outgoing.on('close', () => clearTimeout(late))
  return outgoing
}

/** Where it is, for people. */
export function placeOf(reach: Reach): string {
  return 'socketPath' in reach ? `the daemon at ${reach.socketPath}` : reach.url
}

/**
 * What is said where the connection ends before the answer. Of what was to change something nobody knows whether it was done:
 * the journal does.
 */
export function brokenOff(reach: Reach, method: string): string {
  const doubt = method === 'GET' ? '' : ' If the request was carried out, `caretaker journal` tells of it'
  return `${placeOf(reach)} closed the connection before it answered: was it stopped?${doubt}`
}

/** The failure of a connection in words that say what to do. */
function explain(error: NodeJS.ErrnoException, reach: Reach, method: string): AgentError {
  if (error instanceof AgentError) return error
  const closed = brokenOff(reach, method)
  const [code, text] =
    'socketPath' in reach ? atSocket(error, reach.socketPath, closed) : atServer(error, reach, closed)
  return new AgentError(code, text, error)
}

const isClosed = (code: string | undefined) => code === 'ECONNRESET' || code === 'EPIPE'

/** @param closed what is said where it ends the connection */
function atSocket(
  { code, message }: NodeJS.ErrnoException,
  path: string,
  closed: string,
): readonly [ErrorCode, string] {
  if (isClosed(code)) return ['unreachable', closed]
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return ['unreachable', `no daemon is running at ${path}: start it with \`caretaker start\``]
  if (code === 'EACCES') return ['unreachable', `permission denied on ${path}: run the CLI as the daemon's user`]
  return ['unreachable', `the daemon at ${path}: ${message}`]
}

/** What OpenSSL says where no authority that we know has signed the certificate. */
const untrusted = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

/** @param closed what is said where it ends the connection */
function atServer(
  { code = '', message }: NodeJS.ErrnoException,
  { url, ca }: Server,
  closed: string,
): readonly [ErrorCode, string] {
  const host = new URL(url).hostname
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return ['unreachable', `${host} is not found: check the name, or the DNS server`]
  if (code === 'ECONNREFUSED')
    return ['unreachable', `nothing listens at ${url}: check the address, and \`api\` in the daemon's configuration`]
  if (untrusted.includes(code)) {
    const advice = ca === undefined ? 'name the CA that signed it with --ca FILE' : 'another CA signed it'
    return ['misconfigured', `the certificate of ${url} is not trusted: ${advice}`]
  }
  if (code === 'CERT_HAS_EXPIRED') return ['misconfigured', `the certificate of ${url} has expired: renew it`]
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return ['misconfigured', `the certificate of ${url} is not for ${host}: ask by a name that stands in it`]
  if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    return ['misconfigured', `${url} does not speak TLS: try http://`]
  if (code === 'ECONNRESET' && url.startsWith('http:'))
    return ['unreachable', `${url} closed the connection: does it take https:// alone?`]
  if (isClosed(code) && url.startsWith('https:')) return ['unreachable', closed]
  if (code.startsWith('HPE_')) return ['malformed', `${url} is no Caretaker: it does not speak HTTP`]
  return ['unreachable', `${url}: ${message}`]
}
