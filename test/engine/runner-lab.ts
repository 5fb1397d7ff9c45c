import type { NotTaken } from '../../src/engine/kubernetes-lease.ts'
import type { Outcome } from '../../src/core/job.ts'
import type { Purpose } from '../../src/core/lease.ts'
import { createRunner, type Runnable, type RunReport } from '../../src/engine/runner.ts'
import { createTakeoverLock } from '../../src/engine/takeover-lock.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { keptLog } from './orders.ts'

/** Jobs whose context is their signal, and nothing else. */
export type TestJob = Runnable<AbortSignal>

export const now = new Date('2026-11-27T22:00:00.000Z')
export const inMs = (ms: number) => new Date(now.getTime() + ms)
/** When a job that is held up tries again. */
export const retryAt = inMs(15_000)

/** A runner with a Lease that it gets, unless it is `notTaken`, and what came of its runs. */
export function runnerLab({
  notTaken,
  isRollbackWanted = false,
}: { readonly notTaken?: NotTaken; readonly isRollbackWanted?: boolean } = {}) {
  const journal = memoryJournal(() => now)
  const alerts = createAlerts(journal, () => now)
  const { log, lines } = keptLog()
  const lock = createTakeoverLock(50)
  const lost = new AbortController()
  const it = {
    notTaken,
    /** Whom the Lease was asked for. */
    claims: [] as Purpose[],
    /** How it was given back: whether it was kept. */
    released: [] as boolean[],
    /** The jobs that were woken, and who held the cluster then. */
    woken: [] as [string, Purpose | undefined][],
    reports: [] as RunReport[],
  }
  const runner = createRunner<AbortSignal, TestJob>({
    contextOf: (_, signal) => signal,
    lock,
    lease: {
      take: async (purpose) => {
        it.claims.push(purpose)
        return it.notTaken ?? { lost: lost.signal, release: async ({ keep }) => void it.released.push(keep) }
      },
      confirm: async () => {},
    },
    isRollbackWanted: () => isRollbackWanted,
    wake: ({ name }) => void it.woken.push([name, lock.holder]),
    journal,
    alerts,
    log,
    now: () => now,
    monotonic: () => 7_000,
    leaseRetry: 15_000,
  })
  const stopListening = runner.onRun((report) => it.reports.push(report))
  const run = (job: TestJob, signal = new AbortController().signal) => runner.run(job, signal)
  return Object.assign(it, { runner, journal, alerts, lines, lock, lost, run, stopListening })
}

/** A job of an upgrade, unless said otherwise. */
export function jobThat(run: TestJob['run'], more: Partial<TestJob> = {}): TestJob {
  return { name: 'upgrade-node', about: '', triggers: [], runs: 'queue', purpose: 'upgrade', run, ...more }
}

/** A job of nobody's cluster. */
export function lookThat(run: TestJob['run'], name = 'watch-releases'): TestJob {
  return { name, about: '', triggers: [], runs: 'queue', run }
}

/** Does nothing until it is called off; `begun` tells when it has begun. */
export function untilCalledOff() {
  const begun = Promise.withResolvers<AbortSignal>()
  const run = (signal: AbortSignal) =>
    new Promise<Outcome>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('cut off')))
      begun.resolve(signal)
    })
  return { begun: begun.promise, run }
}
