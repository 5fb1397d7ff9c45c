import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { flag, name, release } from '../fields.ts'
import { route } from '../route.ts'
import { run } from '../schemas/jobs.ts'
import { stagedImages } from '../schemas/staging.ts'

/** Images on the share. */
export function stagingRoutes({ staging }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/staged',
        summary: 'Staged images on the share',
        scope: 'read',
        answer: stagedImages,
      },
      () => staging.staged(),
    ),
    route(
      {
        method: 'post',
        path: '/stage',
        summary: 'Stages an image on the share',
        scope: 'operate',
        kind: ({ body: { wait } }) => (wait ? 'waiting' : 'ordering'),
        body: z.strictObject({
          version: release('Without it: the target release'),
          wait: flag('Answers when the run has ended'),
        }),
        answer: run,
      },
      ({ body }, asked) => staging.stage(body, asked),
    ),
    route(
      {
        method: 'post',
        path: '/stage/rollback',
        summary: 'Publishes what machines booted before',
        scope: 'operate',
        kind: ({ body: { wait } }) => (wait ? 'waiting' : 'ordering'),
        body: z.strictObject({
          image: name('The image; needed where there are several').optional(),
          wait: flag('Answers when the run has ended'),
        }),
        answer: run,
      },
      ({ body }, asked) => staging.rollBack(body, asked),
    ),
  ]
}
