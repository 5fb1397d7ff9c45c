import { AgentError } from '../core/errors.ts'
import type { Queue } from '../core/job.ts'

/** The queue, whether or not one is open. */
export interface QueueDoor extends Required<Queue> {
  /** From now on jobs go through this one, until it is disposed of. */
  open(queue: Queue): Disposable
}

/**
 * `firstOpened` is called once, when jobs can wait their turn for the first time. What is added before that, while the
 * queue starts, is kept in memory and goes through then.
 */
export function createQueueDoor(firstOpened: () => void): QueueDoor {
  let present: Queue | undefined
  let wasOpen = false
  const early = new Map<string, Parameters<Queue['add']>[0]>()

  function openFirst(queue: Queue): void {
    wasOpen = true
    // One that is lost is added again by its next trigger.
    for (const job of early.values()) void queue.add(job).catch(() => {})
    early.clear()
    firstOpened()
  }

  return {
    open: (queue) => {
      present = queue
      if (!wasOpen) openFirst(queue)
      return {
        [Symbol.dispose]: () => {
          if (present === queue) present = undefined
        },
      }
    },
    add: async (job) => {
      if (!wasOpen) {
        early.set(job.name, job)
        return
      }
      await demand(present, `, so ${job.name} is not queued`).add(job)
    },
    counts: async () => present?.counts?.(),
    failed: async () => (await demand(present).failed?.()) ?? [],
    clearFailed: async () => (await demand(present).clearFailed?.()) ?? 0,
  }
}

function demand(queue: Queue | undefined, consequence = ''): Queue {
  if (queue) return queue
  throw new AgentError('unreachable', `the queue is not running${consequence}`)
}
