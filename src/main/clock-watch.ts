import type { Job } from '../operations/job.ts'
import type { WatchedClock } from '../operations/clock.ts'

/** Between two looks at the clock, in ms. */
const lookEvery = 5_000

export interface ClockWatchOptions {
  readonly clock: Pick<WatchedClock, 'look'>
  readonly jobs: readonly Job[]
  /** Queues a job. */
  readonly start: (job: Job) => Promise<void>
  /** What else goes by the time. */
  readonly recheck: () => void
}

/**
 * Looks at the clock for as long as the daemon runs. When it was set, what the queue holds back until a time is woken:
 * those times are of another clock, and a job that has nothing to do yet says so.
 */
export function watchClock({ clock, jobs, start, recheck }: ClockWatchOptions): Disposable {
  const timer = setInterval(() => {
    if (!clock.look()) return
    for (const job of jobs) if (job.runs === 'queue') void start(job).catch(() => {})
    recheck()
  }, lookEvery)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
