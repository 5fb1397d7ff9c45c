import type { Outage } from './power/outage.ts'
import type { Rollout } from './upgrade/record.ts'

/**
 * What the agent must not forget: durable when a call returns (where the disk allows it), readable by the CLI without
 * the daemon. Calls do not wait and do not throw: where the disk fails, memory takes over and `degraded` says so,
 * because a power cut doesn't wait for a disk.
 */
export interface Journal {
  /** A sentence for the operator. */
  write(entry: { kind: EntryKind; subject?: string; text: string }): void
  /** Newest first. */
  entries(limit: number): readonly Entry[]
  beginRun(job: string): number
  endRun(id: number, outcome: RunOutcome, detail: string): void
  /** Newest first. */
  runs(limit: number): readonly Run[]
  /** Notes releases that are new to us; returns when each known one was first seen, in ms since the epoch. */
  firstSeen(versions: readonly string[], now: number): ReadonlyMap<string, number>
  /** A small fact that outlives a restart, as JSON. */
  remember(key: string, value: unknown): void
  recall<T>(key: string): T | undefined
  /** The outage that has not ended yet, if any. */
  openOutage(): Outage | undefined
  /** Begins or updates it; on the disk when this returns. */
  saveOutage(outage: Outage): void
  outages(limit: number): readonly Outage[]
  /** The newest rollout that has not ended yet, if any. */
  openRollout(): Rollout | undefined
  /** Begins or updates it, by its id; on the disk when this returns. */
  saveRollout(rollout: Rollout): void
  /** Newest first. */
  rollouts(limit: number): readonly Rollout[]
  /** Why the journal is kept in memory at present; undefined when the disk is well. */
  readonly degraded: string | undefined
}

export type EntryKind = 'event' | 'step' | 'run' | 'power' | 'alert'

export interface Entry {
  readonly id: number
  /** ISO 8601. */
  readonly at: string
  readonly kind: EntryKind
  readonly subject: string | undefined
  readonly text: string
}

export type RunOutcome = 'done' | 'stuck' | 'later' | 'failed' | 'stopped'

export interface Run {
  readonly id: number
  readonly job: string
  readonly startedAt: string
  /** Undefined while it runs, and for ever where the agent was killed in it. */
  readonly endedAt: string | undefined
  readonly outcome: RunOutcome | undefined
  readonly detail: string | undefined
}
