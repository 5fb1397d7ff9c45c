import { once } from 'node:events'
import * as net from 'node:net'
import { create } from '@bufbuild/protobuf'
import { createClient } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { EventSinkService } from '../../../src/adapters/talos/gen/events_pb.ts'
import { type Event, EventsRequestSchema } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { iterable } from '../../../src/adapters/talos/whole.ts'
import { type MachineConfig, ofKind } from '../../../src/core/machine-config/document.ts'
import type { Machine } from '../talos/machine.ts'
import type { MachineConsole } from './console.ts'

export interface SinkParts {
  readonly console: MachineConsole
  readonly machine: Machine
  /** The machine's own address. */
  readonly from: string
  readonly resolve: (host: string) => string | undefined
  readonly signal: AbortSignal
}

/** What a configuration tells a machine to send elsewhere: its kernel's log, and its events. Both are tried until the signal aborts. */
export function sendElsewhere(config: MachineConfig, parts: SinkParts): void {
  const log = ofKind(config, 'KmsgLogConfig')?.['url']
  const events = ofKind(config, 'EventSinkConfig')?.['endpoint']
  if (typeof log === 'string') void again(parts.signal, () => sendLog(new URL(log), parts))
  if (typeof events === 'string') void again(parts.signal, () => sendEvents(events, parts))
}

/** Both begin anew after a while where they were cut off. */
async function again(signal: AbortSignal, send: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await send().catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/**
 * The whole log since the boot, and then what comes, one JSON object a line (siderolabs/talos
 * controllers/runtime/kmsg_log.go, logging/sender_jsonlines.go).
 */
async function sendLog({ hostname, port }: URL, { console, from, resolve, signal }: SinkParts): Promise<void> {
  const host = net.isIP(hostname) === 0 ? resolve(hostname) : hostname
  if (host === undefined) return
  const socket = net.connect({ host, port: Number(port), localAddress: from })
  const close = () => socket.destroy()
  signal.addEventListener('abort', close, { once: true })
  try {
    await once(socket, 'connect', { signal })
    let seq = 0
    const write = (msg: string) => {
      const fields = { clock: seq * 1_000, facility: 'user', msg: `${msg}\n`, priority: 'warning', seq: seq++ }
      socket.write(`${JSON.stringify({ ...fields, 'talos-level': 'warn', 'talos-time': new Date().toISOString() })}\n`)
    }
    for (const line of console.lines) write(line)
    const stop = console.onLine(write)
    await once(socket, 'close').finally(stop)
  } finally {
    signal.removeEventListener('abort', close)
    socket.destroy()
  }
}

/** Each event since the boot by a call of its own, over plain HTTP/2 (siderolabs/talos controllers/runtime/events_sink.go). */
async function sendEvents(endpoint: string, { machine, resolve, signal }: SinkParts): Promise<void> {
  const [, host = '', port] = /^(.*):(\d+)$/.exec(endpoint) ?? []
  const address = net.isIP(host) === 0 ? resolve(host) : host
  if (address === undefined) return
  const baseUrl = `http://${address}:${port}`
  const session = new Http2SessionManager(baseUrl)
  const sink = createClient(
    EventSinkService,
    createGrpcTransport({
      baseUrl,
      sessionManager: {
        authority: session.authority,
        request: async (...request) => iterable(await session.request(...request)),
        notifyResponseByteRead: (stream) => session.notifyResponseByteRead(stream),
      },
    }),
  )
  try {
    const everything = create(EventsRequestSchema, { tailEvents: -1 })
    for await (const { data, id, actorId } of machine.log.follow(everything, signal) as AsyncIterable<Event>)
      if (data) await sink.publish({ data, id, actorId }, { signal })
  } finally {
    session.abort()
  }
}
