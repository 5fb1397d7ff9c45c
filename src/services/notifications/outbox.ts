import type { Journal } from '../../core/journal.ts'
import { type Delivery, deliveryKind } from '../../core/notify/delivery.ts'
import type { Message } from '../../core/notify/message.ts'
import { afterDelivery, type Told, type ToldThreads } from '../../core/notify/told.ts'

/** So many records are read at the start: all that are kept. */
const mostRead = 2_000
/** Threads that a channel remembers; a homelab with more open alerts hears of some again. */
const mostThreads = 1_000

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
  /** What a channel was told, with what waits. */
  told(channel: string): ToldThreads
}

export function createOutbox(journal: Pick<Journal, 'records'>, now: () => Date): Outbox {
  const records = journal.records(deliveryKind)
  const waiting = new Map<string, Map<number, Delivery>>()
  const told = new Map<string, Map<string, Told>>()
  let lastId = Number(records.lastKey() ?? 0)

  function of<V>(all: Map<string, V>, channel: string, make: () => V): V {
    const known = all.get(channel) ?? make()
    all.set(channel, known)
    return known
  }
  const waitingOf = (channel: string) => of(waiting, channel, () => new Map<number, Delivery>())
  const toldOf = (channel: string) => of(told, channel, () => new Map<string, Told>())

  function note({ channel, message, ref }: Delivery): void {
    const threads = toldOf(channel)
    const before = threads.get(message.thread)
    // The newest last, so that the oldest is forgotten first.
    threads.delete(message.thread)
    threads.set(message.thread, afterDelivery(before, { message, ...(ref === undefined ? {} : { ref }) }))
    for (const thread of threads.keys()) {
      if (threads.size <= mostThreads) break
      threads.delete(thread)
    }
  }

  for (const delivery of records.newest(mostRead).toReversed()) note(delivery)
  for (const delivery of records.open().toReversed()) waitingOf(delivery.channel).set(delivery.id, delivery)

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
      note(delivery)
    },
    log: (channel, message, ended) => {
      const at = now().toISOString()
      records.save({ id: ++lastId, channel, message, queuedAt: at, attempts: 1, endedAt: at, ...ended })
    },
    keep: (delivery) => {
      const { channel, id, state, message, ref } = delivery
      records.save(delivery)
      if (state === 'waiting') waitingOf(channel).set(id, delivery)
      else waitingOf(channel).delete(id)
      const known = toldOf(channel).get(message.thread)
      if (known && ref !== undefined) toldOf(channel).set(message.thread, { ...known, ref })
    },
    waiting: (channel) => [...waitingOf(channel).values()],
    abandoned: (channels) =>
      [...waiting].flatMap(([channel, own]) => (channels.includes(channel) ? [] : [...own.values()])),
    told: toldOf,
  }
}
