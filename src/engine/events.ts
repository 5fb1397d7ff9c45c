import { messageOf } from '../core/errors.ts'
import { describeEvent, type Event, subjectOf } from '../core/event.ts'
import type { JobSpec, Queue } from '../core/job.ts'
import type { Journal } from '../core/journal.ts'
import type { Logger } from '../core/log.ts'

export interface EventsOptions<Job extends JobSpec> {
  readonly jobs: readonly Job[]
  readonly queue: Queue
  /** Runs a job in this process. */
  readonly wake: (job: Job) => void
  readonly journal: Pick<Journal, 'write'>
  readonly log: Logger
}

export interface Events {
  /** Delivers the event to every subscriber. Never rejects. */
  emit(event: Event): Promise<void>
  /** Called with each event, in this process, until it is disposed of. */
  subscribe(listener: (event: Event) => void): Disposable
}

/** Delivers events to the jobs that they wake, to the journal, and to listeners. */
export function createEvents<Job extends JobSpec>(options: EventsOptions<Job>): Events {
  const { jobs, queue, wake, journal, log } = options
  const listeners = new Set<(event: Event) => void>()

  function tell(event: Event): void {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (error) {
        log.error({ err: error, event }, 'a listener failed')
      }
    }
  }

  /** By the door that every trigger uses. A queue that is away is no reason to fail: its schedules catch up later. */
  async function enqueue(job: Job): Promise<void> {
    await queue
      .add(job)
      .catch((error: unknown) => log.warn({ job: job.name, reason: messageOf(error) }, 'job not queued'))
  }

  return {
    emit: async (event) => {
      const text = describeEvent(event)
      log.info({ event }, text)
      const woken = jobs.filter((job) => job.triggers.some((trigger) => 'on' in trigger && trigger.on === event.type))
      // Those that run in process come first: what the queue's store does must not keep them waiting.
      for (const job of woken) if (job.runs === 'in-process') wake(job)
      const kind = event.type.startsWith('power.') ? 'power' : 'event'
      // What is an alert as well has its sentence from there.
      if (!alerting.includes(event.type)) journal.write({ kind, subject: subjectOf(event), text })
      tell(event)
      await Promise.all(woken.filter((job) => job.runs === 'queue').map(enqueue))
    },
    subscribe: (listener) => {
      // The same listener twice is two subscriptions.
      const own = (event: Event) => listener(event)
      listeners.add(own)
      return { [Symbol.dispose]: () => void listeners.delete(own) }
    },
  }
}

/** Events that open an alert in the same words. */
const alerting: readonly Event['type'][] = ['power.forced', 'power.latched']
