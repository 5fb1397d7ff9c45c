import { Hono } from 'hono'
import { type Operator } from '../../core/operator.ts'
import { longestReason } from '../../core/requester.ts'
import { body, type Door } from '../door.ts'
import { fields, flag, text } from '../parse.ts'

const readPause = fields({ reason: text(longestReason) })
const readRetry = fields({ node: text(253) })
const readRollback = fields({ force: flag() })

/** What a person requests of one node, or of all. */
export function nodeRoutes({ nodes }: Operator, { answer }: Door) {
  return new Hono()
    .post('/nodes/:name/pause', body(readPause), (c) =>
      answer(c, 'ordering', (asked) => nodes.pause({ node: c.req.param('name'), ...c.req.valid('json') }, asked)),
    )
    .post('/nodes/:name/resume', (c) =>
      answer(c, 'ordering', (asked) => nodes.resume({ node: c.req.param('name') }, asked)),
    )
    .post('/nodes/:name/rollback', body(readRollback), (c) =>
      answer(c, 'ordering', (asked) => nodes.rollback({ node: c.req.param('name'), ...c.req.valid('json') }, asked)),
    )
    .post('/rollout/retry', body(readRetry), (c) =>
      answer(c, 'ordering', (asked) => nodes.retry(c.req.valid('json'), asked)),
    )
}
