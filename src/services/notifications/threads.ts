import type { Journal } from '../../core/journal.ts'
import type { Delivery } from '../../core/notify/delivery.ts'
import type { MessageKind } from '../../core/notify/message.ts'
import {
  chooseForgotten,
  type ChannelThread,
  isRemembered,
  threadKeyOf,
  threadKind,
} from '../../core/notify/thread-kind.ts'
import { afterDelivery, type SentThreads } from '../../core/notify/thread.ts'

/** What each channel was sent, by thread, in memory and in the journal. What is noted reaches the disk with the delivery. */
export interface Threads {
  /** The greatest number of a delivery that is noted. */
  readonly last: number
  /** Notes deliveries that are on the disk without their threads; the newest last. Those that wait may be older. */
  catchUp(recent: readonly Delivery[], waiting: readonly Delivery[]): void
  /** Notes one that waits from now on. */
  note(delivery: Delivery): void
  /** Notes what became of one. */
  noteEnd(delivery: Delivery): void
  of(channel: string): SentThreads
  forgetRefused(channel: string): void
}

export function createThreads(journal: Pick<Journal, 'records'>): Threads {
  const records = journal.records(threadKind)
  const channels = new Map<string, Map<string, ChannelThread>>()

  function of(channel: string): Map<string, ChannelThread> {
    const own = channels.get(channel) ?? new Map<string, ChannelThread>()
    channels.set(channel, own)
    return own
  }

  function forget(channel: string, thread: string): void {
    of(channel).delete(thread)
    records.remove(threadKeyOf({ channel, thread }), 'later')
  }

  function keep(noted: ChannelThread): void {
    of(noted.channel).set(noted.thread, noted)
    records.save(noted, 'later')
  }

  function note(delivery: Delivery): void {
    const { id, channel, message, ref } = delivery
    if (!isRemembered(message)) return
    const { thread } = message
    const own = of(channel)
    const before = own.get(thread)
    const sent = afterDelivery(before, { message, ...(ref === undefined ? {} : { ref }) })
    // The newest last, so that the oldest is forgotten first.
    own.delete(thread)
    keep({ ...sent, channel, thread, last: id, ...refusal(delivery, before) })
    for (const forgotten of chooseForgotten(own)) forget(channel, forgotten)
  }

  const stored = records.open().toSorted((a, b) => a.last - b.last)
  for (const one of stored) of(one.channel).set(one.thread, one)
  const last = stored.at(-1)?.last ?? 0

  return {
    last,
    catchUp: (recent, waiting) => {
      const all = new Map([...waiting, ...recent].map((one) => [one.id, one]))
      for (const delivery of [...all.values()].toSorted((a, b) => a.id - b.id))
        if ((of(delivery.channel).get(delivery.message.thread)?.last ?? 0) < delivery.id) note(delivery)
    },
    note,
    noteEnd: (delivery) => {
      const { channel, message, ref } = delivery
      const before = of(channel).get(message.thread)
      if (!before) return
      const { refused: _, ...rest } = before
      keep({ ...rest, ...(ref === undefined ? {} : { ref }), ...refusal(delivery, before) })
    },
    of,
    forgetRefused: (channel) => {
      for (const [thread, { refused, kind }] of of(channel)) if (refused && kind !== 'settled') forget(channel, thread)
    },
  }
}

/** Whether the channel shows nothing of a thread, after one more delivery of it. What is shown stays so without its updates. */
function refusal(
  { state, message: { kind } }: Delivery,
  before: ChannelThread | undefined,
): Pick<ChannelThread, 'refused'> {
  const isShown = state === 'sent' || (before?.refused !== true && !(state === 'refused' && hasNews(kind)))
  return isShown ? {} : { refused: true }
}

const hasNews = (kind: MessageKind): boolean => kind === 'alert' || kind === 'note'
