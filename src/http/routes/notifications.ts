import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { nameIfAny, page } from '../fields.ts'
import { route } from '../route.ts'
import { deliveries, tests } from '../schemas/notifications.ts'

/** What people are told, and a test of it. */
export function notificationRoutes({ notifications }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/notifications',
        summary: 'What was sent, and what waits, newest first',
        scope: 'read',
        query: page,
        answer: deliveries,
      },
      ({ query }) => notifications.log(query),
    ),
    route(
      {
        method: 'post',
        path: '/notifications/test',
        summary: 'Sends a test message to one channel, or to all',
        scope: 'operate',
        body: z.strictObject({ channel: nameIfAny('Without it: all channels', 64) }),
        answer: tests,
      },
      ({ body }, asked) => notifications.test(body, asked),
    ),
  ]
}
