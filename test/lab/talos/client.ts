import { fromBinary } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { Error_CodeSchema } from '../../../src/adapters/talos/gen/common_pb.ts'
import {
  ImageService,
  LifecycleService,
  MachineService,
  MachineStatusEventSchema,
  MachineStatusEvent_MachineStageSchema,
  SequenceEventSchema,
  SequenceEvent_ActionSchema,
  TaskEventSchema,
  type Event,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import { State } from '../../../src/adapters/talos/gen/state_pb.ts'
import { iterable } from '../../../src/adapters/talos/whole.ts'
import type { LabAuthority } from '../authority.ts'
import { ClusterService } from '../gen/cluster_pb.ts'
import { ImageService as MoreOfImages, MachineService as MoreOfMachine } from '../gen/machine-more_pb.ts'
import type { TalosNode } from './types.ts'

/** Raw clients of a node's services. */
export interface TalosCalls extends Disposable {
  readonly machine: Client<typeof MachineService>
  readonly lifecycle: Client<typeof LifecycleService>
  readonly image: Client<typeof ImageService>
  readonly state: Client<typeof State>
  /** What only talosctl asks. */
  readonly more: Client<typeof MoreOfMachine>
  readonly moreImages: Client<typeof MoreOfImages>
  readonly cluster: Client<typeof ClusterService>
}

/** Connects with a client certificate of these roles; nothing is retried and nothing translated. */
export async function connectTalos(
  authority: LabAuthority,
  node: Pick<TalosNode, 'address' | 'port'>,
  organizations: readonly string[] = ['os:admin'],
): Promise<TalosCalls> {
  const { cert, key } = await authority.issueClient({ common: 'test', organizations })
  const baseUrl = `https://${node.address}:${node.port}`
  const session = new Http2SessionManager(baseUrl, {}, { ca: authority.ca, cert, key })
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: {
      authority: session.authority,
      request: async (...request) => iterable(await session.request(...request)),
      notifyResponseByteRead: (stream) => session.notifyResponseByteRead(stream),
    },
  })
  return {
    machine: createClient(MachineService, transport),
    lifecycle: createClient(LifecycleService, transport),
    image: createClient(ImageService, transport),
    state: createClient(State, transport),
    more: createClient(MoreOfMachine, transport),
    moreImages: createClient(MoreOfImages, transport),
    cluster: createClient(ClusterService, transport),
    [Symbol.dispose]: () => session.abort(),
  }
}

/** A gRPC call's code and message; a call that does not fail is an error. */
export async function failure(call: Promise<unknown>): Promise<{ code: Code; message: string }> {
  try {
    await call
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error)
    return { code, message: rawMessage }
  }
  throw new Error('the call did not fail')
}

/** All items of a stream. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** What an event says, in a word or two. */
export function tell(event: Event): string {
  const value = event.data?.value ?? new Uint8Array()
  switch (event.data?.typeUrl ?? '') {
    case 'talos/runtime/machine.SequenceEvent': {
      const { sequence, action, error } = fromBinary(SequenceEventSchema, value)
      const failure = error && Error_CodeSchema.value[error.code]?.name
      return `sequence ${sequence} ${failure ?? SequenceEvent_ActionSchema.value[action]?.name}`
    }
    case 'talos/runtime/machine.MachineStatusEvent': {
      const { stage, status } = fromBinary(MachineStatusEventSchema, value)
      return `${MachineStatusEvent_MachineStageSchema.value[stage]?.name} ${status?.ready ? 'ready' : 'not ready'}`
    }
    case 'talos/runtime/machine.TaskEvent':
      return `task ${fromBinary(TaskEventSchema, value).task}`
    default:
      return event.data?.typeUrl || 'hello'
  }
}

/** Follows a node's events into an array until the stream ends, however it ends: `ended` is then the failure's code. */
export function follow(calls: TalosCalls, tailEvents = 0) {
  const events: Event[] = []
  const hello = Promise.withResolvers<void>()
  const waiting = new Set<() => void>()
  const ended = (async () => {
    try {
      for await (const event of calls.machine.events({ tailEvents })) {
        events.push(event)
        hello.resolve()
        for (const wake of waiting) wake()
      }
      return undefined
    } catch (error) {
      return ConnectError.from(error).code
    }
  })()
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!isSo()) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  const seen = (what: string) => until(() => events.some((event) => tell(event) === what))
  return { events, hello: hello.promise, ended, seen, until, told: () => events.map(tell) }
}
