import { z } from '@hono/zod-openapi'
import type { Delivery } from '../../core/notify/delivery.ts'
import type { Message } from '../../core/notify/message.ts'
import type { TestAnswer } from '../../core/notify/test-answer.ts'
import { count, ms, pageOf, schemaOf, text, texts, time } from './answer.ts'
import { action, severity } from './journal.ts'

/** What people are told. */

const message = schemaOf<Message>()(
  'Message',
  z.object({
    id: text,
    thread: text,
    kind: z.enum(['alert', 'update', 'reminder', 'settled', 'note']),
    severity,
    topic: text,
    subject: text,
    at: time,
    title: text,
    text,
    details: texts.optional(),
    buttons: z.array(z.object({ label: text, action })),
  }),
)

export const deliveries = pageOf(
  'Deliveries',
  schemaOf<Delivery>()(
    'Delivery',
    z.object({
      id: count,
      channel: text,
      message,
      state: z.enum(['waiting', 'sent', 'refused', 'expired', 'superseded']),
      queuedAt: time,
      notBefore: time.optional(),
      attempts: count,
      endedAt: time.optional(),
      why: text.optional(),
      ref: text.optional(),
    }),
  ),
)

export const tests = z.array(
  schemaOf<TestAnswer>()('TestAnswer', z.object({ channel: text, sent: z.boolean(), detail: text, tookMs: ms })),
)
