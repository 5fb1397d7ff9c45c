import type { Activity } from '../core/activity.ts'
import type { Alert } from '../core/alert.ts'
import type { Cluster } from '../core/cluster/cluster.ts'
import type { Job } from '../operations/job.ts'
import type { RunOutcome } from '../core/journal.ts'
import type { Outage } from '../core/power/outage.ts'
import type { EtcdSnapshot } from '../core/cluster/snapshot.ts'
import type { StagedImage } from '../core/release/image.ts'
import type { PowerState } from '../core/power/state.ts'
import type { ShutdownPlan } from '../core/power/shutdown.ts'
import type { TimelineRow } from '../core/power/timeline.ts'
import type { TriggerState } from '../core/power/triggers.ts'
import type { UpgradePreview } from '../operations/preview-upgrade.ts'
import type { Rollout } from '../core/upgrade/record.ts'

/** What the daemon answers on its control socket, as JSON. Durations and times are in ms unless they say otherwise. */
export interface StatusAnswer {
  readonly version: string
  readonly pid: number
  /** ISO 8601. */
  readonly startedAt: string
  readonly cluster: Cluster
  readonly power: PowerAnswer
  readonly target: string | undefined
  /** What the last look at releases came to, as a sentence. */
  readonly news: string | undefined
  /** Who stays behind when the others go on, and why, a sentence a node. */
  readonly leftBehind: readonly string[]
  readonly leaseHolder: string | undefined
  /** The steps that are being carried out. */
  readonly activities: readonly Activity[]
  readonly alerts: {
    /** How many are open. */
    readonly open: number
    /** The most severe of them, and the oldest of those. */
    readonly worst: Alert | undefined
  }
  readonly outage: Outage | undefined
  readonly paused: string | undefined
  /** Why the last run of the upgrade came to its end before all was done: what it waits for, or what it is stuck at. */
  readonly waiting?: string | undefined
  readonly published: StagedImage | undefined
  /** Jobs by state; undefined when the queue's store does not answer. */
  readonly queue: Readonly<Record<string, number>> | undefined
  /** Why the journal is kept in memory; undefined when the disk is well. */
  readonly journalDegraded: string | undefined
}

export interface UpsAnswer {
  readonly label: string
  readonly state: PowerState
  /** How long it has been so, in ms. */
  readonly lasts: number
  /** What upsd said to our login. */
  readonly loginRefused: string | undefined
  /** For how long nothing was heard of the UPS, in ms, where that is longer than it should be. */
  readonly silentFor: number | undefined
  /** What would start a shutdown on battery, and what of it can't. */
  readonly triggers: readonly TriggerState[]
}

export interface PowerAnswer {
  readonly upses: readonly UpsAnswer[]
  /** When a person ordered everything down, ISO 8601. */
  readonly ordered: string | undefined
}

/** What a shutdown would do now, or does. Times in ms. */
export interface PowerPlanAnswer {
  readonly form: ShutdownPlan['form']
  readonly reason: string
  /** What is left; null while mains is there (JSON has no Infinity). */
  readonly left: number | null
  /** What the whole takes at most. */
  readonly needs: number
  readonly timeline: readonly TimelineRow[]
}

export interface JobAnswer extends Pick<Job, 'name' | 'about' | 'triggers' | 'runs'> {
  readonly lastRun:
    | { readonly startedAt: string; readonly outcome: RunOutcome | undefined; readonly detail: string | undefined }
    | undefined
}

export interface RunAnswer {
  readonly outcome: RunOutcome | 'started'
  readonly detail: string
}

export type PlanAnswer = Omit<UpgradePreview, 'cluster'>

/** What a person has said about rollouts, and what is under way. */
export interface RolloutAnswer {
  readonly plan: PlanAnswer
  /** The record of the one that is under way. */
  readonly current: Rollout | undefined
  readonly approved: string | undefined
  readonly aborted: string | undefined
  readonly paused: string | undefined
  /** ISO 8601: until when a person has opened a window by hand. */
  readonly openUntil: string | undefined
  /** The newest snapshot of etcd. */
  readonly snapshot: EtcdSnapshot | undefined
}

export interface SaidAnswer {
  /** What was done, as a sentence. */
  readonly said: string
}

export interface ErrorAnswer {
  readonly error: string
  readonly code: string
}
