import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../core/errors.ts'
import type { Queue } from '../core/job.ts'

/** The queue, whether there is one at present or not. */
export interface QueueDoor extends Required<Queue> {
  /** From now on jobs go through this one, until it is disposed of. */
  open(queue: Queue): Disposable
}

/** How long a job waits for the queue of a daemon that has just started, in ms. */
const startsWithin = 2_000

/**
 * `firstOpened` is called once, when jobs can wait their turn for the first time. Whoever comes before that waits for it
 * for a moment: the socket answers before the store does.
 */
export function createQueueDoor(firstOpened: () => void, patience = startsWithin): QueueDoor {
  let present: Queue | undefined
  let wasOpen = false
  const opened = Promise.withResolvers<void>()
  return {
    open: (queue) => {
      present = queue
      if (!wasOpen) firstOpened()
      wasOpen = true
      opened.resolve()
      return {
        [Symbol.dispose]: () => {
          if (present === queue) present = undefined
        },
      }
    },
    add: async (job) => {
      if (!wasOpen) await Promise.race([opened.promise, sleep(patience, undefined, { ref: false })])
      if (!present) throw new AgentError('unreachable', `the queue does not run, so ${job.name} is not queued`)
      await present.add(job)
    },
    counts: async () => present?.counts?.(),
  }
}
