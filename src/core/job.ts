import type { EventType } from './event.ts'
import type { Purpose } from './lease.ts'

/** A job without what it does: what it is called, what starts it, and where it runs. */
export interface JobSpec {
  /** Also the file's name, the queue's job name, and the CLI's word for it. */
  readonly name: string
  /** One sentence for `caretaker jobs`. */
  readonly about: string
  readonly triggers: readonly Trigger[]
  /** Set when the job changes the cluster: it then runs alone, under the lease. */
  readonly purpose?: Purpose
  /**
   * Where it runs. `queue`: through BullMQ, with retries and a record. `here`: in this process at once, because it must
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
}

export type Trigger = { on: EventType } | { every: string } | { cron: string }

/**
 * | kind  | means                                                           |
 * |-------|-----------------------------------------------------------------|
 * | done  | nothing is left to do                                           |
 * | stuck | something is left, and nothing of it continues without a person |
 * | later | something is left, and it is worth another look at that time    |
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
