import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { AgentError, messageOf } from '../../core/errors.ts'

export interface BrokerOptions {
  readonly url: string
  readonly clientId: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** PEM; undefined: the public authorities. */
  readonly ca: string | undefined
  /** 5, or 4 for MQTT 3.1.1. */
  readonly protocol: 4 | 5
  /** What the broker says on our behalf when we are gone without a word, retained. */
  readonly will: { readonly topic: string; readonly payload: string }
  /** In ms. */
  readonly limits: BrokerLimits
}

/** In ms. */
export interface BrokerLimits {
  readonly connectWithin: number
  /** A broker that is silent for one and a half of it is gone. */
  readonly keepAlive: number
  /** How long farewells may take. */
  readonly endWithin: number
}

export interface Message {
  readonly topic: string
  readonly payload: string
  /** It was there before we came. */
  readonly isRetained: boolean
}

/** In bytes: what we announce of a large homelab is shorter, and nothing else is worth the memory. */
const largestPacket = 1_048_576

/** One connection to a broker, from its welcome on. */
export interface Broker {
  /** Resolves when the connection is over, with why. */
  readonly closed: Promise<string>
  subscribe(topics: readonly string[]): Promise<void>
  unsubscribe(topics: readonly string[]): Promise<void>
  /** Hands it to the connection; what does not arrive is sent anew by whoever connects next. */
  publish(topic: string, payload: string, retain: boolean): void
  onMessage(listener: (message: Message) => void): void
  /** Ends it in good order where that can be had soon: then the will is not spoken. */
  end(last?: { readonly topic: string; readonly payload: string }): Promise<void>
}

/** The broker speaks no MQTT 5. */
export class OldProtocol extends Error {}

/** Codes of a CONNACK that say so: in MQTT 3.1.1's words, and in those of MQTT 5 (3.2.2.2). */
const unsupportedVersion: ReadonlySet<unknown> = new Set([1, 132])
/** Codes of a CONNACK that do not pass by waiting: wrong password, not allowed, banned, a bad name. */
const refusals: ReadonlySet<unknown> = new Set([2, 4, 5, 133, 134, 135, 138, 140])

/**
 * Connects, once. What becomes of it later is for whoever asked.
 *
 * @throws OldProtocol; AgentError `misconfigured` where the broker refuses us, `unreachable` else
 */
export async function openBroker(options: BrokerOptions, signal: AbortSignal): Promise<Broker> {
  const { limits, url } = options
  const client = connect(url, optionsOf(options))
  let last: unknown
  client.on('error', (error) => (last = error))
  limitPackets(client, (error) => (last = error))
  const abandon = () => client.end(true)
  signal.addEventListener('abort', abandon, { once: true })
  try {
    signal.throwIfAborted()
    const answer = await Promise.race([whenever(client, 'connect'), whenever(client, 'close')])
    signal.throwIfAborted()
    if (answer === 'close') throw refusal(last, options)
  } catch (error) {
    client.end(true)
    throw error
  } finally {
    signal.removeEventListener('abort', abandon)
  }
  return brokerOf(client, () => (last === undefined ? 'the connection was closed' : messageOf(last)), limits)
}

/**
 * Hangs up on a packet that is too large before it is all in memory: what MQTT 5 says of the largest one a broker may ignore,
 * MQTT 3.1.1 allows 256 MB, and the package collects whatever comes.
 */
function limitPackets(client: MqttClient, onTooLarge: (error: Error) => void): void {
  let since = 0
  client.on('packetreceive', () => (since = 0))
  client.stream.on('data', (chunk: Buffer) => {
    since += chunk.length
    if (since <= 2 * largestPacket) return
    onTooLarge(new Error(`the broker sends a packet of more than ${largestPacket / 1_048_576} MiB`))
    client.stream.destroy()
  })
}

function whenever(client: MqttClient, event: 'connect' | 'close'): Promise<typeof event> {
  return new Promise((resolve) => void client.once(event, () => resolve(event)))
}

function optionsOf({ clientId, user, password, ca, protocol, will, limits }: BrokerOptions): IClientOptions {
  return {
    protocolVersion: protocol,
    clientId,
    clean: true,
    // Whoever opened it opens the next one, with secrets as they are then.
    reconnectPeriod: 0,
    connectTimeout: limits.connectWithin,
    keepalive: Math.max(1, Math.round(limits.keepAlive / 1_000)),
    // MQTT 3.1.1 knows no such limit.
    ...(protocol === 5 ? { properties: { maximumPacketSize: largestPacket } } : {}),
    will: { ...will, payload: Buffer.from(will.payload), retain: true, qos: 1 },
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
  }
}

function refusal(error: unknown, { url, protocol }: BrokerOptions): Error {
  const code: unknown = (error as { readonly code?: unknown } | undefined)?.code
  // Some just hang up on what they do not understand.
  if (protocol === 5 && (error === undefined || unsupportedVersion.has(code)))
    return new OldProtocol('the broker speaks no MQTT 5')
  const why = error === undefined ? 'the connection was closed before an answer' : messageOf(error)
  const isRefused = refusals.has(code) || String(code).startsWith('ERR_TLS') || /certificate/i.test(why)
  return new AgentError(isRefused ? 'misconfigured' : 'unreachable', `${url}: ${why}`, error)
}

function brokerOf(client: MqttClient, why: () => string, { endWithin }: BrokerLimits): Broker {
  const listeners = new Set<(message: Message) => void>()
  client.on('message', (topic, payload, { retain }) => {
    for (const listener of listeners) listener({ topic, payload: payload.toString('utf8'), isRetained: retain })
  })
  const closed = whenever(client, 'close').then(why)
  /** What is under way when the connection ends is answered by nobody. */
  const unlessClosed = async (work: Promise<unknown>) => {
    const over = closed.then((reason) => {
      throw new AgentError('unreachable', reason)
    })
    await Promise.race([work, over])
  }
  return {
    closed,
    subscribe: (topics) => unlessClosed(client.subscribeAsync([...topics], { qos: 1 })),
    unsubscribe: (topics) => unlessClosed(client.unsubscribeAsync([...topics])),
    publish: (topic, payload, retain) => void client.publish(topic, payload, { qos: 1, retain }, () => {}),
    onMessage: (listener) => void listeners.add(listener),
    end: async (last) => {
      const farewell = async () => {
        if (last) await client.publishAsync(last.topic, last.payload, { qos: 1, retain: true })
        await client.endAsync()
      }
      await Promise.race([farewell().catch(() => {}), sleep(endWithin, undefined, { ref: false })])
      client.end(true)
    },
  }
}
