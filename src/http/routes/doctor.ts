import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { flag, names } from '../fields.ts'
import { route } from '../route.ts'
import { doctorReport, doctorState } from '../schemas/doctor.ts'

const body = z.strictObject({
  only: names(64, 253, 'Only these checks: ids, their first words, machines; without it: all'),
  send: flag('Sends a test message by each channel too'),
})

/** Whether everything works that will be needed. */
export function doctorRoutes({ doctor }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/doctor',
        summary: 'The last report, and how far an examination is that is under way',
        scope: 'read',
        answer: doctorState,
      },
      () => doctor.state(),
    ),
    route(
      {
        method: 'post',
        path: '/doctor',
        summary: 'Looks at everything as it will be used, and reports',
        scope: 'operate',
        kind: 'waiting',
        body,
        answer: doctorReport,
      },
      ({ body: { only, send } }, asked) => doctor.examine({ only, send }, asked),
    ),
    route(
      {
        method: 'post',
        path: '/doctor/fix',
        summary: 'Mends modes and folders, then looks at everything, and reports',
        scope: 'admin',
        kind: 'waiting',
        body,
        answer: doctorReport,
      },
      ({ body: { only, send } }, asked) => doctor.examine({ only, send, fix: true }, asked),
    ),
  ]
}
