import { AgentError } from '../core/errors.ts'
import type { Queue } from '../core/job.ts'

/** The queue, whether there is one at present or not. */
export interface QueueDoor extends Required<Queue> {
  /** From now on jobs go through this one, until it is disposed of. */
  open(queue: Queue): Disposable
}

/** `firstOpened` is called once, when jobs can wait their turn for the first time. */
export function createQueueDoor(firstOpened: () => void): QueueDoor {
  let present: Queue | undefined
  let wasOpen = false
  return {
    open: (queue) => {
      present = queue
      if (!wasOpen) firstOpened()
      wasOpen = true
      return {
        [Symbol.dispose]: () => {
          if (present === queue) present = undefined
        },
      }
    },
    add: async (job) => {
      if (!present) throw new AgentError('unreachable', `the queue is not running, so ${job.name} is not queued`)
      await present.add(job)
    },
    counts: async () => present?.counts?.(),
  }
}
