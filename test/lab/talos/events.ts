import { randomBytes } from 'node:crypto'
import { create, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import {
  EventSchema,
  ServiceStateEventSchema as Service,
  type Event,
  type EventsRequest,
} from '../../../src/adapters/talos/gen/machine_pb.ts'

/**
 * A node's events since it booted, and whoever follows them (siderolabs/talos
 * internal/app/machined/pkg/runtime/events.go).
 */
export interface EventLog {
  /** An event of this message. Only sequences, phases and tasks belong to an actor. */
  publish<D extends DescMessage>(schema: D, init: MessageInitShape<D>, actor?: string): void
  /** A service changed its state. */
  publishService(id: string, state: ServiceState, message: string): void
  /** What became of a service since the boot, oldest first. */
  serviceEvents(id: string): readonly ServiceRecord[]
  /** The same of all services, as the node's console tells it. */
  lines(): readonly { readonly at: number; readonly message: string }[]
  /** A boot begins: nothing of before is remembered. */
  clear(): void
  /** A hello, the history that was asked for, and what happens until the signal aborts. */
  follow(request: EventsRequest, signal: AbortSignal): AsyncGenerator<Event>
}

/** A service's new state; `at` in ms since the epoch. */
export interface ServiceRecord {
  readonly id: string
  readonly at: number
  readonly state: ServiceState
  readonly message: string
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
  let services: ServiceRecord[] = []
  let count = 0
  const random = randomBytes(5)

  /**
   * Ids are xids: 96 bits in 20 digits of base 32, of which the first 32 are the second, so that those of a later boot
   * sort after those of an earlier one. talosctl 1.14 goes by that when it comes back after a reboot.
   */
  function nextId(): string {
    const bytes = Buffer.alloc(12)
    bytes.writeUInt32BE(Math.floor(Date.now() / 1000), 0)
    random.copy(bytes, 4)
    bytes.writeUIntBE(count++ % 2 ** 24, 9, 3)
    const bits = BigInt(`0x${bytes.toString('hex')}`) << 4n
    return bits.toString(32).padStart(20, '0')
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
    if (tailId !== '' && !/^[0-9a-v]{19}[0g]$/.test(tailId))
      throw new ConnectError('error parsing tail_id: xid: invalid ID', Code.Unknown)
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
      services.push({ id, at: Date.now(), state, message })
      append('talos/runtime/machine.ServiceStateEvent', toBinary(Service, create(Service, init)), '')
    },
    serviceEvents: (id) => services.filter((record) => record.id === id),
    lines: () =>
      services.map(({ id, at, state, message }) => ({ at, message: `service[${id}](${state}): ${message}` })),
    clear() {
      history = []
      services = []
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
