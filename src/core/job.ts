import type { EventType } from './event.ts'
import type { Purpose } from './lease.ts'

/** A job's metadata: its name, its triggers, and where it runs. */
export interface JobSpec {
  /** Also the file name, the job name in the queue, and the name in the CLI. */
  readonly name: string
  /** One sentence for `caretaker jobs`. */
  readonly about: string
  readonly triggers: readonly Trigger[]
  /** Set if the job changes the cluster: it then runs alone, under the lease. */
  readonly purpose?: Purpose
  /**
   * Where it runs. `queue`: through BullMQ, with retries and a record. `in-process`: in this process at once, because it must
   * work while the queue store is away; an outcome `later` is then kept by a timer.
   */
  readonly runs: 'queue' | 'in-process'
}

/** Where jobs wait their turn: BullMQ in production, memory in tests. */
export interface Queue {
  /** @throws AgentError `unreachable` where it can't be had now */
  add(job: Pick<JobSpec, 'name'>): Promise<void>
  /** How many jobs wait, run, are delayed or have failed; undefined where no one can tell. */
  counts?(): Promise<Readonly<Record<string, number>> | undefined>
  /** What has failed for good, newest first. @throws AgentError `unreachable` where it can't be had now */
  failed?(): Promise<readonly FailedEntry[]>
  /** Forgets what has failed, and returns how much that was. @throws AgentError `unreachable` */
  clearFailed?(): Promise<number>
}

/** A job that the queue has given up on: it runs again by its next trigger, and the entry tells why it failed. */
export interface FailedEntry {
  readonly job: string
  /** ISO 8601; absent where the store does not say. */
  readonly failedAt?: string
  readonly reason: string
  /** How often it was tried. */
  readonly attempts: number
}

export type Trigger = { on: EventType } | { every: string } | { cron: string }

/**
 * | kind  | means                                                           |
 * |-------|-----------------------------------------------------------------|
 * | done  | nothing is left to do                                           |
 * | stuck | something is left, and a person must help                       |
 * | later | something is left, and the job runs again at that time          |
 */
export type Outcome = { kind: 'done' | 'stuck'; summary: string } | { kind: 'later'; reason: string; at: Date }

export const done = (summary: string): Outcome => ({ kind: 'done', summary })
export const stuck = (summary: string): Outcome => ({ kind: 'stuck', summary })
export const later = (reason: string, at: Date): Outcome => ({ kind: 'later', reason, at })

export const on = (event: EventType): Trigger => ({ on: event })
export const every = (interval: string): Trigger => ({ every: interval })
export const cron = (pattern: string): Trigger => ({ cron: pattern })

/** `at`, this many ms from now. */
export function after(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms)
}
