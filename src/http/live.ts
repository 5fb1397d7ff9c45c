import { AgentError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Change, Operator } from '../core/operator.ts'
import type { LiveEvents } from './schemas/live.ts'

/** In ms: a page that hears nothing for twice as long says so, and whoever may no longer hear is found out by then. */
const beatsUsually = 4_000
/** In bytes: what a client may have waiting. One that lets more come together does not read. */
const mostWaiting = 1_048_576
/** In ms: when a client that was cut off asks again. */
const retryAfter = 2_000

export interface LiveOptions {
  /** So many clients at once. */
  readonly most: number
  readonly log: Logger
  /** Between two comments, in ms. */
  readonly beatsEvery?: number
}

/** Tells every client what changes, by server-sent events: each is written once, whoever reads it. */
export interface Live {
  /** The stream of one client, until it goes or does not read. @throws AgentError `not-now` where there are too many */
  open(connection: Connection): Response
}

/** What a client is connected by. */
export interface Connection {
  /** Aborts when the client goes. */
  readonly signal: AbortSignal
  /** Rejects once it may no longer hear. */
  check(): Promise<void>
  /** Hangs up at once: what waits to be read is not sent any more. */
  cut?(): void
}

interface Client {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly connection: Connection
  /** It has not been told the state yet. */
  isNew: boolean
  /** Nobody reads its stream any more. */
  isGone: boolean
}

export function createLive(operator: Operator, { most, log, beatsEvery = beatsUsually }: LiveOptions): Live {
  const clients = new Set<Client>()
  const epoch = Date.now().toString(36)
  let count = 0
  let watching: Disposable | undefined
  let beating: NodeJS.Timeout | undefined
  /** While the state is read: what changes meanwhile may not be in it. */
  let reading: { readonly missed: Uint8Array[] } | undefined

  function eventOf<E extends keyof LiveEvents>(event: E, data: LiveEvents[E]): Uint8Array {
    count += 1
    return encode(`id: ${epoch}-${count}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  function send(client: Client, bytes: Uint8Array): void {
    // Nobody waits for one that does not read, and its memory is ours.
    if (-(client.controller.desiredSize ?? 0) > mostWaiting) return drop(client, true)
    client.controller.enqueue(bytes)
  }

  function drop(client: Client, isSlow = false): void {
    if (!clients.delete(client)) return
    if (!client.isGone) client.controller.close()
    if (isSlow) client.connection.cut?.()
    if (clients.size > 0) return
    watching?.[Symbol.dispose]()
    watching = undefined
    clearInterval(beating)
  }

  function hear(change: Change): void {
    const bytes = changeOf(change)
    reading?.missed.push(bytes)
    for (const client of clients) if (!client.isNew) send(client, bytes)
  }

  function changeOf(change: Change): Uint8Array {
    switch (change.type) {
      case 'alert':
        return eventOf('alert', { change: change.change, alert: change.alert })
      case 'power':
        return eventOf('power', change.power)
      case 'journal':
        return eventOf('journal', change.entry)
      case 'boot':
        return eventOf('boot', change.boot)
      case 'status':
        return eventOf('status', change.status)
      default:
        return change satisfies never
    }
  }

  /** Tells the state to all who are new; who comes meanwhile is told the same, and what has changed since. */
  async function tellState(): Promise<void> {
    if (reading) return
    const own = { missed: [] as Uint8Array[] }
    reading = own
    try {
      const status = await operator.status(AbortSignal.timeout(60_000))
      const state = eventOf('state', { version: status.version, status, alerts: operator.alerts() })
      for (const client of clients) if (client.isNew) tell(client, [state, ...own.missed])
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the state could not be read for who follows it')
      for (const client of clients) if (client.isNew) drop(client)
    } finally {
      reading = undefined
    }
  }

  function tell(client: Client, all: readonly Uint8Array[]): void {
    client.isNew = false
    for (const bytes of all) send(client, bytes)
  }

  function beat(): void {
    for (const client of clients) {
      send(client, comment)
      client.connection.check().catch(() => drop(client))
    }
  }

  function add(client: Client): void {
    clients.add(client)
    if (!watching) {
      watching = operator.subscribe(hear)
      beating = setInterval(beat, beatsEvery).unref()
    }
    // At once: proxies wait for the first bytes.
    send(client, hello)
    void tellState()
  }

  return {
    open: (connection) => {
      if (clients.size >= most) throw new AgentError('not-now', `${most} clients follow already: try again later`)
      let client: Client | undefined
      const stream = new ReadableStream<Uint8Array>(
        {
          start: (controller) => add((client = { controller, connection, isNew: true, isGone: false })),
          cancel: () => {
            if (!client) return
            client.isGone = true
            drop(client)
          },
        },
        { highWaterMark: 0, size: (bytes) => bytes.byteLength },
      )
      connection.signal.addEventListener('abort', () => client && drop(client), { once: true })
      return new Response(stream, { headers })
    },
  }
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx would gather the events before it passes them on.
  'x-accel-buffering': 'no',
}

const encoder = new TextEncoder()
const encode = (text: string) => encoder.encode(text)
const comment = encode(':\n\n')
const hello = encode(`retry: ${retryAfter}\n:\n\n`)
