import type { Alerts } from '../../../src/core/alert.ts'
import type { Journal } from '../../../src/core/journal.ts'

/** What one process of the daemon has: its alerts are read anew from the journal. */
export interface Process {
  readonly journal: Journal
  readonly alerts: Alerts
  readonly now: () => Date
}

/** Whoever reports a condition, in one process. */
export interface Reporter {
  /** Looks as it does now and then while the daemon runs. */
  look(): unknown
  /** As by kill -9. */
  die?(): void
}

/** A condition that people are told of. */
export interface Condition {
  /** The name in the alert's id. */
  readonly name?: string
  begin(): void
  end(): void
  /** Whether a look comes before the condition begins: it is about what was different then. */
  readonly looksBefore?: boolean
  start(process: Process): Reporter
}

/** Each kind of alert has its condition, made anew for each case; or why it has none here, and where it is tested. */
export type Conditions<Kind extends string> = Readonly<Record<Kind, (() => Condition) | string>>
