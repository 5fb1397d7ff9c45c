import { Hono } from 'hono'
import type { Operator } from '../../core/operator.ts'
import { body, type Door, query } from '../door.ts'
import { fields, flag } from '../parse.ts'
import { readLimit } from './status.ts'

/** Jobs, their runs, and a run by hand. */
export function jobRoutes({ jobs }: Operator, { answer }: Door) {
  return new Hono()
    .get('/jobs', (c) => answer(c, 'asking', () => jobs.list()))
    .get('/runs', query(readLimit), (c) => answer(c, 'asking', () => jobs.runs(c.req.valid('query').limit ?? 50)))
    .get('/queue/failed', (c) => answer(c, 'asking', () => jobs.failed()))
    .post('/queue/clear', (c) => answer(c, 'ordering', (asked) => jobs.clearFailed(asked)))
    .post('/jobs/:name/run', body(fields({ wait: flag() })), (c) => {
      const { wait } = c.req.valid('json')
      return answer(c, wait ? 'waiting' : 'ordering', (asked) => jobs.run({ job: c.req.param('name'), wait }, asked))
    })
}
