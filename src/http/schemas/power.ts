import { z } from '@hono/zod-openapi'
import type { DrillAnswer, PowerAnswer, PowerPlanAnswer } from '../../core/operator.ts'
import type {
  DrillReportAnswer,
  ReadingAnswer,
  TimelineRowAnswer,
  UpsAnswer,
  UpsDetailsAnswer,
  UpsStateAnswer,
} from '../../core/power/answers.ts'
import type { Outage, OutageNode } from '../../core/power/outage.ts'
import type { UpsReadingsAnswer } from '../../core/power/readings.ts'
import { count, ms, pageOf, schemaOf, text, texts, time } from './answer.ts'
import { observedOf } from './cluster.ts'
import { run } from './jobs.ts'
import { phaseId } from './phase.ts'

/** The power, what a shutdown would do, and what past ones did. */

const criticalReasons = [
  'forced-shutdown',
  'low-battery',
  'low-charge',
  'low-runtime',
  'fast-depletion',
  'on-battery-too-long',
  'silent-on-battery',
  'outage-resumed',
  'ordered',
] as const
const criticalReason = z.enum(criticalReasons).openapi('CriticalReason')
const outageReason = z.enum([...criticalReasons, 'on-battery', 'drill', 'restored']).openapi('OutageReason')

const doubt = z.object({ reported: z.number(), why: text })

const reading = schemaOf<ReadingAnswer>()(
  'Reading',
  z.object({
    status: texts,
    chargePercent: z.number().optional(),
    runtimeMs: ms.optional(),
    loadPercent: z.number().optional(),
    alarm: text.optional(),
    testing: z.literal(true).optional(),
    chargeLowPercent: z.number().optional(),
    runtimeLowMs: ms.optional(),
    doubtful: z.object({ chargePercent: doubt.optional(), runtimeMs: doubt.optional() }).optional(),
  }),
)

const upsState = schemaOf<UpsStateAnswer>()(
  'UpsState',
  z.object({
    mode: z.enum(['unknown', 'on-mains', 'on-battery', 'critical', 'forced', 'latched']),
    since: time,
    forMs: ms,
    lastHeardAt: time.optional(),
    lastHeardMsAgo: ms.optional(),
    why: text.optional(),
    reason: criticalReason.optional(),
    cancelled: z.enum([...criticalReason.options, 'not-begun']).optional(),
    wasOnBattery: z.literal(true).optional(),
    mainsForMs: ms.optional(),
    unclearForMs: ms.optional(),
    inferred: text.optional(),
    flapping: text.optional(),
    reading: reading.optional(),
  }),
)

const trigger = z
  .object({ reason: criticalReason, text, disarmed: text.optional(), lacks: text.optional() })
  .openapi('Trigger')

const driver = z.object({ pollIntervalMs: ms.optional(), pollFrequencyMs: ms.optional() })

const ups = schemaOf<UpsAnswer>()(
  'Ups',
  z.object({
    label: text,
    state: upsState,
    loginRefused: text.optional(),
    silentForMs: ms.optional(),
    noReading: z.object({ forMs: ms, why: text }).optional(),
    inputVolts: z.number().optional(),
    inputVoltsMsAgo: ms.optional(),
    driver: driver.optional(),
    triggers: z.array(trigger),
  }),
)

export const upsDetails = schemaOf<UpsDetailsAnswer>()(
  'UpsDetails',
  z.object({
    label: text,
    details: observedOf(
      z.object({
        variables: z.record(z.string(), text).meta({ description: "By NUT's names: `battery.charge`" }),
        writable: texts,
        commands: texts,
        clients: texts,
        numLogins: count.optional(),
        server: text.optional(),
        protocol: text.optional(),
        driver: driver.optional(),
        secure: z.boolean(),
      }),
    ),
  }),
)
export const upses = z.array(upsDetails)

export const readings = z.array(
  schemaOf<UpsReadingsAnswer>()(
    'UpsReadings',
    z.object({
      label: text,
      samples: z.array(
        z.object({
          at: time,
          chargePercent: z.number().optional(),
          runtimeMs: ms.optional(),
          loadPercent: z.number().optional(),
          inputVolts: z.number().optional(),
          onBattery: z.literal(true).optional(),
        }),
      ),
    }),
  ),
)

export const power = schemaOf<PowerAnswer>()(
  'Power',
  z.object({ upses: z.array(ups), shutdownRequestedAt: time.optional() }),
)

const form = z.enum(['ordered', 'compressed', 'short'])

const timelineRow = schemaOf<TimelineRowAnswer>()(
  'TimelineRow',
  z.object({ phase: phaseId, steps: texts, reversible: z.boolean(), fromMs: ms, toMs: ms, likelyMs: ms.optional() }),
)

export const powerPlan = schemaOf<PowerPlanAnswer>()(
  'PowerPlan',
  z.object({
    form,
    reason: text,
    leftMs: ms.nullable(),
    leftUnknown: text.optional(),
    unread: z
      .array(z.object({ forMs: ms, why: text, label: text, isBlind: z.boolean(), triggers: z.array(trigger) }))
      .optional(),
    needsMs: ms,
    timeline: z.array(timelineRow),
  }),
)

const drillReport = schemaOf<DrillReportAnswer>()(
  'DrillReport',
  z.object({
    at: time,
    form,
    reason: text,
    runtimeMs: ms.optional(),
    runtimeUnknown: text.optional(),
    needsMs: ms,
    timeline: z.array(timelineRow),
    checks: z.array(z.object({ subject: text, text, ok: z.boolean(), tookMs: ms.optional() })),
    walked: z.array(z.object({ phase: phaseId, failed: texts, tookMs: ms })).optional(),
  }),
)

export const drill = schemaOf<DrillAnswer>()('Drill', z.object({ run, report: drillReport.optional() }))

const machineStates = ['up', 'drained', 'shutdown-sent', 'unreached', 'off', 'abandoned', 'wake-sent', 'back'] as const

const outageNode = schemaOf<OutageNode>()(
  'OutageMachine',
  z.object({
    wasUp: z.boolean(),
    wasHealthy: z.boolean().optional(),
    state: z.enum(machineStates),
    at: z.partialRecord(z.enum(machineStates), time).optional(),
  }),
)

export const outage = schemaOf<Outage>()(
  'Outage',
  z.object({
    startedAt: time,
    reason: outageReason,
    stage: z.enum(['shedding', 'draining', 'stopping', 'stopped', 'waking', 'over']),
    nodes: z.record(z.string(), outageNode),
    endedAt: time.optional(),
    stoppedAt: time.optional(),
    wokenAt: time.optional(),
    loggedOut: z.literal(true).optional(),
    scaled: z
      .array(
        z.object({
          kind: z.enum(['Deployment', 'StatefulSet', 'CronJob']),
          namespace: text,
          name: text,
          replicas: count,
        }),
      )
      .optional(),
    storage: z
      .array(
        z.object({ system: z.enum(['longhorn', 'ceph']), namespace: text, name: text, before: text, during: text }),
      )
      .optional(),
    storageGivenUp: z.literal(true).optional(),
    upses: texts.optional(),
    bootId: text.optional(),
    cut: z.record(z.string(), time).optional(),
  }),
)

export const outages = pageOf('Outages', outage)
