import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '../../core/count.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { availabilityTopic } from '../../core/home-assistant/device.ts'
import type { Facts } from '../../core/known-facts.ts'
import { createNews } from '../../core/news.ts'
import type { RunningService } from '../../core/service.ts'
import { gatherFacts } from '../../operations/known-facts.ts'
import type { ServiceContext } from '../../operations/service.ts'
import { type Broker, type BrokerLimits, OldProtocol, openBroker } from './broker.ts'
import { createPresses, type Presses } from './presses.ts'
import type { HomeAssistantSection } from './section.ts'
import { beginSession, type SessionLimits } from './session.ts'

type Context = ServiceContext<HomeAssistantSection>

/** In ms. */
export interface HomeAssistantLimits extends BrokerLimits, SessionLimits {
  /** Between two looks at what is known, and while something is wrong with the power. */
  readonly looksEvery: number
  readonly looksOftenEvery: number
  /** Between two tries to connect, at first and at most. */
  readonly retriesAfter: number
  readonly retriesAtMost: number
  /** How long a broker may be away before people hear of it. */
  readonly failsFor: number
}

const usual: HomeAssistantLimits = {
  connectWithin: 10_000,
  keepAlive: 20_000,
  endWithin: 1_000,
  retainedWithin: 500,
  birthSpread: 3_000,
  looksEvery: 5_000,
  looksOftenEvery: 1_000,
  retriesAfter: 1_000,
  retriesAtMost: 60_000,
  failsFor: 600_000,
}

const failing = 'home-assistant.failing'

/** Shows the homelab in Home Assistant, and does what is pressed there, until it is disposed of. Never ends by itself. */
export async function startHomeAssistant(
  context: Context,
  given: Partial<HomeAssistantLimits> = {},
): Promise<RunningService> {
  const limits = { ...usual, ...given }
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const presses = createPresses(context)
  let said = 'connecting'
  const work = keepConnected({ context, limits, presses, say: (text) => (said = text) }, signal)
  return {
    status: () => `${context.section.url}: ${said}`,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await work
    },
  }
}

interface Means {
  readonly context: Context
  readonly limits: HomeAssistantLimits
  readonly presses: Presses
  readonly say: (text: string) => void
}

/** Connects, and again when the connection is over, with secrets as they are then. Never rejects. */
async function keepConnected({ context, limits, presses, say }: Means, signal: AbortSignal): Promise<void> {
  const { alerts, log, monotonic, section } = context
  const clientId = `caretaker-${randomBytes(6).toString('hex')}`
  const news = createNews()
  let protocol: 4 | 5 = 5
  let failures = 0
  let failingSince: number | undefined

  function failed(error: unknown): void {
    failures += 1
    failingSince ??= monotonic()
    const why = messageOf(error)
    say(why)
    if (news.isNew(why)) log.warn({ broker: section.url, reason: why }, 'Home Assistant gets no updates')
    const isLasting = monotonic() - failingSince >= limits.failsFor
    const isRefused = error instanceof AgentError && !error.retryable
    if (!isLasting && !isRefused) return
    alerts.open(failing, {
      severity: 'warning',
      subject: 'home-assistant',
      text: `Home Assistant gets no updates: ${why}`,
      action: 'Look at the section `homeAssistant` of the configuration, and at the broker',
    })
  }

  while (!signal.aborted) {
    try {
      const broker = await connectTo({ context, limits, clientId, protocol }, signal)
      const why = await serve(
        { context, limits, presses, broker, protocol, say },
        () => {
          failures = 0
          failingSince = undefined
          news.isNew(undefined)
          alerts.settle(failing)
        },
        signal,
      )
      if (!signal.aborted) failed(new AgentError('unreachable', `${section.url}: ${why}`))
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof OldProtocol) {
        protocol = 4
        continue
      }
      protocol = 5
      if (!(error instanceof AgentError)) log.error({ err: error }, 'Home Assistant could not be updated')
      failed(error)
    }
    const wait = Math.min(limits.retriesAtMost, limits.retriesAfter * 2 ** Math.max(0, failures - 1))
    await sleep(wait * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {})
  }
}

async function connectTo(
  {
    context,
    limits,
    clientId,
    protocol,
  }: Pick<Means, 'context' | 'limits'> & { readonly clientId: string; readonly protocol: 4 | 5 },
  signal: AbortSignal,
): Promise<Broker> {
  const { section, files } = context
  const { url, user, ca, password, topicPrefix } = section
  return openBroker(
    {
      url,
      clientId,
      user,
      password: password && (await files.readSecret(password, 'homeAssistant.password')),
      ca: ca === undefined ? undefined : await files.readSecret({ file: ca }, 'homeAssistant.ca'),
      protocol,
      will: { topic: availabilityTopic(topicPrefix), payload: 'offline' },
      limits,
    },
    signal,
  )
}

/** Tells of everything until the connection is over; returns why it is. */
async function serve(
  { context, limits, presses, broker, protocol, say }: Means & { readonly broker: Broker; readonly protocol: 4 | 5 },
  connected: () => void,
  signal: AbortSignal,
): Promise<string> {
  const { section, config, publicUrl } = context
  const over = new AbortController()
  const closed = broker.closed.finally(() => over.abort())
  const either = AbortSignal.any([signal, over.signal])
  let facts: Facts | undefined
  const look = async () => {
    facts = await gatherFacts(context)
    const { buttons, topicPrefix } = section
    const presented = {
      topicPrefix,
      homelab: config().cluster.name,
      version: facts.known.version,
      url: publicUrl(),
      buttons,
    }
    return { facts, settings: { ...presented, answer: presses.answer } }
  }
  try {
    const { discoveryPrefix } = section
    const session = await beginSession(
      { broker, discoveryPrefix, limits, look, command: presses.press, spread: Math.random },
      either,
    )
    connected()
    using bell = createPokes(context, presses)
    while (!either.aborted) {
      const count = await session.update()
      say(`${counted(count, 'entity', 'entities')}, MQTT ${protocol === 5 ? '5' : '3.1.1'}`)
      await bell.wait(isCalm(facts) ? limits.looksEvery : limits.looksOftenEvery, either)
    }
  } finally {
    await broker.end(signal.aborted ? { topic: availabilityTopic(section.topicPrefix), payload: 'offline' } : undefined)
  }
  return closed
}

function isCalm(facts: Facts | undefined): boolean {
  if (!facts) return true
  const { power, outage } = facts
  return power.upses.every(({ state: { mode } }) => mode === 'on-mains') && (!outage || outage.stage === 'over')
}

interface Pokes extends Disposable {
  /** Until something has happened, or so many ms have passed. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** What is worth a look at once: alerts, and what a press came to. */
function createPokes({ alerts }: Context, presses: Presses): Pokes {
  let poke = Promise.withResolvers<void>()
  const ring = () => poke.resolve()
  const subscription = alerts.subscribe(ring)
  presses.onAnswer(ring)
  return {
    wait: async (ms, signal) => {
      const stop = new AbortController()
      const timer = sleep(ms, undefined, { signal: AbortSignal.any([signal, stop.signal]), ref: false }).catch(() => {})
      await Promise.race([timer, poke.promise])
      stop.abort()
      poke = Promise.withResolvers()
    },
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  }
}
