import { createRequire } from 'node:module'
import type * as All from 'bullmq'
import { nextCronTime } from './cron.ts'

/**
 * What is used of BullMQ. Its entry also loads its backends for PostgreSQL and for other runtimes, which no one uses
 * here: 2 MB of memory. Its version is pinned to the digit.
 */
type Used = Pick<typeof All, 'Queue' | 'Worker' | 'DelayedError' | 'UnrecoverableError' | 'WaitingError'>

const require = createRequire(import.meta.url)

/**
 * What BullMQ loads for schedules without a strategy of ours and for other clients of Redis: 1 MB with the calendars of
 * luxon. It is shown empty modules in their place; what would use one fails.
 */
const leftOut = ['cron-parser', './node-redis-client.js', './bun-redis-client.js']

function loadUsed(): Used {
  const { resolve } = createRequire(require.resolve('bullmq/dist/cjs/classes/queue.js'))
  const { cache } = require
  const files = leftOut.map((name) => resolve(name)).filter((file) => !(file in cache))
  for (const file of files) cache[file] = { id: file, filename: file, loaded: true, exports: {} } as NodeJS.Module
  const parts = ['queue', 'worker', 'errors/index'].map(
    (file) => require(`bullmq/dist/cjs/classes/${file}.js`) as object,
  )
  // For others they are what they were.
  for (const file of files) delete cache[file]
  return Object.assign({}, ...parts) as Used
}

export const { Queue, Worker, DelayedError, UnrecoverableError, WaitingError } = loadUsed()

/** How the times of a schedule are found, for the queue as well as for its worker. */
export const schedules: Pick<All.AdvancedRepeatOptions, 'repeatStrategy'> = {
  repeatStrategy: (after, { pattern }) => (pattern === undefined ? undefined : nextCronTime(pattern, after)),
}
