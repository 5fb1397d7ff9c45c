import { createRequire } from 'node:module'
import type * as All from 'bullmq'
import { nextCronTime } from './cron.ts'

/**
 * What is used of BullMQ. Its entry also loads its backends for PostgreSQL and for other runtimes, which no one uses
 * here: 2 MB of memory. Its version is pinned to the digit.
 */
type Used = Pick<typeof All, 'Queue' | 'Worker' | 'DelayedError' | 'UnrecoverableError' | 'WaitingError'>

const require = createRequire(import.meta.url)
const load = (file: string): unknown => require(`bullmq/dist/cjs/classes/${file}.js`)
export const { Queue, Worker, DelayedError, UnrecoverableError, WaitingError } = {
  ...(load('queue') as object),
  ...(load('worker') as object),
  ...(load('errors/index') as object),
} as Used

/** How the times of a schedule are found, for the queue as well as for its worker. */
export const schedules: Pick<All.AdvancedRepeatOptions, 'repeatStrategy'> = {
  repeatStrategy: (after, { pattern }) => (pattern === undefined ? undefined : nextCronTime(pattern, after)),
}
