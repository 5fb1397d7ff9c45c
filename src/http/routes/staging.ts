import { Hono } from 'hono'
import type { Operator } from '../../core/operator.ts'
import { body, type Door } from '../door.ts'
import { fields, flag, text } from '../parse.ts'

const readOrder = fields({ version: text(64), wait: flag() })

/** Images on the share. */
export function stagingRoutes({ staging }: Operator, { answer }: Door) {
  return new Hono()
    .get('/staged', (c) => answer(c, 'asking', () => staging.staged()))
    .post('/stage', body(readOrder), (c) => {
      const order = c.req.valid('json')
      return answer(c, order.wait ? 'waiting' : 'ordering', (asked) => staging.stage(order, asked))
    })
}
