import type { Alerts } from '../core/alert.ts'
import { describeFailure, messageOf } from '../core/errors.ts'
import { type JobSpec, later, type Outcome } from '../core/job.ts'
import type { Journal, RunOutcome } from '../core/journal.ts'
import { whyHeld } from '../core/lease.ts'
import type { Logger } from '../core/log.ts'
import type { KubernetesLease } from './kubernetes-lease.ts'
import type { TakeoverLock } from './takeover-lock.ts'

/** A job as far as running it goes. */
export interface Runnable<Context> extends JobSpec {
  /** Looks, before the lease is taken, whether there is anything to do; an outcome says that there is not. */
  idle?(context: Context): Promise<Outcome | undefined>
  run(context: Context): Promise<Outcome>
}

export interface RunnerOptions<Job extends JobSpec, Context> {
  readonly contextOf: (job: Job, signal: AbortSignal) => Context
  readonly lock: TakeoverLock
  readonly lease: KubernetesLease
  /** Whether a person waits for a node to be rolled back, which may be what makes Kubernetes whole again. */
  readonly isRollbackWanted: () => boolean
  /** Runs a job that found the cluster held, and that no queue brings back. */
  readonly wake: (job: Job) => void
  readonly journal: Pick<Journal, 'beginRun' | 'endRun' | 'openOutage'>
  readonly alerts: Alerts
  readonly log: Logger
  readonly now: () => Date
  readonly monotonic: () => number
  /** When a job that found the lease taken tries again, in ms. */
  readonly leaseRetry: number
}

/** Why a run ended while the agent stops: the job is put back into the queue, and has not failed. */
export class Stopping extends Error {
  override readonly name = 'Stopping'
}

/** What became of one run of a job. */
export interface RunReport {
  readonly job: string
  readonly outcome: RunOutcome
  readonly detail: string
  /** On the agent's monotonic clock, in ms. */
  readonly startedAt: number
}

export interface Runner<Job> {
  /** Runs a job, whoever asks: a worker of the queue, an event, a person or a test. @throws what the job throws, or Stopping */
  run(job: Job, signal: AbortSignal): Promise<Outcome>
  onRun(listener: (report: RunReport) => void): () => void
  /** Cancels what runs; nothing starts after that. */
  stop(): void
  readonly stopping: AbortSignal
  /** The jobs that run now, by name. */
  readonly running: readonly string[]
}

/** Runs jobs, those that change the cluster alone and under the lease, and records their outcome. */
export function createRunner<Context, Job extends Runnable<Context>>(
  options: RunnerOptions<Job, Context>,
): Runner<Job> {
  const { contextOf, lock, lease, isRollbackWanted, wake, journal, alerts, log, now, monotonic, leaseRetry } = options
  const stopping = new AbortController()
  const listeners = new Set<(report: RunReport) => void>()
  /** What the last run of each job came to. */
  const lastSaid = new Map<string, string>()
  /** Jobs that run in process and found the cluster held. */
  const turnedAway = new Set<Job>()
  const running: string[] = []
  const soon = () => new Date(now().getTime() + leaseRetry)

  async function run(job: Job, signal: AbortSignal): Promise<Outcome> {
    const id = journal.beginRun(job.name)
    const startedAt = monotonic()
    running.push(job.name)
    const report = (outcome: RunOutcome, detail: string) => {
      journal.endRun(id, outcome, detail)
      for (const listener of listeners) listener({ job: job.name, outcome, detail, startedAt })
    }
    try {
      const outcome = await attempt(job, AbortSignal.any([signal, stopping.signal]))
      const detail = outcome.kind === 'later' ? outcome.reason : outcome.summary
      report(outcome.kind, detail)
      alerts.settle(`job.failed:${job.name}`)
      // The same wait every few seconds is not logged again.
      const isRepeated = outcome.kind === 'later' && lastSaid.get(job.name) === detail
      log[isRepeated ? 'debug' : 'info']({ job: job.name, outcome: outcome.kind }, detail)
      lastSaid.set(job.name, detail)
      return outcome
    } catch (error) {
      if (stopping.signal.aborted || signal.aborted) {
        const why = stopping.signal.aborted ? 'the agent was stopped' : messageOf(signal.reason)
        report('stopped', `${why}; the job continues later`)
        throw new Stopping('the agent is stopping')
      }
      report('failed', describeFailure(error))
      reportFailure(job, error)
      throw error
    } finally {
      running.splice(running.indexOf(job.name), 1)
    }
  }

  function reportFailure(job: Job, error: unknown): void {
    alerts.open(`job.failed:${job.name}`, {
      // No one else brings the cluster down, or back.
      severity: job.purpose === 'shutdown' ? 'critical' : 'warning',
      subject: job.name,
      text: `${job.name} failed: ${describeFailure(error)}`,
    })
    log.error({ job: job.name, err: error }, 'job failed')
  }

  async function attempt(job: Job, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted()
    const nothing = await job.idle?.(contextOf(job, signal))
    if (nothing) return nothing
    if (!job.purpose) return job.run(contextOf(job, signal))
    using stack = new DisposableStack()
    const held = await lock.acquire(job.purpose)
    if (!held) {
      if (job.runs === 'in-process') turnedAway.add(job)
      return later(whyHeld(lock.holder), soon())
    }
    // In this order when it ends: the cluster is free, and who waited for it hears of it at once.
    stack.defer(() => {
      for (const waiting of turnedAway) wake(waiting)
      turnedAway.clear()
    })
    stack.use(held)
    try {
      return await runHolding(job, signal, held.signal)
    } catch (error) {
      // Taken over: what was started is resumed from what is observed then.
      if (held.signal.aborted && !signal.aborted) return later(messageOf(held.signal.reason), soon())
      throw error
    }
  }

  /** Runs a job that holds the cluster in this process, under Kubernetes' Lease where that can be had. */
  async function runHolding(job: Job, signal: AbortSignal, takenOver: AbortSignal): Promise<Outcome> {
    const taken = await lease.take(job.purpose!, AbortSignal.any([signal, takenOver]))
    if ('why' in taken) {
      // After our own shutdown the API is away because we wanted it so.
      if (!journal.openOutage())
        alerts.open('cluster.lease', { severity: 'warning', subject: 'cluster', text: taken.why })
      // A control plane that hangs may have taken the API with it, and taking it back is what makes it whole.
      if (taken.held || job.purpose !== 'upgrade' || !isRollbackWanted()) return later(taken.why, soon())
      // Awaited: the cluster is held for as long as the run lasts.
      return await job.run(contextOf(job, AbortSignal.any([signal, takenOver])))
    }
    alerts.settle('cluster.lease')
    let goesOn = false
    try {
      const outcome = await job.run(contextOf(job, AbortSignal.any([signal, takenOver, taken.lost])))
      goesOn = outcome.kind === 'later' && outcome.at <= now()
      return outcome
    } catch (error) {
      if (taken.lost.aborted && !signal.aborted && !takenOver.aborted)
        return later(messageOf(taken.lost.reason), soon())
      throw error
    } finally {
      await taken.release({ keep: goesOn })
    }
  }

  return {
    run,
    onRun: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => stopping.abort(new Stopping('the agent is stopping')),
    stopping: stopping.signal,
    running,
  }
}
