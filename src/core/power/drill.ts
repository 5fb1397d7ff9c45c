import type { PhaseId } from '../phase-id.ts'
import type { ShutdownPlan } from './shutdown.ts'
import type { TimelineRow } from './timeline.ts'

/** One thing that a real power cut would need. */
export interface DrillCheck {
  /** The machine, the UPS or `kubernetes`. */
  readonly subject: string
  /** What was found, or what would go wrong and what to do about it. */
  readonly text: string
  readonly ok: boolean
  /** How long it took to find out, in ms. */
  readonly ms?: number
}

/** The report of a rehearsal. Times in ms. */
export interface DrillReport {
  /** The request that it answers, by its id; absent where nobody requested it. */
  readonly request?: string
  /** ISO 8601. */
  readonly at: string
  readonly form: ShutdownPlan['form']
  readonly reason: string
  /** What the UPSes say would be left if mains failed now; undefined where they do not say. */
  readonly runtime: number | undefined
  /** Why not, as a clause. */
  readonly runtimeUnknown?: string | undefined
  readonly needs: number
  readonly timeline: readonly TimelineRow[]
  readonly checks: readonly DrillCheck[]
  /** What was carried out and undone; absent in a dry run. */
  readonly walked?: readonly WalkedPhase[]
}

export interface WalkedPhase {
  readonly phase: PhaseId
  /** In ms. */
  readonly took: number
  /** What failed of it, in words. */
  readonly failed: readonly string[]
}
