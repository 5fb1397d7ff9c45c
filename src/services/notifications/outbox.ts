import type { Journal } from '../../core/journal.ts'
import { type Delivery, deliveryKind } from '../../core/notify/delivery.ts'
import type { Message } from '../../core/notify/message.ts'
import type { SentThreads } from '../../core/notify/thread.ts'
import { lastNumber, type Records } from '../../core/records.ts'
import { createThreads } from './threads.ts'

/** So many records are read at a time, and in all: a journal of an earlier release has no threads. */
const readsAtOnce = 100
const mostRead = 2_000

/**
 * The messages on their way, by channel, in memory and in the journal. What is new reaches the disk with the next write of
 * anything, because a shutdown must not wait for a message to be stored; what a crash loses of it is planned again, since it
 * follows from the state of the homelab. What was sent is on the disk at once.
 */
export interface Outbox {
  add(channel: string, message: Message, notBefore?: string): void
  /** Notes a message that was sent past those that wait, or could not be: a test. */
  log(channel: string, message: Message, ended: Pick<Delivery, 'why'> & { readonly state: 'sent' | 'refused' }): void
  /** Keeps a delivery as it is now. */
  keep(delivery: Delivery): void
  /** Those of a channel that wait, oldest first. */
  waiting(channel: string): readonly Delivery[]
  /** Those that wait for channels other than these. */
  abandoned(channels: readonly string[]): readonly Delivery[]
  /** What a channel was sent, with what waits. */
  sent(channel: string): SentThreads
  /** A channel that was mended has not shown what it refused: what of it is still so is sent anew. */
  forgetRefused(channel: string): void
}

export function createOutbox(journal: Pick<Journal, 'records'>, now: () => Date): Outbox {
  const records = journal.records(deliveryKind)
  const waiting = new Map<string, Map<number, Delivery>>()
  let lastId = lastNumber(records)
  const waitingOf = (channel: string) => {
    const own = waiting.get(channel) ?? new Map<number, Delivery>()
    waiting.set(channel, own)
    return own
  }
  const threads = createThreads(journal)
  for (const delivery of records.open().toReversed()) waitingOf(delivery.channel).set(delivery.id, delivery)
  threads.catchUp(readSince(records, threads.last), records.open())

  return {
    add: (channel, message, notBefore) => {
      const delivery: Delivery = {
        id: ++lastId,
        channel,
        message,
        state: 'waiting',
        queuedAt: now().toISOString(),
        ...(notBefore === undefined ? {} : { notBefore }),
        attempts: 0,
      }
      records.save(delivery, 'later')
      waitingOf(channel).set(delivery.id, delivery)
      threads.note(delivery)
    },
    log: (channel, message, ended) => {
      const at = now().toISOString()
      records.save({ id: ++lastId, channel, message, queuedAt: at, attempts: 1, endedAt: at, ...ended })
    },
    keep: (delivery) => {
      const { channel, id, state } = delivery
      threads.noteEnd(delivery)
      // It takes the thread along to the disk.
      records.save(delivery)
      if (state === 'waiting') waitingOf(channel).set(id, delivery)
      else waitingOf(channel).delete(id)
    },
    waiting: (channel) => [...waitingOf(channel).values()],
    abandoned: (channels) =>
      [...waiting].flatMap(([channel, own]) => (channels.includes(channel) ? [] : [...own.values()])),
    sent: threads.of,
    forgetRefused: threads.forgetRefused,
  }
}

/** The newest deliveries, less those up to a number; the oldest first. */
function readSince(records: Records<Delivery>, last: number): readonly Delivery[] {
  const found: Delivery[] = []
  while (found.length < mostRead) {
    const before = found.at(-1)
    const page = records.newest(readsAtOnce, before && deliveryKind.keyOf(before))
    found.push(...page.filter(({ id }) => id > last))
    if (page.length < readsAtOnce || page.at(-1)!.id <= last) break
  }
  return found.toReversed()
}
