import { z } from '@hono/zod-openapi'
import type { Check, DoctorReport } from '../../core/doctor/check.ts'
import type { DoctorAnswer, DoctorProgress } from '../../core/doctor/requests.ts'
import { count, ms, schemaOf, text, texts, time } from './answer.ts'

/** What looking at everything came to. */

const check = schemaOf<Check>()(
  'Check',
  z.object({
    id: text.meta({ description: 'What is looked at, and of which thing: node.role:cp-1' }),
    subject: text,
    verdict: z.enum(['ok', 'warning', 'failed', 'skipped']),
    reason: text,
    next: text.optional().meta({ description: 'What to do about it' }),
    tookMs: ms,
  }),
)

export const doctorReport = schemaOf<DoctorReport>()(
  'DoctorReport',
  z.object({
    at: time,
    tookMs: ms,
    checks: z.array(check),
    fixed: texts.meta({ description: 'What was fixed, a sentence each' }),
    only: texts.optional(),
  }),
)

const progress = schemaOf<DoctorProgress>()('DoctorProgress', z.object({ done: count, total: count, underWay: texts }))

export const doctorState = schemaOf<DoctorAnswer>()(
  'DoctorState',
  z.object({ last: doctorReport.optional(), underWay: progress.optional() }),
)
