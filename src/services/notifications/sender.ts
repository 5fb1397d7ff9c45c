import type { Alerts } from '../../core/alert.ts'
import { inSeconds } from '../../core/duration.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Delivery, DeliveryState } from '../../core/notify/delivery.ts'
import type { Message } from '../../core/notify/message.ts'
import { backoff, nextStep } from '../../core/notify/outbox.ts'
import type { Voice } from '../../core/notify/compose.ts'
import { createBell } from './bell.ts'
import type { Channel, OutgoingMessage, Sent } from './channel.ts'
import { createHealth } from './health.ts'
import type { Outbox } from './outbox.ts'

/** In ms: one message, with all that a channel asks for it. */
const usuallyWithin = 30_000
/** In ms: how long the end of quiet hours is waited for before the clock, which may be set, is looked at again. */
const looksAgainAfter = 60_000
/** In ms: between two tries to open a channel that only listens or is a heartbeat. */
const opensEvery = 30_000

/** Why an update is left out where the channel would show it as one more message. */
const shownAlready = "the channel can't change what it shows"

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
  /** Told what became of each attempt. */
  readonly tried?: (outcome: 'sent' | 'failed' | 'refused') => void
  readonly now: () => Date
  /** In ms. Waits go by it: the wall clock may be set. */
  readonly monotonic: () => number
  /** Of 0 to 1, anew at each call. */
  readonly spread?: () => number
  /** In ms: how long one message may take. */
  readonly sendWithin?: number
}

export interface Sender {
  /** There may be something to send. `urgent`: now, even if the last attempt failed. */
  wake(urgent?: boolean): void
  /** What it is opened with has changed: it is opened anew and tried at once, whatever it said before. */
  renew(): void
  /** Sends what waits until the signal aborts. Never rejects: a fault of ours is an alert, and it goes on. */
  run(signal: AbortSignal): Promise<void>
  /** Sends this at once, past whatever waits. @throws AgentError as the channel says */
  send(message: Message, signal: AbortSignal): Promise<Sent>
  /** Why nothing gets through, as far as it is known. */
  readonly trouble: string | undefined
  /** The channel, once it could be opened. Rejects with its signal. */
  opened(signal: AbortSignal): Promise<OpenedChannel>
}

export interface OpenedChannel {
  readonly channel: Channel
  /** Aborts when another one takes its place, with other secrets. */
  readonly replaced: AbortSignal
}

/** Sends the messages of one channel, one after another, and each of them until the channel has taken or refused it. */
export function createSender(options: SenderOptions): Sender {
  const { name, outbox, voice, expireAfter, log, now, spread = Math.random } = options
  const bell = createBell()
  const reopens = createBell()
  const health = createHealth({ ...options, spread })
  const door = createDoorOf(options)
  const begun = { after: outbox.waiting(name).at(-1)?.id ?? 0, at: options.monotonic() }

  function end(delivery: Delivery, state: DeliveryState, changes: Partial<Delivery> = {}): void {
    outbox.keep({ ...delivery, ...changes, state, endedAt: now().toISOString() })
  }

  async function send(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { message } = delivery
    const attempts = delivery.attempts + 1
    try {
      const sent = await door.attempt(message, outbox.sent(name).get(message.thread)?.ref, signal)
      const { why: _, ...rest } = delivery
      end({ ...rest, attempts }, sent ? 'sent' : 'superseded', sent ?? { why: shownAlready })
      health.succeeded()
      if (sent) options.tried?.('sent')
    } catch (error) {
      // What is in flight at the end is sent again at the next start.
      if (signal.aborted) return
      const why = messageOf(error)
      log.warn({ channel: name, message: message.id, reason: why }, 'a message was not sent')
      const verdict = health.failed(error, attempts)
      options.tried?.(verdict === 'again' ? 'failed' : 'refused')
      if (verdict === 'again') outbox.keep({ ...delivery, attempts, why })
      else end({ ...delivery, attempts }, 'refused', { why })
      // Secrets are read anew: somebody may have replaced them.
      if (error instanceof AgentError && error.code === 'misconfigured') door.close()
    }
  }

  async function step(signal: AbortSignal): Promise<void> {
    const run = { after: begun.after, lasts: options.monotonic() - begun.at }
    const next = nextStep(outbox.waiting(name), { expireAfter, voice: voice(), now: now(), run })
    if (next.do === 'drop') {
      for (const delivery of next.deliveries) outbox.keep(delivery)
      if (next.summary) outbox.add(name, next.summary)
    } else if (next.do === 'wait') {
      const wait = next.until === undefined ? undefined : Math.min(looksAgainAfter, next.until - now().getTime())
      await bell.wait(wait, signal)
    } else if (health.isGone) {
      end(next.delivery, 'refused', { why: health.trouble ?? 'the channel is gone' })
    } else if (health.pause > 0) {
      await bell.wait(health.pause, signal)
    } else {
      await send(next.delivery, signal)
    }
  }

  return {
    wake: (urgent = false) => {
      if (urgent) health.hurry()
      bell.ring()
    },
    renew: () => {
      door.close()
      health.renewed()
      reopens.ring()
      bell.ring()
    },
    run: async (signal) => {
      const faults = createFaults(options)
      while (!signal.aborted) {
        try {
          await step(signal)
          faults.over()
        } catch (error) {
          await createBell().wait(faults.pauseAfter(error, spread()), signal)
        }
      }
    },
    send: async (message, signal) => {
      const sent = (await door.attempt(message, undefined, signal)) ?? {}
      health.succeeded()
      return sent
    },
    get trouble() {
      return health.trouble
    },
    opened: async (signal) => {
      const since = options.monotonic()
      while (true) {
        signal.throwIfAborted()
        try {
          const opened = await door.open()
          // Whether what waits gets through is known when it is sent.
          if (outbox.waiting(name).length === 0) health.opened()
          return opened
        } catch (error) {
          health.closed(error, options.monotonic() - since)
          await reopens.wait(opensEvery, signal)
        }
      }
    },
  }
}

/** Faults of ours, which no channel is to blame for: an alert, until a step goes well again. */
function createFaults({ name, alerts, log }: SenderOptions) {
  let inARow = 0
  const id = `channel.faulty:${name}` as const
  return {
    over: (): void => {
      // What was reported before a restart is settled by the first step that goes well.
      alerts.report(id, undefined)
      inARow = 0
    },
    /** In ms. */
    pauseAfter: (error: unknown, spread: number): number => {
      inARow += 1
      log.error({ err: error, channel: name }, 'messages are not sent because of a fault of Caretaker')
      alerts.report(id, {
        severity: 'warning',
        subject: name,
        text: `messages wait for ${name} because of a fault of Caretaker: ${messageOf(error)}`,
        action: 'Report it with what the log says; it is tried again',
      })
      return backoff(inARow, spread)
    },
  }
}

/** The channel, opened when it is needed, and one attempt to send by it. */
function createDoorOf({ name, open, outgoing, sendWithin = usuallyWithin }: SenderOptions) {
  let opening: Promise<OpenedChannel> | undefined
  let closing = new AbortController()

  /** Once for all who ask; anew after it failed. */
  function opened(): Promise<OpenedChannel> {
    if (opening) return opening
    closing = new AbortController()
    const { signal: replaced } = closing
    opening = open().then((channel) => ({ channel, replaced }))
    opening.catch(() => (opening = undefined))
    return opening
  }

  async function replaceOrSend(
    message: Message,
    ref: string | undefined,
    signal: AbortSignal,
  ): Promise<Sent | undefined> {
    const { channel: to } = await opened()
    const isReplacing = message.kind === 'update' || message.kind === 'settled'
    if (isReplacing && to.update && ref !== undefined) return to.update(ref, outgoing(message), signal)
    // Nobody needs to hear twice of what they still see.
    return message.kind === 'update' ? undefined : to.send(outgoing(message), signal)
  }

  return {
    open: opened,
    /** The next attempt opens it anew. */
    close: (): void => {
      opening = undefined
      closing.abort()
    },
    /** Undefined where there is nothing to send. A channel that hangs is cut off, whatever it does with its signal. */
    attempt: async (message: Message, ref: string | undefined, signal: AbortSignal): Promise<Sent | undefined> => {
      const either = AbortSignal.any([signal, AbortSignal.timeout(sendWithin)])
      const cut = Promise.withResolvers<never>()
      const late = () =>
        cut.reject(new AgentError('timed-out', `${name} did not take the message within ${inSeconds(sendWithin)}`))
      either.addEventListener('abort', late, { once: true })
      if (either.aborted) late()
      try {
        return await Promise.race([replaceOrSend(message, ref, either), cut.promise])
      } finally {
        either.removeEventListener('abort', late)
      }
    },
  }
}
