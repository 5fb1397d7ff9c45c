import { Hono } from 'hono'
import { type Operator } from '../../core/operator.ts'
import { longestReason } from '../../core/requester.ts'
import { body, type Door } from '../door.ts'
import { fields, names, number, text } from '../parse.ts'

const readPause = fields({ reason: text(longestReason) })
const readAbort = fields({ version: text(64) })
const readApproval = fields({ version: text(64), losing: names(64, 128) })
const readWindow = fields({ lastsMs: number() })

/** Rollouts: how they go, and what a person requests of them. */
export function rolloutRoutes({ rollouts }: Operator, { answer }: Door) {
  return new Hono()
    .get('/plan', (c) => answer(c, 'asking', ({ signal }) => rollouts.plan(signal)))
    .get('/rollout', (c) => answer(c, 'asking', ({ signal }) => rollouts.status(signal)))
    .get('/rollouts', (c) => answer(c, 'asking', () => rollouts.history()))
    .post('/rollout/pause', body(readPause), (c) =>
      answer(c, 'ordering', (asked) => rollouts.pause(c.req.valid('json'), asked)),
    )
    .post('/rollout/resume', (c) => answer(c, 'ordering', (asked) => rollouts.resume(asked)))
    .post('/rollout/start', (c) => answer(c, 'ordering', (asked) => rollouts.start(asked)))
    .post('/rollout/abort', body(readAbort), (c) =>
      answer(c, 'ordering', (asked) => rollouts.abort(c.req.valid('json'), asked)),
    )
    .post('/rollout/approve', body(readApproval), (c) =>
      answer(c, 'ordering', (asked) => rollouts.approve(c.req.valid('json'), asked)),
    )
    .post('/rollout/run-now', body(readWindow), (c) =>
      answer(c, 'ordering', (asked) => rollouts.openWindow(c.req.valid('json'), asked)),
    )
}
