import { AgentError } from '../errors.ts'
import { phaseIdOfTitle } from '../phase-id.ts'
import { flag, listOf, number, object, oneOf, optional, type Shape, text } from '../shape.ts'
import type { DrillCheck, DrillReport, WalkedPhase } from './drill.ts'
import { isReversiblePhase, type ReversiblePhase } from './reversible.ts'
import type { TimelineRow } from './timeline.ts'

/** A phase, which a record of 0.1.0 names by its title. */
const phaseId: Shape<TimelineRow['phase']> = (value, at = 'it') => {
  const id = phaseIdOfTitle(text(value, at))
  if (id === undefined) throw new AgentError('malformed', `${at} is not a phase`)
  return id
}

const reversiblePhase: Shape<ReversiblePhase> = (value, at = 'it') => {
  const id = phaseId(value, at)
  if (!isReversiblePhase(id)) throw new AgentError('malformed', `${at} is not a phase that can be undone`)
  return id
}

const timelineRow = object<TimelineRow>({
  phase: phaseId,
  from: number,
  to: number,
  likely: optional(number),
  steps: listOf(text),
  reversible: flag,
})

/** Reads the report of a rehearsal that is on record. */
export const drillReport = object<DrillReport>({
  request: optional(text),
  at: text,
  form: oneOf<DrillReport['form']>({ ordered: true, compressed: true, short: true }),
  reason: text,
  runtime: optional(number),
  runtimeUnknown: optional(text),
  needs: number,
  timeline: listOf(timelineRow),
  checks: listOf(object<DrillCheck>({ subject: text, text, ok: flag, ms: optional(number) })),
  walked: optional(listOf(object<WalkedPhase>({ phase: phaseId, took: number, failed: listOf(text) }))),
})

/** What a person has asked of a rehearsal. */
export interface DrillRequest {
  /** By which its report is found; records of 0.1.0 have none. */
  readonly id?: string
  /** No further than this phase. */
  readonly until?: ReversiblePhase
}

/** Reads what a person has asked of a rehearsal. */
export const drillRequest = object<DrillRequest>({ id: optional(text), until: optional(reversiblePhase) })
