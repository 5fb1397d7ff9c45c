import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { longestReason } from '../../core/requester.ts'
import { names, page, release, text } from '../fields.ts'
import { route } from '../route.ts'
import { changed } from '../schemas/jobs.ts'
import { plan, releases as releaseList, rollouts as rolloutList, rolloutStatus } from '../schemas/upgrade.ts'

/** Rollouts: how they go, and what a person requests of them. */
export function rolloutRoutes({ rollouts }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/releases',
        summary: 'Releases that the Image Factory offers or has withdrawn, newest first',
        scope: 'read',
        answer: releaseList,
      },
      (_, { signal }) => rollouts.releases(signal),
    ),
    route(
      {
        method: 'get',
        path: '/plan',
        summary: 'What the next upgrade run would do, and why',
        scope: 'read',
        answer: plan,
      },
      (_, { signal }) => rollouts.plan(signal),
    ),
    route(
      {
        method: 'get',
        path: '/rollout',
        summary: 'Progress of the rollout, what it waits for, and pending requests',
        scope: 'read',
        answer: rolloutStatus,
      },
      (_, { signal }) => rollouts.status(signal),
    ),
    route(
      {
        method: 'get',
        path: '/rollouts',
        summary: 'Rollouts, newest first',
        scope: 'read',
        query: page,
        answer: rolloutList,
      },
      ({ query }) => rollouts.history(query),
    ),
    ...requestRoutes({ rollouts }),
  ]
}

function requestRoutes({ rollouts }: Pick<Operator, 'rollouts'>) {
  return [
    route(
      {
        method: 'post',
        path: '/rollout/pause',
        summary: 'Starts no further node',
        scope: 'operate',
        body: z.strictObject({ reason: text(longestReason) }),
        answer: changed,
      },
      ({ body }, asked) => rollouts.pause(body, asked),
    ),
    route(
      {
        method: 'post',
        path: '/rollout/resume',
        summary: 'Resumes a paused rollout',
        scope: 'operate',
        answer: changed,
      },
      (_, asked) => rollouts.resume(asked),
    ),
    route(
      {
        method: 'post',
        path: '/rollout/start',
        summary: 'Withdraws a pause, an abort and rollback requests',
        scope: 'operate',
        answer: changed,
      },
      (_, asked) => rollouts.start(asked),
    ),
    ...releaseRoutes({ rollouts }),
  ]
}

function releaseRoutes({ rollouts }: Pick<Operator, 'rollouts'>) {
  return [
    route(
      {
        method: 'post',
        path: '/rollout/abort',
        summary: 'Aborts the rollout that is under way or coming',
        scope: 'operate',
        body: z.strictObject({ version: release('Without it: the release that is under way or coming') }),
        answer: changed,
      },
      ({ body }, asked) => rollouts.abort(body, asked),
    ),
    route(
      {
        method: 'post',
        path: '/rollout/approve',
        summary: 'Approves a release that waits for a person',
        scope: 'operate',
        body: z.strictObject({
          version: release('Without it: the release that is coming'),
          losing: names(64, 128, 'Extensions or kernel arguments that nodes may lose with it'),
        }),
        answer: changed,
      },
      ({ body }, asked) => rollouts.approve(body, asked),
    ),
    route(
      {
        method: 'post',
        path: '/rollout/run-now',
        summary: 'Opens an upgrade window now',
        scope: 'operate',
        body: z.strictObject({
          lastsMs: z
            .number()
            .openapi({ description: 'For how long, in ms: up to 7 days', minimum: 1, maximum: 604_800_000 }),
        }),
        answer: changed,
      },
      ({ body }, asked) => rollouts.openWindow(body, asked),
    ),
  ]
}
