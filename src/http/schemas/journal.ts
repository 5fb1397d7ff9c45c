import { z } from '@hono/zod-openapi'
import type { Alert } from '../../core/alert.ts'
import type { Entry } from '../../core/journal.ts'
import type { Action } from '../../core/notify/action.ts'
import { count, pageOf, schemaOf, text, time } from './answer.ts'

/** What happened, and what a person should know. */

export const severity = z.enum(['info', 'warning', 'critical'])

/** What a person may request at once, and what it is offered for. */
export const action = schemaOf<Action>()(
  'Action',
  z.object({ do: z.enum(['cancel', 'wake', 'approve', 'pause', 'admit', 'turn-away']), subject: text }),
)

export const alert = schemaOf<Alert>()(
  'Alert',
  z.object({
    id: text,
    severity,
    subject: text,
    text,
    action: text.optional(),
    offers: z.array(action).optional(),
    since: time,
    settledAt: time.optional(),
    ending: text.optional().meta({ description: 'How it ended, unless its condition simply ceased' }),
  }),
)
export const alerts = z.array(alert)
export const settledAlerts = pageOf('SettledAlerts', alert)

export const entry = schemaOf<Entry>()(
  'Entry',
  z.object({
    id: count,
    at: time,
    kind: z.enum(['event', 'step', 'run', 'power', 'alert']),
    subject: text.optional(),
    job: text.optional(),
    text,
  }),
)
export const entries = pageOf('Journal', entry)
