import { expect, test } from 'vitest'
import { done, type Outcome } from '../../src/core/job.ts'
import { createKubernetesLease } from '../../src/engine/kubernetes-lease.ts'
import { createRunner, type Runnable, Stopping } from '../../src/engine/runner.ts'
import { createTakeoverLock } from '../../src/engine/takeover-lock.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { AgentError } from '../../src/core/errors.ts'

type TestJob = Runnable<AbortSignal>

/** A runner of jobs whose context is their signal, and nothing else; Kubernetes is away unless it `answers`; it may hang. */
function lab({ answers = true, hangs = false, isRollbackWanted = false } = {}) {
  const journal = memoryJournal()
  const alerts = createAlerts(journal, () => new Date())
  const kubernetes = {
    takeLease: async (_: unknown, signal: AbortSignal) => {
      if (hangs) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))))
      if (!answers) throw new AgentError('unreachable', 'the API is away')
      return { held: true } as const
    },
    releaseLease: async () => {},
  }
  const lock = createTakeoverLock(50)
  const runner = createRunner<AbortSignal, TestJob>({
    contextOf: (_, signal) => signal,
    lock,
    lease: createKubernetesLease(kubernetes, 'caretaker', silentLog),
    isRollbackWanted: () => isRollbackWanted,
    wake: () => {},
    journal,
    alerts,
    log: silentLog,
    now: () => new Date(),
    monotonic: () => 0,
    leaseRetry: 5,
  })
  return { runner, lock, journal, alerts, run: (job: TestJob) => runner.run(job, new AbortController().signal) }
}

function jobThat(run: () => Promise<Outcome>, more: Partial<TestJob> = {}): TestJob {
  return { name: 'upgrade-node', about: '', triggers: [], runs: 'queue', purpose: 'upgrade', run, ...more }
}

test.each([
  { title: 'with its Lease', answers: true },
  { title: 'without Kubernetes, where a person wants a node rolled back', answers: false },
])('a run $title holds the cluster until it ends', async ({ answers }) => {
  const it = lab({ answers, isRollbackWanted: true })
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const running = it.run(
    jobThat(async () => {
      begun.resolve()
      await end.promise
      return done('rolled back')
    }),
  )
  await begun.promise
  expect(it.lock.holder).toBe('upgrade')
  expect(await it.run(jobThat(async () => done('beside it')))).toMatchObject({
    kind: 'later',
    reason: 'waiting for the upgrade of a node to end: see `caretaker status`',
  })
  end.resolve()
  expect(await running).toEqual(done('rolled back'))
  expect(it.lock.holder).toBeUndefined()
})

test('without Kubernetes nothing is upgraded', async () => {
  const it = lab({ answers: false })
  expect(await it.run(jobThat(async () => done('upgraded')))).toMatchObject({
    kind: 'later',
    reason: expect.stringContaining('the API is away'),
  })
})

test('what has nothing to do asks nobody for the cluster', async () => {
  const it = lab({ answers: false })
  expect(await it.run(jobThat(async () => done('upgraded'), { idle: async () => done('nothing to do') }))).toEqual(
    done('nothing to do'),
  )
})

test('a run that is stopped has not failed, and the journal says that it goes on later', async () => {
  const it = lab()
  const job = jobThat(async () => done(''), {
    run: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut off')))),
  })
  const running = it.run(job)
  it.runner.stop()
  await expect(running).rejects.toBeInstanceOf(Stopping)
  expect(it.journal.runs(1)).toMatchObject([
    { outcome: 'stopped', detail: 'the agent was stopped; the job continues later' },
  ])
})

test.each([
  { title: 'while it waits for an answer about the Lease', answers: false },
  { title: 'in the middle of its work', answers: true },
])('a run that a shutdown takes over $title has not failed, and continues later', async ({ answers }) => {
  const it = lab({ answers, hangs: !answers })
  const cutOff = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut off'))))
  const running = it.run(jobThat(async () => done(''), { run: cutOff }))
  await expect.poll(() => it.lock.holder).toBe('upgrade')
  using _ = await it.lock.acquire('shutdown')
  expect(await running).toMatchObject({ kind: 'later', reason: 'taken over by shutdown' })
  expect(it.alerts.all).toEqual([])
})
