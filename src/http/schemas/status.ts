import { z } from '@hono/zod-openapi'
import { purposes } from '../../core/lease.ts'
import type { Activity } from '../../core/activity.ts'
import type { NamesAnswer } from '../../core/names.ts'
import type { StatusAnswer } from '../../core/operator.ts'
import type { ServiceStatus } from '../../core/service.ts'
import { count, schemaOf, text, texts, time } from './answer.ts'
import { cluster } from './cluster.ts'
import { alert } from './journal.ts'
import { outage, power } from './power.ts'
import { imageStatus, stagedImage } from './staging.ts'
import { pause } from './upgrade.ts'

/** How the homelab and the agent are. */

const activity = schemaOf<Activity>()(
  'Activity',
  z.object({
    job: text,
    step: text,
    since: time,
    hint: text.optional(),
    progress: z.object({ doneBytes: count, totalBytes: count.optional() }).optional(),
  }),
)
export const activities = z.array(activity)

const service = schemaOf<ServiceStatus>()(
  'Service',
  z.object({
    name: text,
    state: z.enum(['starting', 'running', 'down', 'stopped']),
    since: time,
    text: text.optional(),
  }),
)

export const names = schemaOf<NamesAnswer>()(
  'Names',
  z.object({ nodes: texts, hosts: texts, upses: texts, jobs: texts, machines: texts, releases: texts }),
)

export const status = schemaOf<StatusAnswer>()(
  'Status',
  z.object({
    version: text,
    pid: count,
    startedAt: time,
    cluster,
    power,
    target: text.optional(),
    news: text.optional(),
    leftBehind: texts,
    leaseHolder: z.enum(purposes).optional(),
    activities,
    alerts: z.object({ open: count, worst: alert.optional() }),
    outage: outage.optional(),
    paused: pause.optional(),
    waiting: text.optional(),
    published: stagedImage.optional(),
    images: z.array(imageStatus),
    queue: z.record(z.string(), count).optional(),
    services: z.array(service),
    missing: texts,
    configuration: text.optional(),
    journalDegraded: text.optional(),
  }),
)
