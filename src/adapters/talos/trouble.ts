import { Code, ConnectError } from '@connectrpc/connect'
import { AgentError, type ErrorCode, messageOf } from '../../core/errors.ts'
import { lackingRole, type Need } from './roles.ts'
import type { Credentials } from './talosconfig.ts'

/** Whose call failed, and what it was for. */
export interface Circumstances {
  /** The node as messages name it: `cp-1 (192.168.0.2)`. */
  readonly node: string
  readonly need: Need
  readonly credentials: Pick<Credentials, 'roles'>
  readonly signal: AbortSignal
}

/** gRPC's codes, and what Node says of sockets and certificates, in our own. */
export function translate(error: unknown, { node, need, credentials, signal }: Circumstances): AgentError {
  if (error instanceof AgentError) return error
  if (signal.aborted) return new AgentError('unreachable', `${node} has not answered in time`, error)
  if (!(error instanceof ConnectError)) return new AgentError('malformed', `${node}: ${messageOf(error)}`, error)
  const { rawMessage, code } = error
  const trouble = tlsTrouble(ownWords(error))
  if (trouble) return new AgentError('misconfigured', `${node}: ${trouble}`, error)
  if (code === Code.Canceled) {
    // That is all one hears of some refusals of a certificate, too: the connection ends after the handshake.
    return new AgentError(
      'unreachable',
      `${node} ended the connection: it restarts, or it does not accept the talosconfig's certificate`,
      error,
    )
  }
  if (code === Code.PermissionDenied) {
    return new AgentError('rejected', `${node}: ${lackingRole(credentials, need) ?? rawMessage}`, error)
  }
  // A connection that breaks under a call surfaces as Internal too.
  const broken = code === Code.Internal && isBrokenConnection(error)
  const words = /NGHTTP2|ERR_HTTP2/.test(rawMessage) ? 'it ended the connection: it may be restarting' : rawMessage
  return new AgentError(broken ? 'unreachable' : classOf(code, rawMessage), `${node}: ${words}`, error)
}

const passing: Partial<Record<Code, ErrorCode>> = {
  [Code.Unavailable]: 'unreachable',
  [Code.Aborted]: 'unreachable',
  [Code.ResourceExhausted]: 'unreachable',
  [Code.DeadlineExceeded]: 'timed-out',
}

/**
 * What the same call may meet with more luck later, by its code. Errors of Go's own and of etcd have none: Talos hands
 * them on as Unknown, and some of its services as Internal, so that only the text tells a registry that is out of reach,
 * an election, or another control plane's lock from a plain no.
 */
export function classOf(code: Code, text: string): ErrorCode {
  const known = passing[code]
  if (known) return known
  if (code !== Code.Unknown && code !== Code.Internal) return 'rejected'
  if (/timed? ?out|deadline exceeded/i.test(text)) return 'timed-out'
  if (/etcdserver: (no leader|leader changed|not healthy|too many requests)|Locked by another session/.test(text))
    return 'timed-out'
  if (/connection (refused|reset)|no route to host|network is unreachable|no such host|unexpected EOF/i.test(text))
    return 'unreachable'
  if (/too ?many ?requests|server misbehaving|temporary failure|\b50[234]\b/i.test(text)) return 'unreachable'
  return 'rejected'
}

/**
 * What was said on this side of the wire: only that can be about our connection. A node that tells of a registry's
 * certificate uses the same words.
 */
function ownWords(error: ConnectError): string {
  const cause = error.cause === undefined ? '' : messageOf(error.cause)
  if (cause === '') return ''
  return error.rawMessage.includes(cause) ? error.rawMessage : `${error.rawMessage} ${cause}`
}

function isBrokenConnection(error: ConnectError): boolean {
  return /ECONN|EHOST|ENET|EPIPE|socket|hang up|GOAWAY|ERR_HTTP2|session|protocol error|stream/i.test(
    `${error.rawMessage} ${messageOf(error.cause ?? '')}`,
  )
}

function tlsTrouble(text: string): string | undefined {
  if (/self.signed|unable to (get|verify)|certificate signature failure/i.test(text)) {
    return `its certificate is not from the CA in the talosconfig: is this the right cluster, or was its CA renewed? (${text.trim().slice(0, 120)})`
  }
  if (/does not match certificate|ERR_TLS_CERT_ALTNAME/i.test(text)) {
    return `its certificate is not for this address: add it to machine.certSANs, or use another address of the node (${text.trim().slice(0, 160)})`
  }
  if (/certificate has expired|CERT_HAS_EXPIRED|not yet valid/i.test(text)) {
    return `a certificate is not valid now: check the clocks of this machine and of the node (${text.trim().slice(0, 120)})`
  }
  if (/alert (bad certificate|certificate required|unknown ca|certificate expired)/i.test(text)) {
    return `it refuses our certificate: the talosconfig is of another cluster, of before its CA was renewed, or too old (${text.trim().slice(0, 120)})`
  }
  return undefined
}
