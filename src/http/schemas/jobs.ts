import { z } from '@hono/zod-openapi'
import type { EventType } from '../../core/event.ts'
import type { FailedEntry } from '../../core/job.ts'
import type { Run } from '../../core/journal.ts'
import type { JobAnswer, RunAnswer } from '../../core/operator.ts'
import type { RequestAnswer } from '../../core/request-answer.ts'
import { count, pageOf, schemaOf, text, time } from './answer.ts'

/** Jobs, their runs, and what a request comes to. */

export const outcome = z.enum(['done', 'stuck', 'later', 'failed', 'stopped'])

export const changed = schemaOf<RequestAnswer>()(
  'RequestAnswer',
  z.object({
    said: text.meta({ description: 'What changed, or why nothing did' }),
    changed: z.boolean().meta({ description: 'False if everything was as requested already' }),
  }),
)

export const run = schemaOf<RunAnswer>()(
  'RunAnswer',
  z.object({ outcome: z.enum(['done', 'stuck', 'later', 'failed', 'stopped', 'started']), detail: text }),
)

// Events are an open list: more of them are no new version of the API.
const trigger = z.union([
  z.object({ on: text as unknown as z.ZodType<EventType> }),
  z.object({ every: text }),
  z.object({ cron: text }),
])

const runRecord = schemaOf<Run>()(
  'Run',
  z.object({
    id: count,
    job: text,
    startedAt: time,
    endedAt: time.optional(),
    outcome: outcome.optional(),
    detail: text.optional(),
  }),
)

const job = schemaOf<JobAnswer>()(
  'Job',
  z.object({
    name: text,
    about: text,
    triggers: z.array(trigger),
    runs: z.enum(['queue', 'in-process']),
    lastRun: runRecord.optional(),
  }),
)
export const jobs = z.array(job)

export const runs = pageOf('Runs', runRecord)

export const failedEntries = z.array(
  schemaOf<FailedEntry>()(
    'FailedEntry',
    z.object({ job: text, failedAt: time.optional(), reason: text, attempts: count }),
  ),
)
