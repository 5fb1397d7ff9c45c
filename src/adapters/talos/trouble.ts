import { Code, ConnectError } from '@connectrpc/connect'
import { notWithin } from '../../core/duration.ts'
import { AgentError, describeConnectionError, type ErrorCode, messageOf } from '../../core/errors.ts'
import { lackingRole, type Need } from './roles.ts'
import { classOfText } from './go-errors.ts'
import type { Credentials } from './talosconfig.ts'

/** The call that failed: its node, its purpose, its credentials. */
export interface Circumstances {
  /** The node as messages name it: `cp-1 (192.168.0.2)`. */
  readonly node: string
  readonly need: Need
  readonly credentials: Pick<Credentials, 'roles'>
  readonly signal: AbortSignal
  /** Whoever answered has the certificate of a machine in maintenance. */
  readonly isInMaintenance?: boolean
  /** When the call began, by `performance.now()`. */
  readonly beganAt: number
}

/** Translates gRPC's codes, and Node's errors of sockets and certificates, into ours. */
export function translate(error: unknown, circumstances: Circumstances): AgentError {
  const { node, need, credentials, signal, beganAt, isInMaintenance } = circumstances
  if (error instanceof AgentError) return error
  if (isInMaintenance)
    return new AgentError(
      'misconfigured',
      `${node} waits in maintenance, without a configuration: it was reset, has lost its disk, or is new at this address`,
      error,
    )
  if (signal.aborted) {
    const waited = notWithin(performance.now() - beganAt)
    return new AgentError('unreachable', `${node} did not answer ${waited}`, error)
  }
  if (!(error instanceof ConnectError)) return new AgentError('malformed', `${node}: ${messageOf(error)}`, error)
  if (!isSaidHere(error)) {
    const { code, rawMessage } = error
    const lacking = code === Code.PermissionDenied ? lackingRole(credentials, need) : undefined
    return new AgentError(classOf(code, rawMessage), `${node}: ${lacking ?? rawMessage}`, error)
  }
  const [code, words] = ofConnection(error)
  return new AgentError(code, `${node}${words}`, error)
}

/** What happened to the connection or the stream, as text that follows the node's name. */
function ofConnection(error: ConnectError): [ErrorCode, string] {
  const { code, rawMessage } = error
  const trouble = tlsTrouble(ownWords(error))
  if (trouble) return ['misconfigured', `: ${trouble}`]
  if (isGibberish(error)) return ['malformed', `: ${rawMessage}`]
  if (code === Code.DeadlineExceeded) return ['timed-out', ': no answer in time']
  if (code === Code.Canceled) {
    // Some nodes refuse a certificate this way, too: the connection closes after the handshake.
    return ['unreachable', " closed the connection: it is restarting, or it rejects the talosconfig's certificate"]
  }
  // Only errors of the connection itself carry a useful message.
  const isErrno = /^(connect|read|write|getaddrinfo|client network socket)\b/i.test(rawMessage)
  return [
    'unreachable',
    isErrno
      ? `: ${describeConnectionError(rawMessage)}`
      : ' closed the connection before its answer was complete: it may be restarting',
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

/** Not gRPC, or not a kind that we understand: a retry would not help. */
function isGibberish({ rawMessage }: ConnectError): boolean {
  return /^(message size |parse binary: |unsupported (content type|response encoding) |unexpected end flag|HTTP 4(?!08|29)\d\d$)/.test(
    rawMessage,
  )
}

/**
 * Whether a node answered and the answer was cut off: the stream was reset, or closed with its connection. False where
 * no connection was made, or the answer timed out.
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
 * Classifies an error by its code. Errors of Go and of etcd have none: Talos forwards them as Unknown, some services as
 * Internal, so only the text distinguishes an unreachable registry, an election, or another control plane's lock from a
 * refusal.
 */
export function classOf(code: Code, text: string): ErrorCode {
  const known = passing[code]
  if (known) return known
  if (code !== Code.Unknown && code !== Code.Internal) return 'rejected'
  return classOfText(text)
}

/**
 * The messages of this side: only they can be about our connection. A node that reports a registry's certificate uses
 * the same words.
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
