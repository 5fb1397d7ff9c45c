import { Code, ConnectError } from '@connectrpc/connect'
import { AgentError, type ErrorCode, messageOf } from '../../core/errors.ts'
import { lackingRole, type Need } from './roles.ts'
import { classOfText } from './go-errors.ts'
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
  if (signal.aborted) return new AgentError('unreachable', `${node} did not answer in time`, error)
  if (!(error instanceof ConnectError)) return new AgentError('malformed', `${node}: ${messageOf(error)}`, error)
  if (!isSaidHere(error)) {
    const { code, rawMessage } = error
    const lacking = code === Code.PermissionDenied ? lackingRole(credentials, need) : undefined
    return new AgentError(classOf(code, rawMessage), `${node}: ${lacking ?? rawMessage}`, error)
  }
  const [code, words] = ofConnection(error)
  return new AgentError(code, `${node}${words}`, error)
}

/** What happened to a connection or a stream of ours, to follow the node's name. */
function ofConnection(error: ConnectError): [ErrorCode, string] {
  const { code, rawMessage } = error
  const trouble = tlsTrouble(ownWords(error))
  if (trouble) return ['misconfigured', `: ${trouble}`]
  if (isGibberish(error)) return ['malformed', `: ${rawMessage}`]
  if (code === Code.DeadlineExceeded) return ['timed-out', ': no answer in time']
  if (code === Code.Canceled) {
    // That is all one hears of some refusals of a certificate, too: the connection ends after the handshake.
    return ['unreachable', " closed the connection: it is restarting, or it rejects the talosconfig's certificate"]
  }
  // Only of the connection is there more to say than that it broke off.
  const isErrno = /^(connect|read|write|getaddrinfo|client network socket)\b/i.test(rawMessage)
  return [
    'unreachable',
    isErrno ? `: ${rawMessage}` : ' closed the connection before its answer was complete: it may be restarting',
  ]
}

/**
 * What connect-node says of its own, by its words (packages/connect/src/protocol*, packages/connect-node/src/node-error):
 * it has gRPC's codes too, but the node did not choose them. A message that is cut is InvalidArgument there, one that is
 * missing Unimplemented, and some resets are PermissionDenied.
 */
const ownTexts =
  /^(protocol error: |http\/2 |HTTP [1-5]\d\d$|sentinel completed|connection aborted|PING timed out|expected open session|received GOAWAY|received compressed envelope|unexpected end flag|message size |parse binary: |unsupported (content type|response encoding) |the operation timed out|the stream closed |premature close$|This operation was aborted)/i

/** Whether an error is about the connection, and not a status that the node chose. */
export function isSaidHere(error: ConnectError): boolean {
  if (error.metadata.has('grpc-status') || error.metadata.has('grpc-status-details-bin')) return false
  return error.cause !== undefined || ownTexts.test(error.rawMessage)
}

/** What is no gRPC, or none that we read: it will be the same the next time. */
function isGibberish({ rawMessage }: ConnectError): boolean {
  return /^(message size |parse binary: |unsupported (content type|response encoding) |unexpected end flag|HTTP 4(?!08|29)\d\d$)/.test(
    rawMessage,
  )
}

/**
 * Whether an answer was lost on its way although somebody was there to give it: the stream was cut, reset, or closed
 * together with its connection. Not where no connection came about, and not where nobody answered in time.
 */
export function brokeOff(error: unknown): boolean {
  if (!(error instanceof ConnectError) || !isSaidHere(error)) return false
  const [code] = ofConnection(error)
  return code === 'unreachable' && !/\b(connect|getaddrinfo) E/.test(ownWords(error))
}

const passing: Partial<Record<Code, ErrorCode>> = {
  [Code.Canceled]: 'unreachable',
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
  return classOfText(text)
}

/**
 * What was said on this side of the wire: only that can be about our connection. A node that tells of a registry's
 * certificate uses the same words.
 */
function ownWords(error: ConnectError): string {
  const cause = error.cause === undefined ? '' : messageOf(error.cause)
  return error.rawMessage.includes(cause) ? error.rawMessage : `${error.rawMessage} ${cause}`
}

function tlsTrouble(text: string): string | undefined {
  if (/self.signed|unable to (get|verify)|certificate signature failure/i.test(text)) {
    return `its certificate is not from the CA in the talosconfig: is this the right cluster, or was its CA rotated? (${text.trim().slice(0, 120)})`
  }
  if (/does not match certificate|ERR_TLS_CERT_ALTNAME/i.test(text)) {
    return `its certificate is not valid for this address: add it to machine.certSANs, or use another address of the node (${text.trim().slice(0, 160)})`
  }
  if (/certificate has expired|CERT_HAS_EXPIRED|not yet valid/i.test(text)) {
    return `a certificate is not valid now: check the clocks of this machine and of the node (${text.trim().slice(0, 120)})`
  }
  if (/alert (bad certificate|certificate required|unknown ca|certificate expired)/i.test(text)) {
    return `it rejects our certificate: the talosconfig belongs to another cluster, predates a CA rotation, or has expired (${text.trim().slice(0, 120)})`
  }
  return undefined
}
