import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, commandIn } from '../../core/home-assistant/command.ts'
import {
  announcementOf,
  availabilityTopic,
  componentsIn,
  discoveryTopic,
  entitiesOf,
  statesOf,
} from '../../core/home-assistant/device.ts'
import type { Settings } from '../../core/home-assistant/entity.ts'
import type { Facts } from '../../core/known-facts.ts'
import type { Broker, Message } from './broker.ts'

export interface SessionOptions {
  readonly broker: Broker
  readonly discoveryPrefix: string
  /** In ms. */
  readonly limits: SessionLimits
  /** What is known, and how we present ourselves. */
  readonly look: () => Promise<{ readonly facts: Facts; readonly settings: Settings }>
  readonly command: (command: Command) => void
  /** Of 0 to 1, anew at each call. */
  readonly spread: () => number
}

/** In ms. */
export interface SessionLimits {
  /** How long what a broker has retained takes to arrive once it was subscribed to. */
  readonly retainedWithin: number
  /** Home Assistant says that it has started: so long at most until it is told everything, so that not all devices speak at once. */
  readonly birthSpread: number
}

/** What is told over one connection. */
export interface Session {
  /** Tells what has changed. Returns how many entities there are. */
  update(): Promise<number>
}

/** Home Assistant's own default, which stays where only the discovery prefix was changed. */
const usualBirth = 'homeassistant/status'

/** Announces the device, removes what of it is no more, and says that we are here. */
export async function beginSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const { broker, discoveryPrefix, limits, look, command, spread } = options
  const { settings: first } = await look()
  const { topicPrefix } = first
  const configTopic = discoveryTopic(discoveryPrefix, topicPrefix)
  const births = new Set([`${discoveryPrefix}/status`, usualBirth])
  // Those that may be gone; whatever else stands below our prefix may be of others.
  const stated = ['answer', 'ups/+', 'node/+'].map((below) => `${topicPrefix}/${below}`)
  const retained = await collectRetained(broker, [configTopic, ...stated], limits)
  let announced = retained.get(configTopic) ?? ''
  /** By topic, what was told. */
  const told = new Map([...retained].filter(([topic]) => topic !== configTopic).map(([topic]) => [topic, '']))
  let isRepeating = false

  function announce(text: string, gone: string): void {
    // First with what is gone, by its platform alone; then without it, so that nobody hears of it any more.
    if (gone !== text) broker.publish(configTopic, gone, true)
    broker.publish(configTopic, text, true)
    announced = text
  }

  async function update(): Promise<number> {
    const { facts, settings } = await look()
    const entities = entitiesOf(facts, settings)
    const text = announcementOf(entities, settings)
    const ids = new Set(entities.map(({ id }) => id))
    const gone = new Map([...componentsIn(announced)].filter(([id]) => !ids.has(id)))
    if (text !== announced) announce(text, gone.size === 0 ? text : announcementOf(entities, settings, gone))
    const states = statesOf(entities)
    for (const [below, state] of states) {
      const topic = `${topicPrefix}/${below}`
      if (told.get(topic) === state) continue
      broker.publish(topic, state, true)
      told.set(topic, state)
    }
    for (const topic of [...told.keys()].filter((one) => !states.has(one.slice(topicPrefix.length + 1)))) {
      // Nothing in place of what was retained.
      broker.publish(topic, '', true)
      told.delete(topic)
    }
    return entities.length
  }

  /** Home Assistant has just started, and knows nothing. */
  async function repeat(): Promise<void> {
    if (isRepeating) return
    isRepeating = true
    await sleep(spread() * limits.birthSpread, undefined, { signal, ref: false }).catch(() => {})
    isRepeating = false
    if (signal.aborted) return
    broker.publish(configTopic, announced, true)
    broker.publish(availabilityTopic(topicPrefix), 'online', true)
    for (const [topic, state] of told) broker.publish(topic, state, true)
  }

  broker.onMessage((message) => {
    const wanted = commandIn(message, topicPrefix)
    if (wanted !== undefined) command(wanted)
    else if (births.has(message.topic) && message.payload === 'online' && !message.isRetained) void repeat()
  })
  await broker.subscribe([...births, ...(first.buttons ? [`${topicPrefix}/command/+`] : [])])
  await update()
  broker.publish(availabilityTopic(topicPrefix), 'online', true)
  return { update }
}

/** What the broker has kept below these topics. */
async function collectRetained(
  broker: Broker,
  topics: readonly string[],
  { retainedWithin }: SessionLimits,
): Promise<ReadonlyMap<string, string>> {
  const kept = new Map<string, string>()
  let isOver = false
  broker.onMessage(({ topic, payload, isRetained }: Message) => {
    if (!isOver && isRetained && payload !== '' && topics.some((one) => isAt(topic, one))) kept.set(topic, payload)
  })
  await broker.subscribe(topics)
  await sleep(retainedWithin, undefined, { ref: false })
  isOver = true
  // In MQTT 3.1.1 we would hear ourselves.
  await broker.unsubscribe(topics)
  return kept
}

function isAt(topic: string, filter: string): boolean {
  if (!filter.endsWith('/+')) return topic === filter
  return topic.startsWith(filter.slice(0, -1)) && !topic.slice(filter.length - 1).includes('/')
}
