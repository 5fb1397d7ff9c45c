import { describe, expect, test } from 'vitest'
import { beginOutage } from '../../src/core/power/outage.ts'
import { done, later, type Outcome, stuck } from '../../src/core/job.ts'
import { Stopping } from '../../src/engine/runner.ts'
import { inMs, jobThat, lookThat, now, retryAt, runnerLab, type TestJob, untilCalledOff } from './runner-lab.ts'

const held = { why: 'the other agent holds the Lease (upgrade)', held: true }
const away = { why: "the cluster's Lease can't be taken: no answer", held: false }

describe('while a job changes the cluster', () => {
  async function whileItRuns(job: Partial<TestJob> = {}) {
    const it = runnerLab()
    const end = Promise.withResolvers<Outcome>()
    const running = it.run(jobThat(() => end.promise, job))
    await expect.poll(() => it.claims).toHaveLength(1)
    const ends = async () => {
      end.resolve(done(''))
      await running
    }
    return { it, ends }
  }

  test('one that only looks runs beside it, and asks nobody', async () => {
    const { it, ends } = await whileItRuns()
    expect(await it.run(lookThat(async () => done('seen')))).toEqual(done('seen'))
    await ends()
    expect(it.claims).toEqual(['upgrade'])
  })

  test('no other does, and is told when to try again', async () => {
    const { it, ends } = await whileItRuns({ purpose: 'recovery' })
    let isRun = false
    const other = jobThat(async () => {
      isRun = true
      return done('')
    })
    const reason = 'waiting for the recovery from a power cut to end: see `caretaker status`'
    expect(await it.run(other)).toEqual(later(reason, retryAt))
    await ends()
    expect([isRun, it.claims]).toEqual([false, ['recovery']])
  })

  test('those that no queue brings back are woken once, as soon as the cluster is free', async () => {
    const { it, ends } = await whileItRuns()
    const never = async () => done('')
    const jobs = (['in-process', 'queue'] as const).map((runs) =>
      jobThat(never, { name: runs, runs, purpose: 'recovery' }),
    )
    for (const job of [...jobs, ...jobs]) await it.run(job)
    expect(it.woken).toEqual([])
    await ends()
    expect(it.woken).toEqual([['in-process', undefined]])
    await it.run(jobThat(never))
    expect(it.woken).toHaveLength(1)
  })
})

describe('a job that does not get the Lease', () => {
  const outcomes = { waits: (why: string) => later(why, retryAt), runs: () => done('it ran') }

  test.each<{
    name: string
    notTaken: typeof held
    job?: Partial<TestJob>
    isRollbackWanted?: boolean
    outcome: keyof typeof outcomes
  }>([
    { name: 'another agent has it', notTaken: held, outcome: 'waits' },
    { name: 'another agent has it, whatever a person wants', notTaken: held, isRollbackWanted: true, outcome: 'waits' },
    { name: 'nobody can tell', notTaken: away, outcome: 'waits' },
    {
      name: 'nobody can tell, and a rollback may bring the API back',
      notTaken: away,
      isRollbackWanted: true,
      outcome: 'runs',
    },
    {
      name: 'nobody can tell, and it is a rehearsal',
      notTaken: away,
      isRollbackWanted: true,
      job: { purpose: 'rehearsal' },
      outcome: 'waits',
    },
  ])('$outcome where $name', async ({ notTaken, job, isRollbackWanted = false, outcome }) => {
    const it = runnerLab({ notTaken, isRollbackWanted })
    expect(await it.run(jobThat(async () => done('it ran'), job))).toEqual(outcomes[outcome](notTaken.why))
    expect(it.lock.holder).toBeUndefined()
  })

  test('is an alert until it gets it', async () => {
    const it = runnerLab({ notTaken: held })
    const job = jobThat(async () => done(''))
    await it.run(job)
    expect(it.alerts.all).toMatchObject([
      { id: 'cluster.lease', severity: 'warning', subject: 'cluster', text: held.why },
    ])
    it.notTaken = undefined
    await it.run(job)
    expect(it.alerts.all).toEqual([])
  })

  test('is none while the API is away because we have shut it down', async () => {
    const it = runnerLab({ notTaken: away })
    it.journal.saveOutage(beginOutage(now, 'on-battery'))
    await it.run(jobThat(async () => done('')))
    expect(it.alerts.all).toEqual([])
  })
})

type Lab = ReturnType<typeof runnerLab>
interface Ending {
  readonly lab: Lab
  readonly own: AbortController
}
const ways = {
  'the agent ends': ({ lab }: Ending) => lab.runner.stop(),
  'its caller calls it off': ({ own }: Ending) => own.abort(new Error('the queue is lost')),
  'a shutdown takes over': ({ lab }: Ending) => void lab.lock.acquire('shutdown'),
  'another agent takes the Lease': ({ lab }: Ending) => lab.lost.abort(new Error('the other agent has it')),
}
type Way = keyof typeof ways

async function endedBy(lab: Lab, ...by: readonly Way[]) {
  const own = new AbortController()
  const { begun, run } = untilCalledOff()
  const running = lab.run(jobThat(run), own.signal)
  await begun
  for (const way of by) ways[way]({ lab, own })
  return running.catch((error: unknown) => error)
}

describe('a job that changes the cluster', () => {
  const isStopping = expect.any(Stopping)
  const takenOver = later('taken over by shutdown', retryAt)

  test.each<{ by: Way[]; is: unknown }>([
    { by: ['the agent ends'], is: isStopping },
    { by: ['its caller calls it off'], is: isStopping },
    { by: ['a shutdown takes over'], is: takenOver },
    { by: ['another agent takes the Lease'], is: later('the other agent has it', retryAt) },
    { by: ['another agent takes the Lease', 'a shutdown takes over'], is: takenOver },
    { by: ['another agent takes the Lease', 'the agent ends'], is: isStopping },
    { by: ['a shutdown takes over', 'its caller calls it off'], is: isStopping },
  ])('hears that $by, and has not failed', async ({ by, is }) => {
    const lab = runnerLab()
    expect(await endedBy(lab, ...by)).toEqual(is)
    expect([lab.alerts.all, lab.released]).toEqual([[], [false]])
  })

  test.each<{ by: Way; is: unknown }>([
    { by: 'the agent ends', is: isStopping },
    { by: 'its caller calls it off', is: isStopping },
    { by: 'a shutdown takes over', is: takenOver },
  ])('without the Lease hears that $by as well', async ({ by, is }) => {
    expect(await endedBy(runnerLab({ notTaken: away, isRollbackWanted: true }), by)).toEqual(is)
  })

  test('that has ended well has done so, whoever holds the cluster by then', async () => {
    const lab = runnerLab()
    const upgraded = async () => {
      lab.lost.abort(new Error('the other agent has it'))
      return done('upgraded')
    }
    expect(await lab.run(jobThat(upgraded))).toEqual(done('upgraded'))
  })

  test('that fails by itself has failed, and the cluster is free', async () => {
    const lab = runnerLab()
    const error = new Error('x is undefined')
    await expect(lab.run(jobThat(() => Promise.reject(error)))).rejects.toBe(error)
    expect([lab.lock.holder, lab.released]).toEqual([undefined, [false]])
  })

  test.each<{ outcome: Outcome; isKept: boolean }>([
    { outcome: later('the next node', inMs(-1)), isKept: true },
    { outcome: later('the next node', now), isKept: true },
    { outcome: later('it soaks', inMs(1)), isKept: false },
    { outcome: done('all are upgraded'), isKept: false },
    { outcome: stuck('a person must help'), isKept: false },
  ])('keeps the Lease where it goes on at once: $outcome', async ({ outcome, isKept }) => {
    const lab = runnerLab()
    await lab.run(jobThat(async () => outcome))
    expect(lab.released).toEqual([isKept])
  })
})
