import { AgentError } from '../core/errors.ts'
import type { JobRequests, RunAnswer } from '../core/operator.ts'
import type { Job } from './job.ts'
import { recordChange, type RequestMeans } from './request.ts'
import { findJob, type RunningAgent } from './running-agent.ts'

/** Starts jobs, and says how they fared. */
export function createJobRequests({ agent, ports }: RequestMeans): JobRequests {
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
    runs: (limit) => journal.runs(limit),
    run: async ({ job: name, wait }, { by, signal }) => {
      const job = findJob(agent, name)
      const answer = wait ? runAndWait(agent, job, signal) : startJob(agent, job)
      recordChange(journal, { kind: 'event', subject: name, said: `a run of ${name} was requested` }, by)
      return answer
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
 * @throws AgentError with the signal's own reason, or `unreachable` where no one waits any more
 */
export function runAndWait(agent: RunningAgent, job: Job, signal: AbortSignal): Promise<RunAnswer> {
  const askedAt = agent.monotonic()
  const { promise, resolve, reject } = Promise.withResolvers<RunAnswer>()
  const giveUp = () =>
    reject(
      signal.reason instanceof AgentError
        ? signal.reason
        : new AgentError('unreachable', `no one is waiting for ${job.name} any more`, signal.reason),
    )
  const stop = agent.onRun(({ job: name, outcome, detail, startedAt }) => {
    if (name === job.name && startedAt >= askedAt) resolve({ outcome, detail })
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
