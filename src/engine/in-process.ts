import type { JobSpec, Outcome } from '../core/job.ts'

export interface InProcessOptions<Job extends JobSpec> {
  run(job: Job): Promise<Outcome>
  /** What to do after a run that failed: jobs that run here are never given up. */
  failed(job: Job, error: unknown): Outcome
  now(): Date
  /** Monotonic clock, in ms: Node's own unless said. */
  monotonic?(): number
}

/** Longer timers than this overflow in Node; looking early is harmless. */
const longestTimer = 2 ** 31 - 1

/**
 * Runs jobs in this process, without the queue and its store: the same manners by simpler means. A job runs at most once
 * at a time; woken while it runs, it runs once more afterwards; `later` is a timer, and a wake-up comes before it.
 */
export function createInProcess<Job extends JobSpec>({
  run,
  failed,
  now,
  monotonic = () => performance.now(),
}: InProcessOptions<Job>) {
  interface Slot {
    running: Promise<void> | undefined
    again: boolean
    timer: NodeJS.Timeout | undefined
  }
  const slots = new Map<string, Slot>()
  const stopping = new AbortController()

  function wake(job: Job): void {
    if (stopping.signal.aborted) return
    const slot = slots.get(job.name) ?? { running: undefined, again: false, timer: undefined }
    slots.set(job.name, slot)
    clearTimeout(slot.timer)
    slot.timer = undefined
    if (slot.running) slot.again = true
    else slot.running = work(job, slot)
  }

  async function work(job: Job, slot: Slot): Promise<void> {
    let outcome: Outcome
    let offset: number
    do {
      slot.again = false
      offset = now().getTime() - monotonic()
      outcome = await run(job).catch((error: unknown) => failed(job, error))
    } while (slot.again && !stopping.signal.aborted)
    // In the same tick as the last check of `again`: a wake-up in between would be lost.
    slot.running = undefined
    if (outcome.kind === 'later' && !stopping.signal.aborted) {
      // A clock that was set back during the run: the time may be of the clock before.
      const present = Math.max(now().getTime(), offset + monotonic())
      const wait = Math.min(longestTimer, Math.max(0, outcome.at.getTime() - present))
      slot.timer = setTimeout(() => wake(job), wait)
    }
  }

  const running = () => [...slots.values()].flatMap((slot) => slot.running ?? [])

  return {
    /** Runs the job now, or once more after its current run. */
    wake,
    /** Resolves when nothing runs; timers may still be set. */
    idle: async (): Promise<void> => {
      for (let left = running(); left.length > 0; left = running()) await Promise.all(left)
    },
    stop: async (): Promise<void> => {
      stopping.abort()
      for (const slot of slots.values()) clearTimeout(slot.timer)
      await Promise.all(running())
    },
  }
}
