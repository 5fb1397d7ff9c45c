import { Worker } from 'node:worker_threads'
import type { PoolRunnerInitializer, PoolWorker } from 'vitest/node'

/** Each run leaves a listener of vitest's behind in the thread, so it is replaced from time to time. */
const mostRuns = 100

/**
 * A pool of one thread that stays from run to run: vitest's own start one for each run, which takes longer by far than most
 * tests of what is pure. For tests that leave nothing behind.
 */
export function lastingPool(): PoolRunnerInitializer {
  let thread: Worker | undefined
  let runs = 0
  const there = () => (thread ??= new Worker(new URL('lasting-worker.ts', import.meta.url)))
  const createPoolWorker = (): PoolWorker => ({
    name: 'lasting',
    on: (event, callback) => void there().on(event, callback),
    off: (event, callback) => void thread?.off(event, callback),
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    send: (message) => there().postMessage(message),
    deserialize: (data) => data,
    start: async () => void there().setMaxListeners(0),
    stop: async () => {
      runs += 1
      if (runs % mostRuns !== 0) return
      await thread?.terminate()
      thread = undefined
    },
  })
  return { name: 'lasting', createPoolWorker }
}
