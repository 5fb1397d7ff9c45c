import { isOfKind, type Severity } from '../alert.ts'
import { type RecordKind, recordNumber } from '../records.ts'
import { count, object, oneOf, optional, text, time, yes } from '../shape.ts'
import { messageKinds } from './delivery.ts'
import type { Message, MessageKind } from './message.ts'
import type { SentThread } from './thread.ts'

/** What one channel was sent in one thread, on record for as long as somebody asks for it. */
export interface ChannelThread extends SentThread {
  readonly channel: string
  readonly thread: string
  /** The number of its last delivery. */
  readonly last: number
  /** The channel has refused for good what it would show of it: nobody has seen it. */
  readonly refused?: true
}

/**
 * All of them are open: no channel can push out what another was sent, and a disk that fails costs none of them. They are
 * removed once they are forgotten.
 */
export const threadKind: RecordKind<ChannelThread> = {
  name: 'notification.thread',
  parse: object<ChannelThread>({
    channel: text,
    thread: text,
    last: recordNumber,
    refused: optional(yes),
    kind: oneOf<MessageKind>(messageKinds),
    severity: oneOf<Severity>({ critical: true, warning: true, info: true }),
    text,
    topic: text,
    at: time,
    count,
    loudAt: time,
    ref: optional(text),
  }),
  keyOf: threadKeyOf,
  isOpen: () => true,
  retention: { most: 1 },
}

export function threadKeyOf({ thread, channel }: Pick<ChannelThread, 'thread' | 'channel'>): string {
  return `${thread} ${channel}`
}

/** Whether anybody asks later what was sent in its thread: in an alert's and in a digest's. */
export function isRemembered({ kind, topic }: Pick<Message, 'kind' | 'topic'>): boolean {
  return kind !== 'note' || isOfKind(topic, 'digest')
}

/** So many threads a channel remembers: of alerts that are open as far as it knows, of those that are over, and of digests. */
const remembers = { open: 1_000, over: 200, digest: 100 } as const

/** The threads of one channel that are to be forgotten; the oldest of each sort. `threads`: the newest last. */
export function chooseForgotten(threads: ReadonlyMap<string, SentThread>): readonly string[] {
  if (threads.size <= Math.min(...Object.values(remembers))) return []
  const sorts = Map.groupBy(threads, ([, { kind }]) =>
    kind === 'note' ? 'digest' : kind === 'settled' ? 'over' : 'open',
  )
  return [...sorts].flatMap(([sort, those]) =>
    those.slice(0, Math.max(0, those.length - remembers[sort])).map(([thread]) => thread),
  )
}
