import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { digest, flag, name, release } from '../fields.ts'
import { route } from '../route.ts'
import { changed, run } from '../schemas/jobs.ts'
import { stagedImages, verification } from '../schemas/staging.ts'

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
    route(
      {
        method: 'post',
        path: '/staged/verify',
        summary: 'Hashes everything on the share once more, and reads back what the boot server serves',
        scope: 'operate',
        kind: 'waiting',
        answer: verification,
      },
      (_, asked) => staging.verify(asked),
    ),
    route(
      {
        method: 'post',
        path: '/staged/accept',
        summary: 'Takes an image whose bytes are not those that its URL answered before',
        scope: 'operate',
        body: z.strictObject({ sha256: digest('The SHA-256 of what is kept apart, or its beginning') }),
        answer: changed,
      },
      ({ body }, asked) => staging.accept(body, asked),
    ),
  ]
}
