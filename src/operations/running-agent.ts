import { describeUnknown } from '../core/count.ts'
import type { Activity } from '../core/activity.ts'
import type { Alerts } from '../core/alert.ts'
import type { Cluster } from '../core/cluster/cluster.ts'
import { AgentError } from '../core/errors.ts'
import type { Event } from '../core/event.ts'
import type { RunOutcome } from '../core/journal.ts'
import type { Purpose } from '../core/lease.ts'
import type { Step } from '../core/plan.ts'
import type { Power } from '../core/power/feeds.ts'
import type { Machine } from '../core/power/machines.ts'
import type { Silence } from '../core/power/silence.ts'
import type { Job, JobContext } from './job.ts'

/** What requests need of the agent that runs, and no more. */
export interface RunningAgent {
  readonly jobs: readonly Job[]
  readonly machines: readonly Machine[]
  /** The steps that are being carried out. */
  readonly activities: readonly Activity[]
  /** What is done by the steps that are being carried out. */
  readonly steps: readonly Step['do'][]
  /** What the cluster is held for. */
  readonly leaseHolder: Purpose | undefined
  readonly alerts: Alerts
  readonly guard: PowerGuard
  /** Monotonic clock, in ms. */
  monotonic(): number
  observe(signal: AbortSignal, limits?: { readonly isUnhurried?: boolean }): Promise<Cluster>
  /** Called with the cluster whenever somebody has looked at all of it, until it is disposed of. */
  onLook(listener: (cluster: Cluster) => void): Disposable
  /** Called when a step begins, says something, or has ended, until it is disposed of. */
  onActivity(listener: () => void): Disposable
  /** Names of the jobs that run in this process now: a run of a killed agent has no end on record. */
  readonly running: readonly string[]
  /** What a job would see, without running it. */
  preview(job: Job, signal: AbortSignal): JobContext
  /** Starts a job, or queues it. */
  start(job: Job): Promise<void>
  /** Called with each event, until it is disposed of. */
  onEvent(listener: (event: Event) => void): Disposable
  /** Lets something go on after the request that began it was answered, until the agent stops. */
  goOn(work: (signal: AbortSignal) => Promise<void>): void
  /** Called with each run that ends, until the function that it answers is called. */
  onRun(listener: (run: EndedRun) => void): () => void
}

/** Whoever watches the UPSes. */
export interface PowerGuard {
  readonly power: Power
  /** Requests a shutdown of everything, or cancels that request. Returns whether it changes anything. */
  order(at: string | undefined): boolean
  /** Has everyone who waits for a change of the power look again: what a person requested has changed. */
  review(): void
  /** Cancels the shutdowns that the UPSes have started. Returns their labels. */
  callOff(): readonly string[]
  /** Called after each observation, and when a person has changed something, until it is disposed of. */
  onChange(listener: () => void): Disposable
  /** For how long a UPS has been silent, in ms, once that is longer than the policy allows. */
  silentFor(label: string): number | undefined
  /** That there is no reading of a UPS, from the first question without an answer on; undefined where there is one. */
  silence(label: string): Silence | undefined
}

export interface EndedRun {
  readonly job: string
  readonly outcome: RunOutcome
  readonly detail: string
  /** On the agent's monotonic clock, in ms. */
  readonly startedAt: number
}

/** @throws AgentError `not-found` */
export function findJob({ jobs }: Pick<RunningAgent, 'jobs'>, name: string): Job {
  const job = jobs.find((candidate) => candidate.name === name)
  if (job) return job
  throw notFound('job', name, jobs)
}

/** That there is no such thing, with the names that there are. */
export function notFound(
  what: 'job' | 'node' | 'machine' | 'token' | 'channel' | 'UPS',
  name: string,
  known: readonly { readonly name: string }[],
): AgentError {
  const names = known.map((one) => one.name)
  return new AgentError('not-found', describeUnknown([name], names, [what, `${what}s`]))
}
