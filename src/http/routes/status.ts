import { Hono } from 'hono'
import type { Operator } from '../../core/operator.ts'
import { type Door, query } from '../door.ts'
import { fields, flag, limit } from '../parse.ts'

export const readLimit = fields({ limit: limit(10_000) })

const readAlerts = fields({ all: flag() })

/** How the homelab and the agent are, and what happened. */
export function statusRoutes(operator: Operator, { answer }: Door) {
  return new Hono()
    .get('/status', (c) => answer(c, 'asking', ({ signal }) => operator.status(signal)))
    .get('/alerts', query(readAlerts), (c) => answer(c, 'asking', () => operator.alerts(c.req.valid('query'))))
    .get('/journal', query(readLimit), (c) =>
      answer(c, 'asking', () => operator.journal(c.req.valid('query').limit ?? 50)),
    )
}
