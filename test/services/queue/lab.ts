import { execFileSync } from 'node:child_process'
import { createQueue, type JobQueue } from '../../../src/services/queue/queue.ts'
import { type EmbeddedStore, openEmbeddedStore } from '../../../src/services/queue/store.ts'
import type { StoreAddress } from '../../../src/services/queue/connection.ts'
import { startWorker } from '../../../src/services/queue/worker.ts'
import type { Job } from '../../../src/operations/job.ts'
import { later, type Outcome, type Trigger } from '../../../src/core/job.ts'
import { silentLog } from '../../fakes/log.ts'

/** A job whose runs are the test's. */
export interface TestJob extends Job {
  readonly count: number
}

export function jobThat(
  name: string,
  run: (before: number, signal: AbortSignal) => Promise<Outcome>,
  triggers: readonly Trigger[] = [],
): TestJob {
  let count = 0
  return {
    name,
    about: '',
    triggers,
    runs: 'queue',
    get count() {
      return count
    },
    run: ({ signal }) => run(count++, signal),
  }
}

export const inAnHour = (): Outcome => later('not yet', new Date(Date.now() + 3_600_000))

/** Where the tests must be complete, a missing store is a failure. */
export const isStoreMissing =
  process.env['CI'] !== 'true' && !isInstalled('redis-server') && !isInstalled('valkey-server')
export const skippedWord = isStoreMissing ? ' (skipped: neither redis-server nor valkey-server is installed)' : ''

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const openStore = (directory: string): Promise<EmbeddedStore> =>
  openEmbeddedStore({ directory, searchPath: process.env['PATH'] ?? '', log: silentLog })

export const openQueue = (address: StoreAddress): JobQueue => createQueue({ name: 'test', address, log: silentLog })

export const work = (address: StoreAddress, queue: JobQueue, ...jobs: Job[]): Promise<AsyncDisposable> =>
  startWorker({
    name: 'test',
    address,
    queue,
    jobs,
    runJob: (job, signal) => job.run({ signal } as Parameters<Job['run']>[0]),
    log: silentLog,
  })

/** Ends a process that is not our child. */
export const killProcess = (pid: number, signal: NodeJS.Signals | 0 = 'SIGKILL'): boolean => process.kill(pid, signal)
