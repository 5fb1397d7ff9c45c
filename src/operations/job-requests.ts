import { counted } from '../core/count.ts'
import { AgentError } from '../core/errors.ts'
import type { Queue } from '../core/job.ts'
import { runKind } from '../core/journal.ts'
import type { JobRequests, RunAnswer } from '../core/operator.ts'
import { readPage } from '../core/page.ts'
import type { Job } from './job.ts'
import { recordChange, type RequestMeans, unchanged } from './request.ts'
import { findJob, type RunningAgent } from './running-agent.ts'

export interface QueueMeans extends RequestMeans {
  /** What has failed for good. */
  readonly queue: Required<Pick<Queue, 'counts' | 'failed' | 'clearFailed'>>
}

/** Starts jobs, and says how they fared. */
export function createJobRequests({ agent, ports, queue }: QueueMeans): JobRequests {
  const { journal } = ports
  return {
    list: () => {
      const runs = journal.runs(500)
      return agent.jobs.map(({ name, about, triggers, runs: where }) => ({
        name,
        about,
        triggers,
        runs: where,
        lastRun: runs.find((one) => one.job === name),
      }))
    },
    runs: (page) => readPage(journal.runs, runKind.keyOf, page),
    run: async ({ job: name, wait }, { by, signal }) => {
      const job = findJob(agent, name)
      const answer = wait ? runAndWait(agent, job, signal) : startJob(agent, job)
      recordChange(journal, { kind: 'event', subject: name, said: `a run of ${name} was requested` }, by)
      return answer
    },
    failed: () => queue.failed(),
    clearFailed: async ({ by }) => {
      const count = await queue.clearFailed()
      if (count === 0) return unchanged('the queue has no failed entries')
      return recordChange(
        journal,
        {
          kind: 'event',
          subject: 'queue',
          said: `${counted(count, 'failed entry', 'failed entries')} removed from the queue`,
        },
        by,
      )
    },
  }
}

/** Returns when the job was started, or is in the queue. */
export async function startJob(agent: RunningAgent, job: Job): Promise<RunAnswer> {
  await agent.start(job)
  return { outcome: 'started', detail: `a run of ${job.name} was requested` }
}

/**
 * Resolves when a run that starts after this call has ended: one that was under way may have looked before.
 *
 * @param isAnswered whether the run that has just ended dealt with what was asked, though it started before: it may also have
 *   looked after
 * @throws AgentError with the signal's own reason, or `unreachable` where no one waits any more
 */
export function runAndWait(
  agent: RunningAgent,
  job: Job,
  signal: AbortSignal,
  isAnswered: () => boolean = () => false,
): Promise<RunAnswer> {
  const askedAt = agent.monotonic()
  const { promise, resolve, reject } = Promise.withResolvers<RunAnswer>()
  const giveUp = () =>
    reject(
      signal.reason instanceof AgentError
        ? signal.reason
        : new AgentError('unreachable', `no one is waiting for ${job.name} any more`, signal.reason),
    )
  const stop = agent.onRun(({ job: name, outcome, detail, startedAt }) => {
    if (name === job.name && (startedAt >= askedAt || isAnswered())) resolve({ outcome, detail })
  })
  if (signal.aborted) giveUp()
  else {
    signal.addEventListener('abort', giveUp)
    agent.start(job).catch(reject)
  }
  return promise.finally(() => {
    stop()
    signal.removeEventListener('abort', giveUp)
  })
}
