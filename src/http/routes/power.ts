import { Hono } from 'hono'
import type { Operator } from '../../core/operator.ts'
import { body, type Door } from '../door.ts'
import { fields, flag, text } from '../parse.ts'

const readWake = fields({ machine: text(253), all: flag() })
const readDrill = fields({ dryRun: flag(), until: text(64) })

/** The power: how it is, and what a person requests of it. */
export function powerRoutes({ power }: Operator, { answer }: Door) {
  return new Hono()
    .get('/power', (c) => answer(c, 'asking', () => power.state()))
    .get('/power/plan', (c) => answer(c, 'asking', () => power.plan()))
    .get('/outages', (c) => answer(c, 'asking', () => power.outages()))
    .post('/power/shutdown', (c) => answer(c, 'ordering', (asked) => power.shutDown(asked)))
    .post('/power/cancel', (c) => answer(c, 'ordering', (asked) => power.cancel(asked)))
    .post('/power/wake', body(readWake), (c) =>
      answer(c, 'ordering', (asked) => power.wake(c.req.valid('json'), asked)),
    )
    .post('/power/drill', body(readDrill), (c) =>
      answer(c, 'waiting', (asked) => power.drill(c.req.valid('json'), asked)),
    )
}
