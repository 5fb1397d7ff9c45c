import type { Job as QueuedJob } from 'bullmq'
import { Redis } from 'ioredis'
import { AgentError, assertNever, messageOf } from '../../core/errors.ts'
import type { Job } from '../../operations/job.ts'
import type { Outcome } from '../../core/job.ts'
import type { Logger } from '../../core/log.ts'
import { DelayedError, schedules, UnrecoverableError, WaitingError, Worker } from './bullmq.ts'
import { closeWithin, once, patient, reasonOf, type StoreAddress } from './connection.ts'
import { type JobQueue, tick, type Tick } from './queue.ts'

export interface WorkerOptions {
  readonly name: string
  readonly address: StoreAddress
  readonly queue: Pick<JobQueue, 'add' | 'wasAddedMeanwhile'>
  readonly jobs: readonly Job[]
  readonly runJob: (job: Job, signal: AbortSignal) => Promise<Outcome>
  readonly log: Logger
}

/** In ms; renewed at half of it. A longer one only delays the recovery from a crash. */
const lockDuration = 10_000
const stalledInterval = 5_000
/** How long the store may take when we stop, in ms: jobs that can't be given back stall, and are given out again later. */
const farewell = 3_000

/** The only place that knows how a job's outcome is told to BullMQ. */
export async function startWorker({
  name,
  address,
  queue,
  jobs,
  runJob,
  log,
}: WorkerOptions): Promise<AsyncDisposable> {
  const byName = new Map(jobs.map((job) => [job.name, job]))
  let stopping = false

  function find(jobName: string): Job {
    const job = byName.get(jobName)
    if (!job) throw new UnrecoverableError(`there is no job ${jobName}`)
    return job
  }

  // Three parameters, or BullMQ makes no signal.
  async function work(queued: QueuedJob, token: string | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    // A fetch that was under way when we started to stop may still bring us a job, the one just given back for instance.
    if (stopping) return giveBack(queued, token)
    if (queued.name === tick) return queue.add(find((queued.data as Tick).job))

    const job = find(queued.name)
    let outcome: Outcome
    try {
      outcome = await runJob(job, signal ?? new AbortController().signal)
    } catch (error) {
      if (stopping) return giveBack(queued, token)
      if (error instanceof AgentError && !error.retryable) throw unrecoverable(error)
      throw error
    }
    switch (outcome.kind) {
      case 'done':
      case 'stuck':
        return outcome.summary
      case 'later':
        await queued.moveToDelayed(outcome.at.getTime(), token)
        // What came during the run is not to wait as long as the run itself wants to.
        await wakeIfAddedMeanwhile(job)
        throw new DelayedError()
      default:
        return assertNever(outcome)
    }
  }

  /** Puts the job back: stopping is not failing, and uses up no attempt. */
  async function giveBack(queued: QueuedJob, token: string | undefined): Promise<never> {
    await queued.moveToWait(token)
    throw new WaitingError()
  }

  async function wakeIfAddedMeanwhile(job: Job): Promise<void> {
    try {
      if (await queue.wasAddedMeanwhile(job)) await queue.add(job)
    } catch (error) {
      log.warn({ job: job.name, reason: messageOf(error) }, 'not woken early; it runs as scheduled')
    }
  }

  await reclaim(name, address).catch((error: unknown) =>
    log.warn({ reason: reasonOf(error, address) }, 'jobs of a killed agent not reclaimed; they stall first'),
  )
  const end = new AbortController()
  const worker = new Worker(name, work, {
    connection: patient(address, end.signal),
    settings: schedules,
    concurrency: 4,
    lockDuration,
    stalledInterval,
    // A killed agent's job is given out again however often: every step is safe to do twice.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  })
  worker.on('error', (error) => log.debug({ reason: reasonOf(error, address) }, 'queue store unreachable'))
  // Another worker may have the job by now: two runs must not overlap.
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'the lock was lost')
  })

  return {
    [Symbol.asyncDispose]: async () => {
      stopping = true
      end.abort()
      worker.cancelAllJobs('the agent is stopping')
      await closeWithin(farewell, worker)
    },
  }
}

/** BullMQ tries it no further, and keeps the stack of what was thrown. */
function unrecoverable(error: AgentError): Error {
  const { message, stack = message } = error
  return Object.assign(new UnrecoverableError(message), { cause: error, stack })
}

/**
 * Gives out at once what a killed agent was running, which would otherwise wait until its lock runs out: the lock is
 * removed and the job marked as stalled, as BullMQ's own check does when it finds no lock. This uses BullMQ's own keys
 * (bullmq src/commands/moveStalledJobsToWait-8.lua), which is why its version is pinned. One agent works on a queue.
 */
async function reclaim(name: string, address: StoreAddress): Promise<void> {
  const client = new Redis(once(address))
  client.on('error', () => {})
  try {
    await client.connect()
    const prefix = `bull:${name}`
    const active = await client.lrange(`${prefix}:active`, 0, -1)
    if (active.length === 0) return
    await client.del(...active.map((id) => `${prefix}:${id}:lock`), `${prefix}:stalled-check`)
    await client.sadd(`${prefix}:stalled`, ...active)
  } finally {
    client.disconnect()
  }
}
