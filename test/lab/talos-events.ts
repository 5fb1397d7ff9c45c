import { create, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import {
  EventSchema,
  ServiceStateEventSchema as Service,
  type Event,
  type EventsRequest,
} from '../../src/adapters/talos/gen/machine_pb.ts'

/**
 * A node's events since it booted, and whoever follows them (siderolabs/talos
 * internal/app/machined/pkg/runtime/events.go).
 */
export interface EventLog {
  /** An event of this message. Only sequences, phases and tasks belong to an actor. */
  publish<D extends DescMessage>(schema: D, init: MessageInitShape<D>, actor?: string): void
  /** A service changed its state. */
  publishService(id: string, state: ServiceState, message: string): void
  /** A boot begins: nothing of before is remembered. */
  clear(): void
  /** A hello, the history that was asked for, and what happens until the signal aborts. */
  follow(request: EventsRequest, signal: AbortSignal): AsyncGenerator<Event>
}

const serviceActions = {
  Initialized: 0,
  Preparing: 1,
  Waiting: 2,
  Running: 3,
  Stopping: 4,
  Finished: 5,
  Failed: 6,
  Skipped: 7,
  Starting: 8,
} as const

/** A service's state as Talos writes it. */
export type ServiceState = keyof typeof serviceActions

const historyKept = 990

export function createEventLog(): EventLog {
  let history: { readonly at: number; readonly event: Event }[] = []
  const followers = new Set<(event: Event) => void>()
  let count = 0

  // Ids are xids: 20 digits of base 32, and later ones sort after earlier ones.
  function nextId(): string {
    const time = Math.floor(Date.now() / 1000).toString(32)
    return time.padStart(7, '0') + (count++).toString(32).padStart(13, '0')
  }

  function append(typeUrl: string, value: Uint8Array<ArrayBuffer>, actorId: string): void {
    const event = create(EventSchema, { id: nextId(), actorId, data: { typeUrl, value } })
    history = [...history.slice(1 - historyKept), { at: Date.now(), event }]
    for (const follower of followers) follower(event)
  }

  function past(request: EventsRequest): Event[] {
    const { tailEvents, tailId, tailSeconds } = request
    if ([tailEvents !== 0, tailId !== '', tailSeconds !== 0].filter(Boolean).length > 1)
      throw new ConnectError('only one of tail_events, tail_id and tail_seconds may be set', Code.InvalidArgument)
    const since = Date.now() - tailSeconds * 1000
    if (tailEvents < 0) return history.map(({ event }) => event)
    if (tailEvents > 0) return history.slice(-tailEvents).map(({ event }) => event)
    if (tailId !== '') return history.filter(({ event }) => event.id > tailId).map(({ event }) => event)
    if (tailSeconds > 0) return history.filter(({ at }) => at >= since).map(({ event }) => event)
    return []
  }

  return {
    publish(schema, init, actor = '') {
      append(`talos/runtime/${schema.typeName}`, toBinary(schema, create(schema, init)), actor)
    },
    publishService(id, state, message) {
      const init = { service: id, action: serviceActions[state], message }
      append('talos/runtime/machine.ServiceStateEvent', toBinary(Service, create(Service, init)), '')
    },
    clear() {
      history = []
    },
    async *follow(request, signal) {
      const wanted = (event: Event) => request.withActorId === '' || event.actorId === request.withActorId
      const queue = past(request).filter(wanted)
      let wake = () => {}
      const follower = (event: Event) => {
        if (wanted(event)) queue.push(event)
        wake()
      }
      const onAbort = () => wake()
      followers.add(follower)
      signal.addEventListener('abort', onAbort)
      try {
        // The hello tells the client that from now on it misses nothing.
        yield create(EventSchema, { id: nextId(), actorId: request.withActorId, data: create(AnySchema) })
        while (!signal.aborted) {
          const next = queue.shift()
          if (next) yield next
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        followers.delete(follower)
        signal.removeEventListener('abort', onAbort)
      }
    },
  }
}
