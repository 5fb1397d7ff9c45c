import type { TimelineRow } from '../core/power/timeline.ts'
import { flag, listOf, number, object, oneOf, optional, text } from '../core/shape.ts'
import type { DrillCheck, DrillReport } from './rehearse.ts'

const timelineRow = object<TimelineRow>({
  phase: text,
  from: number,
  to: number,
  likely: optional(number),
  steps: listOf(text),
  reversible: flag,
})

const walkedPhase = object<NonNullable<DrillReport['walked']>[number]>({
  phase: text,
  took: number,
  failed: listOf(text),
})

/** Reads the report of a rehearsal that is on record. */
export const drillReport = object<DrillReport>({
  at: text,
  form: oneOf<DrillReport['form']>({ ordered: true, compressed: true, short: true }),
  reason: text,
  runtime: optional(number),
  needs: number,
  timeline: listOf(timelineRow),
  checks: listOf(object<DrillCheck>({ subject: text, text, ok: flag, ms: optional(number) })),
  walked: optional(listOf(walkedPhase)),
})
