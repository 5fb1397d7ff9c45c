import type { Delivery } from './delivery.ts'
import type { Message } from './message.ts'

/** What one channel was sent last in one thread. */
export interface SentThread extends Pick<Message, 'kind' | 'severity' | 'text' | 'topic' | 'at'> {
  /** How many messages of the thread the channel was sent, with those that wait. */
  readonly count: number
  /** ISO 8601: when it was last sent in a way that makes a sound. */
  readonly loudAt: string
  /** By which the channel knows the thread, to replace what it shows. */
  readonly ref?: string | undefined
}

/** What a channel was sent, by thread. */
export type SentThreads = ReadonlyMap<string, SentThread>

/** The thread with one more message of it, sent or about to be. */
export function afterDelivery(before: SentThread | undefined, delivery: Pick<Delivery, 'message' | 'ref'>): SentThread {
  const { kind, severity, text, topic, at } = delivery.message
  const ref = delivery.ref ?? before?.ref
  return {
    kind,
    severity,
    text,
    topic,
    at,
    count: (before?.count ?? 0) + 1,
    loudAt: kind === 'update' && before ? before.loudAt : at,
    ...(ref === undefined ? {} : { ref }),
  }
}

/** A thread's name: `[-_A-Za-z0-9]{1,56}`, the same after a restart. Two that begin in the same ms differ in what they are about. */
export function threadOf(about: string, since: string): string {
  const plain = about.replaceAll(/[^A-Za-z0-9]+/g, '-')
  const short = plain.length <= longestAbout ? plain : `${plain.slice(0, longestAbout - 15)}-${hashOf(about)}`
  return `${since.replaceAll(/[^0-9]/g, '')}-${short}`.slice(0, 56)
}

/** In characters, beside the 17 digits of a time. */
const longestAbout = 36

/** 14 characters: two of FNV-1a with 32 bits each (RFC 9923), which differ in where they begin. It tells names apart, no more. */
function hashOf(text: string): string {
  return [0x811c9dc5, 0x01000193]
    .map((basis) => {
      let hash = basis
      for (let index = 0; index < text.length; index++)
        hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
      return hash.toString(36).padStart(7, '0')
    })
    .join('')
}
