import type { Alerts } from '../../core/alert.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Delivery } from '../../core/notify/delivery.ts'
import type { Message } from '../../core/notify/message.ts'
import { backoff, nextStep } from '../../core/notify/outbox.ts'
import type { Voice } from '../../core/notify/compose.ts'
import { createBell } from './bell.ts'
import type { Channel, OutgoingMessage, Sent } from './channel.ts'
import type { Outbox } from './outbox.ts'
import { RetryAfter } from './outgoing.ts'

/** In ms: one message, with all that a channel asks for it. */
const sendWithin = 30_000
/** In ms: how long a channel may fail before people hear of it elsewhere. */
const failsFor = 600_000
/** In ms: between two tries of a channel whose credentials are refused: its files are read anew each time. */
const refusedEvery = 300_000

/** In ms: between two tries to open a channel that only listens or is a heartbeat. */
const opensEvery = 30_000

export interface SenderOptions {
  /** The channel's name in the configuration. */
  readonly name: string
  /** Opens it, with its secrets as they are now. */
  readonly open: () => Promise<Channel>
  readonly outbox: Outbox
  readonly voice: () => Voice
  /** In ms. */
  readonly expireAfter: number
  /** The message with what its buttons need on this channel. */
  readonly outgoing: (message: Message) => OutgoingMessage
  readonly alerts: Pick<Alerts, 'report'>
  readonly log: Logger
  readonly now: () => Date
  /** In ms. Waits go by it: the wall clock may be set. */
  readonly monotonic: () => number
  /** Of 0 to 1, anew at each call. */
  readonly spread?: () => number
}

export interface Sender {
  /** There may be something to send. `urgent`: now, even if the last attempt failed. */
  wake(urgent?: boolean): void
  /** Sends what waits until the signal aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  /** Sends this at once, past whatever waits. @throws AgentError as the channel says */
  send(message: Message, signal: AbortSignal): Promise<Sent>
  /** Why nothing gets through, as far as it is known. */
  readonly trouble: string | undefined
  /** The channel, once it could be opened. Rejects with its signal. */
  opened(signal: AbortSignal): Promise<Channel>
}

/** Sends the messages of one channel, one after another, and each of them until the channel has taken or refused it. */
export function createSender(options: SenderOptions): Sender {
  const { name, outbox, voice, expireAfter, outgoing, alerts, log, now, monotonic, spread = Math.random } = options
  const bell = createBell()
  let channel: Channel | undefined
  let failures = 0
  let failingSince: Date | undefined
  let trouble: string | undefined
  /** Monotonic, in ms: when it is tried again, and before when the channel itself asks not to be called. */
  let retryAt = 0
  let notBefore = 0
  let isGone = false

  async function open(): Promise<Channel> {
    channel ??= await options.open()
    return channel
  }

  async function attempt(message: Message, ref: string | undefined, signal: AbortSignal): Promise<Sent | undefined> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(sendWithin)])
    const to = await open()
    const isReplacing = message.kind === 'update' || message.kind === 'settled'
    if (isReplacing && to.update && ref !== undefined) return to.update(ref, outgoing(message), limited)
    // Nobody needs to hear twice of what they still see.
    return message.kind === 'update' ? undefined : to.send(outgoing(message), limited)
  }

  async function send(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { message } = delivery
    const endedAt = () => now().toISOString()
    try {
      const sent = await attempt(message, outbox.told(name).get(message.thread)?.ref, signal)
      const state = sent ? ('sent' as const) : ('superseded' as const)
      const { why: _, ...rest } = delivery
      outbox.keep({ ...rest, state, attempts: delivery.attempts + 1, endedAt: endedAt(), ...sent })
      succeed()
    } catch (error) {
      if (signal.aborted) return
      const why = messageOf(error)
      const tried = { ...delivery, attempts: delivery.attempts + 1, why }
      log.warn({ channel: name, message: message.id, reason: why }, 'a message was not sent')
      const code = error instanceof AgentError ? error.code : 'internal'
      if (code === 'not-found') isGone = true
      const isFinal = code === 'not-found' || code === 'rejected' || code === 'malformed' || code === 'internal'
      if (isFinal) outbox.keep({ ...tried, state: 'refused', endedAt: endedAt() })
      else outbox.keep(tried)
      fail(error, why, isFinal)
    }
  }

  function succeed(): void {
    failures = 0
    failingSince = undefined
    trouble = undefined
    alerts.report(`channel.failing:${name}`, undefined)
  }

  function fail(error: unknown, why: string, isFinal: boolean): void {
    failures += 1
    failingSince ??= now()
    trouble = why
    const isRefused = error instanceof AgentError && error.code === 'misconfigured'
    // Secrets are read anew: somebody may have replaced them.
    if (isRefused) channel = undefined
    const after = error instanceof RetryAfter ? error.after : 0
    const pause = isFinal ? 0 : isRefused ? refusedEvery : Math.max(after, backoff(failures, spread()))
    notBefore = monotonic() + after
    retryAt = monotonic() + pause
    if (isFinal || isRefused || now().getTime() - failingSince.getTime() >= failsFor) tell(why)
  }

  function tell(why: string): void {
    alerts.report(`channel.failing:${name}`, {
      severity: 'warning',
      subject: name,
      text: `messages do not get through by ${name}: ${why}`,
      action: isGone
        ? `Fix the channel in the configuration: it is not called again until then`
        : `Try it with \`caretaker notify test ${name}\``,
    })
  }

  async function step(signal: AbortSignal): Promise<void> {
    const next = nextStep(outbox.waiting(name), { expireAfter, voice: voice(), now: now() })
    if (next.do === 'drop') {
      for (const delivery of next.deliveries) outbox.keep(delivery)
      if (next.summary) outbox.add(name, next.summary)
    } else if (next.do === 'wait') {
      await bell.wait(next.until === undefined ? undefined : next.until - now().getTime(), signal)
    } else if (isGone) {
      outbox.keep({
        ...next.delivery,
        state: 'refused',
        why: trouble ?? 'the channel is gone',
        endedAt: now().toISOString(),
      })
    } else if (retryAt > monotonic()) {
      await bell.wait(retryAt - monotonic(), signal)
    } else {
      await send(next.delivery, signal)
    }
  }

  return {
    wake: (urgent = false) => {
      if (urgent) retryAt = Math.min(retryAt, notBefore)
      bell.ring()
    },
    run: async (signal) => {
      while (!signal.aborted) await step(signal)
    },
    send: async (message, signal) => {
      const sent = (await attempt(message, undefined, signal)) ?? {}
      isGone = false
      succeed()
      return sent
    },
    get trouble() {
      return trouble
    },
    opened: async (signal) => {
      while (true) {
        signal.throwIfAborted()
        try {
          return await open()
        } catch (error) {
          trouble = messageOf(error)
          tell(trouble)
          await createBell().wait(opensEvery, signal)
        }
      }
    },
  }
}
