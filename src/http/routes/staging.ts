import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { flag, release } from '../fields.ts'
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
  ]
}
