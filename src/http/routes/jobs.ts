import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { flag, name, page } from '../fields.ts'
import { route } from '../route.ts'
import { changed, failedEntries, jobs as jobList, run, runs } from '../schemas/jobs.ts'

/** Jobs, their runs, and a run by hand. */
export function jobRoutes({ jobs }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/jobs',
        summary: 'The jobs, their triggers and last runs',
        scope: 'read',
        answer: jobList,
      },
      () => jobs.list(),
    ),
    route(
      {
        method: 'get',
        path: '/runs',
        summary: 'Runs of jobs, newest first',
        scope: 'read',
        query: page,
        answer: runs,
      },
      ({ query }) => jobs.runs(query),
    ),
    route(
      {
        method: 'post',
        path: '/jobs/{name}/run',
        summary: 'Runs a job now',
        scope: 'operate',
        kind: ({ body: { wait } }) => (wait ? 'waiting' : 'ordering'),
        params: z.strictObject({ name: name('The name of a job') }),
        body: z.strictObject({ wait: flag('Answers when the run has ended') }),
        answer: run,
      },
      ({ params, body: { wait } }, asked) => jobs.run({ job: params.name, wait }, asked),
    ),
    route(
      {
        method: 'get',
        path: '/queue/failed',
        summary: 'What the queue has given up on, newest first',
        scope: 'read',
        answer: failedEntries,
      },
      () => jobs.failed(),
    ),
    route(
      {
        method: 'post',
        path: '/queue/clear',
        summary: 'Removes failed jobs from the queue',
        scope: 'operate',
        answer: changed,
      },
      (_, asked) => jobs.clearFailed(asked),
    ),
  ]
}
