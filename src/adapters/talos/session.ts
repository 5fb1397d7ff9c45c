import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { askAgain } from './again.ts'
import { type ConnectLimits, connectLimits, openConnection } from './connection.ts'
import { ImageService, LifecycleService, MachineService } from './gen/machine_pb.ts'
import { State } from './gen/state_pb.ts'
import { TimeService } from './gen/time_pb.ts'
import type { Need } from './roles.ts'
import { type Credentials, endpointOf } from './talosconfig.ts'
import { type Circumstances, translate } from './trouble.ts'

export interface Session {
  readonly machine: Client<typeof MachineService>
  readonly lifecycle: Client<typeof LifecycleService>
  readonly images: Client<typeof ImageService>
  readonly state: Client<typeof State>
  readonly time: Client<typeof TimeService>
}

/** A node to talk to, and the credentials for it. */
export interface Peer {
  readonly name: string
  readonly address: string
  readonly credentials: Credentials
  /** {@link connectLimits} unless others are given. */
  readonly limits?: ConnectLimits | undefined
}

/** Talos limits messages to 32 MiB either way (siderolabs/talos pkg/grpc). */
const largestMessage = 32 * 1_048_576

/**
 * Opens one connection to a node, hands out its clients, and closes it when `action` ends. No connection is kept: the
 * one that a node had before a kexec stays half open for ever, without a FIN (siderolabs/talos issue 14242), and no
 * keep-alive pings are sent, because Talos' servers punish them. No proxy is used either. A question whose answer breaks
 * off on its way is asked once more.
 *
 * @throws AgentError, naming the node
 */
export async function withSession<T>(
  peer: Peer,
  need: Need,
  signal: AbortSignal,
  action: (session: Session) => Promise<T>,
): Promise<T> {
  const beganAt = performance.now()
  using connection = connect(peer, signal, need.isQuestion)
  try {
    signal.throwIfAborted()
    return await action(connection.session)
  } catch (error) {
    throw translate(error, { ...circumstances(peer, need), ...connection.found, signal, beganAt })
  }
}

/**
 * The same for streams: the connection is opened when the first item is requested, and closed after the last, on
 * failure, and when the consumer stops early.
 */
export async function* streamed<T>(
  peer: Peer,
  need: Need,
  signal: AbortSignal,
  action: (session: Session) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const beganAt = performance.now()
  using connection = connect(peer, signal)
  try {
    signal.throwIfAborted()
    for await (const item of action(connection.session)) yield item
  } catch (error) {
    throw translate(error, { ...circumstances(peer, need), ...connection.found, signal, beganAt })
  }
}

function connect(
  { address, credentials, limits = connectLimits }: Peer,
  signal: AbortSignal,
  isQuestion = false,
): Disposable & { readonly session: Session; readonly found: Pick<Circumstances, 'isInMaintenance'> } {
  const baseUrl = endpointOf(address)
  const connection = openConnection(baseUrl, credentials, signal, limits)
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: connection.requests,
    interceptors: isQuestion ? [askAgain(connection)] : [],
    readMaxBytes: largestMessage,
    writeMaxBytes: largestMessage,
  })
  return {
    session: {
      machine: createClient(MachineService, transport),
      lifecycle: createClient(LifecycleService, transport),
      images: createClient(ImageService, transport),
      state: createClient(State, transport),
      time: createClient(TimeService, transport),
    },
    get found() {
      return { isInMaintenance: connection.isInMaintenance }
    },
    [Symbol.dispose]: () => connection.close(),
  }
}

function circumstances({ name, address, credentials }: Peer, need: Need) {
  return { node: `${name} (${address})`, need, credentials }
}
