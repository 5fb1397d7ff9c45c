import { Code, ConnectError, createClient, type Client, type Transport } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { AgentError, messageOf } from '../../core/errors.ts'
import { ImageService, LifecycleService, MachineService } from './gen/machine_pb.ts'
import { State } from './gen/state_pb.ts'
import { type Credentials, endpointOf } from './talosconfig.ts'

export interface Session {
  readonly machine: Client<typeof MachineService>
  readonly lifecycle: Client<typeof LifecycleService>
  readonly images: Client<typeof ImageService>
  readonly state: Client<typeof State>
}

/** Talos limits messages to 32 MiB either way (siderolabs/talos pkg/grpc). */
const largestMessage = 32 * 1_048_576

/**
 * Opens one connection to a node, hands out its clients, and closes it when `action` ends. No connection is kept: the
 * one that a node had before a kexec stays half open for ever, without a FIN (siderolabs/talos issue 14242), and no
 * keep-alive pings are sent, because Talos' servers punish them. No proxy is used either.
 *
 * @throws AgentError, naming the node
 */
export async function withSession<T>(
  node: string,
  address: string,
  { ca, cert, key }: Credentials,
  signal: AbortSignal,
  action: (session: Session) => Promise<T>,
): Promise<T> {
  const baseUrl = endpointOf(address)
  const manager = new Http2SessionManager(baseUrl, {}, { ca, cert, key, ALPNProtocols: ['h2'] })
  const transport: Transport = createGrpcTransport({
    baseUrl,
    sessionManager: manager,
    readMaxBytes: largestMessage,
    writeMaxBytes: largestMessage,
  })
  const onAbort = () => manager.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await action({
      machine: createClient(MachineService, transport),
      lifecycle: createClient(LifecycleService, transport),
      images: createClient(ImageService, transport),
      state: createClient(State, transport),
    })
  } catch (error) {
    throw translate(error, `${node} (${address})`, signal)
  } finally {
    signal.removeEventListener('abort', onAbort)
    manager.abort()
  }
}

/** What the same call may meet with more luck later. */
const passing: readonly Code[] = [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted, Code.ResourceExhausted]

/** gRPC's codes, and what Node says of sockets and certificates, in our own. */
function translate(error: unknown, node: string, signal: AbortSignal): AgentError {
  if (error instanceof AgentError) return error
  if (signal.aborted) return new AgentError('unreachable', `${node} has not answered in time`, error)
  if (!(error instanceof ConnectError)) return new AgentError('malformed', `${node}: ${messageOf(error)}`, error)
  const { rawMessage, code } = error
  const cause = messageOf(error.cause ?? '')
  const trouble = tlsTrouble(rawMessage.includes(cause) ? rawMessage : `${rawMessage} ${cause}`)
  if (trouble) return new AgentError('misconfigured', `${node}: ${trouble}`, error)
  // A connection that breaks under a call surfaces as Internal too.
  if (passing.includes(code) || (code === Code.Internal && isBrokenConnection(error))) {
    const words = /NGHTTP2|ERR_HTTP2/.test(rawMessage) ? 'it ended the connection: it may be restarting' : rawMessage
    return new AgentError('unreachable', `${node}: ${words}`, error)
  }
  if (code === Code.Canceled) {
    // That is all one hears of a certificate that was refused, too: the connection ends after the handshake.
    return new AgentError(
      'unreachable',
      `${node} ended the connection: it restarts, or it does not accept the talosconfig's certificate`,
      error,
    )
  }
  const hint = code === Code.PermissionDenied ? "; the talosconfig's role is not enough for this" : ''
  return new AgentError('rejected', `${node}: ${rawMessage}${hint}`, error)
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
    return `it refuses our certificate: the talosconfig is of another cluster, or too old (${text.trim().slice(0, 120)})`
  }
  return undefined
}
