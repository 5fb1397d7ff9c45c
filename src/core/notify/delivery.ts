import { numberedKey, type RecordKind, recordNumber } from '../records.ts'
import { count, listOf, object, oneOf, optional, text, time } from '../shape.ts'
import type { Severity } from '../alert.ts'
import { parseAction } from './action.ts'
import type { Button, Message, MessageKind } from './message.ts'

/**
 * | state      | means                                                                                          |
 * |------------|------------------------------------------------------------------------------------------------|
 * | waiting    | it is to be sent, in its turn                                                                  |
 * | sent       | the channel has taken it                                                                       |
 * | refused    | the channel will never take it, and said why                                                   |
 * | expired    | it became too old before the channel could be reached; a summary was sent in its place         |
 * | superseded | a later message of its thread says what it would have said, and it had not been sent yet       |
 */
export type DeliveryState = 'waiting' | 'sent' | 'refused' | 'expired' | 'superseded'

/** One message on its way to one channel. The outbox is those that wait, in the order of their ids. */
export interface Delivery {
  readonly id: number
  /** The channel's name in the configuration. */
  readonly channel: string
  readonly message: Message
  readonly state: DeliveryState
  /** ISO 8601. */
  readonly queuedAt: string
  /** ISO 8601: not before the end of quiet hours. */
  readonly notBefore?: string
  readonly attempts: number
  /** ISO 8601; absent while it waits. */
  readonly endedAt?: string
  /** Why the last attempt failed, or why it was given up. */
  readonly why?: string
  /** By which the channel knows what it took, to replace it later. */
  readonly ref?: string
}

export const messageKinds = { alert: true, update: true, reminder: true, settled: true, note: true } as const

const button = object<Button>({ label: text, action: parseAction })

const message = object<Message>({
  id: text,
  thread: text,
  kind: oneOf<MessageKind>(messageKinds),
  severity: oneOf<Severity>({ critical: true, warning: true, info: true }),
  topic: text,
  subject: text,
  at: time,
  title: text,
  text,
  details: optional(listOf(text)),
  buttons: listOf(button),
})

/** Deliveries by their number. */
export const deliveryKind: RecordKind<Delivery> = {
  name: 'delivery',
  parse: object<Delivery>({
    id: recordNumber,
    channel: text,
    message,
    state: oneOf<DeliveryState>({ waiting: true, sent: true, refused: true, expired: true, superseded: true }),
    queuedAt: time,
    notBefore: optional(time),
    attempts: count,
    endedAt: optional(time),
    why: optional(text),
    ref: optional(text),
  }),
  keyOf: ({ id }) => numberedKey(id),
  isOpen: ({ state }) => state === 'waiting',
  retention: { most: 2_000, age: 90 * 86_400_000, isExpendable: true },
}
