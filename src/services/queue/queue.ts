import type { JobsOptions } from 'bullmq'
import { parseDuration } from '../../core/duration.ts'
import { AgentError } from '../../core/errors.ts'
import type { Job } from '../../operations/job.ts'
import type { FailedEntry, Trigger } from '../../core/job.ts'
import type { Logger } from '../../core/log.ts'
import { Queue, schedules } from './bullmq.ts'
import { answerWithin, closeWithin, impatient, reasonOf, type StoreAddress } from './connection.ts'

/** So many jobs that have failed for good are kept, for people. */
const mostFailed = 100

/**
 * A job is in the queue at most once. Added while it waits, it is woken at once; added while it runs, it runs once more
 * afterwards. So no event is lost, and a hundred events make one run: Kubernetes' work queues behave the same. Both
 * flags are needed.
 */
const onceEach = (job: Pick<Job, 'name'>): JobsOptions => ({
  deduplication: { id: job.name, keepLastIfActive: true, replace: true },
  attempts: 5,
  backoff: { type: 'exponential', delay: 5_000 },
  removeOnComplete: 100,
  removeOnFail: mostFailed,
})

/**
 * What a schedule puts in the queue: a reminder to add the job by the door that every trigger uses. A schedule's own
 * template can't be deduplicated, so that a scheduled job which delays itself would pile up.
 */
export const tick = 'tick'
export interface Tick {
  readonly job: string
}

export interface QueueOptions {
  readonly name: string
  readonly address: StoreAddress
  readonly log: Logger
}

/** A schedule that is due so much later than it could be was set by another clock, in ms. */
const setBack = 60_000

/** How long the store may take to answer those who can't wait, in ms: one of them watches the power. */
const patience = 2_000

export function createQueue({ name, address, log }: QueueOptions) {
  const end = new AbortController()
  const queue = new Queue(name, { connection: impatient(address, end.signal), settings: schedules })
  queue.on('error', (error) => log.debug({ reason: reasonOf(error, address) }, 'queue store unreachable'))

  const answered = <T>(question: Promise<T>): Promise<T> =>
    answerWithin(patience, question).catch((error: unknown) => {
      throw new AgentError('unreachable', `the queue store does not answer: ${reasonOf(error, address)}`)
    })

  async function add(job: Pick<Job, 'name'>): Promise<void> {
    await answerWithin(patience, queue.add(job.name, {}, onceEach(job))).catch((error: unknown) => {
      throw new AgentError('unreachable', `the queue store does not accept ${job.name}: ${reasonOf(error, address)}`)
    })
  }

  return {
    add,
    /** To be asked after a run has delayed itself: whether the job was added meanwhile, and so is to be woken. */
    wasAddedMeanwhile: async (job: Job): Promise<boolean> => {
      // BullMQ keeps it for the run's end, and to be delayed is not the end (src/commands/includes/storeDeduplicatedNextJob.lua).
      const client = await queue.getBackend().client
      return (await client.hexists(queue.toKey(`dn:${job.name}`), 'name')) === 1
    },
    /** Resolves when the store answers. */
    ready: async (): Promise<void> => {
      await queue.waitUntilReady()
    },
    /** Makes the schedules in the store those of the jobs, no more and no fewer. */
    schedule: async (jobs: readonly Job[]): Promise<void> => {
      const wanted = jobs.flatMap((job) =>
        job.triggers.filter(isSchedule).map((trigger, index) => ({
          key: index === 0 ? job.name : `${job.name}#${index + 1}`,
          job,
          trigger,
        })),
      )
      // One that was set by a clock which was ahead would come as much too late.
      for (const { key, next } of await queue.getJobSchedulers()) {
        const trigger = wanted.find((one) => one.key === key)?.trigger
        const every = trigger && 'every' in trigger ? parseDuration(trigger.every)! : Infinity
        if (next !== undefined && next > Date.now() + every + setBack) await queue.removeJobScheduler(key)
      }
      for (const { key, job, trigger } of wanted) {
        const repeat = 'cron' in trigger ? { pattern: trigger.cron } : { every: parseDuration(trigger.every)! }
        const data: Tick = { job: job.name }
        await queue.upsertJobScheduler(key, repeat, {
          name: tick,
          data,
          opts: { removeOnComplete: true, removeOnFail: true },
        })
      }
      for (const { key } of await queue.getJobSchedulers()) {
        if (!wanted.some((one) => one.key === key)) await queue.removeJobScheduler(key)
      }
    },
    /** How many jobs wait, run, are delayed or have failed; undefined when the store does not answer. */
    counts: (): Promise<Record<string, number> | undefined> =>
      answerWithin(patience, queue.getJobCounts('wait', 'active', 'delayed', 'failed')).catch(() => undefined),
    failed: async (): Promise<readonly FailedEntry[]> => {
      const entries = await answered(queue.getFailed(0, mostFailed - 1))
      return entries.map(({ name, failedReason, finishedOn, attemptsMade }) => ({
        job: name,
        ...(finishedOn === undefined ? {} : { failedAt: new Date(finishedOn).toISOString() }),
        reason: failedReason ?? 'no reason given',
        attempts: attemptsMade,
      }))
    },
    clearFailed: async (): Promise<number> => (await answered(queue.clean(0, mostFailed, 'failed'))).length,
    [Symbol.asyncDispose]: async () => {
      end.abort()
      await closeWithin(patience, queue)
    },
  }
}

export type JobQueue = ReturnType<typeof createQueue>

type Schedule = Exclude<Trigger, { on: string }>
const isSchedule = (trigger: Trigger): trigger is Schedule => !('on' in trigger)
