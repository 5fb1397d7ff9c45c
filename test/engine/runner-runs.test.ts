import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { done, later, type Outcome, stuck } from '../../src/core/job.ts'
import type { Purpose } from '../../src/core/lease.ts'
import { Stopping } from '../../src/engine/runner.ts'
import { inMs, jobThat, lookThat, runnerLab, untilCalledOff } from './runner-lab.ts'

describe('a run that ends', () => {
  test.each<{ is: Outcome; detail: string }>([
    { is: done('v1.14.1 is known'), detail: 'v1.14.1 is known' },
    { is: stuck('a person must help'), detail: 'a person must help' },
    { is: later('it soaks', inMs(60_000)), detail: 'it soaks' },
  ])('is on record, and told ($is.kind)', async ({ is, detail }) => {
    const it = runnerLab()
    expect(await it.run(lookThat(async () => is))).toBe(is)
    expect(it.journal.runs(9)).toMatchObject([{ job: 'watch-releases', outcome: is.kind, detail }])
    expect(it.reports).toEqual([{ job: 'watch-releases', outcome: is.kind, detail, startedAt: 7_000 }])
    expect(it.lines).toEqual([`info: ${detail}`])
  })

  test('is told to nobody who listens no more', async () => {
    const it = runnerLab()
    it.stopListening()
    await it.run(lookThat(async () => done('')))
    expect(it.reports).toEqual([])
  })

  test('is listed for as long as it runs, beside others', async () => {
    const it = runnerLab()
    const ends = { first: Promise.withResolvers<Outcome>(), second: Promise.withResolvers<Outcome>() }
    const first = it.run(lookThat(() => ends.first.promise, 'first'))
    const second = it.run(lookThat(() => ends.second.promise, 'second'))
    expect(it.runner.running).toEqual(['first', 'second'])
    ends.second.resolve(done(''))
    await second
    expect(it.runner.running).toEqual(['first'])
    ends.first.resolve(done(''))
    await first
    expect(it.runner.running).toEqual([])
  })

  test('is logged quietly where it waits for the same again, and only then', async () => {
    const it = runnerLab()
    const says = async (outcome: Outcome, name?: string) => it.run(lookThat(async () => outcome, name))
    const waits = later('it soaks', inMs(60_000))
    for (const outcome of [waits, waits, later('it is night', inMs(60_000)), waits]) await says(outcome)
    await says(waits, 'another job')
    for (const outcome of [done('it soaks'), done('it soaks')]) await says(outcome)
    expect(it.lines.map((line) => line.split(':')[0])).toEqual([
      'info',
      'debug',
      'info',
      'info',
      'info',
      'info',
      'info',
    ])
  })
})

describe('a run that fails', () => {
  test.each<{ purpose: Purpose | undefined; severity: string }>([
    // No one else brings the cluster down, or back.
    { purpose: 'shutdown', severity: 'critical' },
    { purpose: 'recovery', severity: 'warning' },
    { purpose: 'upgrade', severity: 'warning' },
    { purpose: undefined, severity: 'warning' },
  ])('is on record and an alert ($purpose), until the job ends well', async ({ purpose, severity }) => {
    const it = runnerLab()
    const more = purpose === undefined ? {} : { purpose }
    const error = new AgentError('rejected', 'no such pod')
    const job = { ...lookThat(() => Promise.reject(error)), ...more }
    await expect(it.run(job)).rejects.toBe(error)
    expect(it.journal.runs(9)).toMatchObject([{ outcome: 'failed', detail: 'no such pod' }])
    expect(it.reports).toMatchObject([{ job: 'watch-releases', outcome: 'failed', detail: 'no such pod' }])
    expect(it.lines).toEqual(['error: job failed'])
    const alert = { severity, subject: 'watch-releases', text: 'watch-releases failed: no such pod' }
    expect(it.alerts.all).toMatchObject([{ id: 'job.failed:watch-releases', ...alert }])
    expect([it.runner.running, it.lock.holder]).toEqual([[], undefined])
    await it.run({ ...lookThat(async () => done('')), ...more })
    expect(it.alerts.all).toEqual([])
  })

  test('by a bug asks for a report', async () => {
    const it = runnerLab()
    await expect(it.run(lookThat(() => Promise.reject(new TypeError('x is undefined'))))).rejects.toThrow(TypeError)
    expect(it.alerts.find('job.failed:watch-releases')?.text).toContain('internal error; please report it')
  })
})

describe('a run that is called off', () => {
  test.each<{ by: string; callOff: (it: ReturnType<typeof runnerLab>, own: AbortController) => void; detail: string }>([
    { by: 'the end of the agent', callOff: ({ runner }) => runner.stop(), detail: 'the agent was stopped' },
    {
      by: 'who asked for it',
      callOff: (_, own) => own.abort(new Error('the queue is lost')),
      detail: 'the queue is lost',
    },
    {
      by: 'both',
      callOff: ({ runner }, own) => {
        own.abort(new Error('the queue is lost'))
        runner.stop()
      },
      detail: 'the agent was stopped',
    },
  ])('by $by has not failed, and continues later', async ({ callOff, detail }) => {
    const it = runnerLab()
    const own = new AbortController()
    const { begun, run } = untilCalledOff()
    const running = it.run(lookThat(run), own.signal)
    await begun
    callOff(it, own)
    await expect(running).rejects.toBeInstanceOf(Stopping)
    await expect(running).rejects.toMatchObject({ name: 'Stopping' })
    expect(it.journal.runs(9)).toMatchObject([{ outcome: 'stopped', detail: `${detail}; the job continues later` }])
    expect([it.alerts.all, it.lines]).toEqual([[], []])
  })

  test.each<{ name: string; signal?: AbortSignal; isStopped: boolean }>([
    { name: 'once the agent ends', isStopped: true },
    { name: 'where nobody wants it any more', signal: AbortSignal.abort(new Error('gone')), isStopped: false },
  ])('is not begun $name', async ({ signal, isStopped }) => {
    const it = runnerLab()
    if (isStopped) it.runner.stop()
    const begun: string[] = []
    const begins = (name: string) => async () => {
      begun.push(name)
      return done('')
    }
    const jobs = [
      lookThat(begins('look')),
      jobThat(begins('upgrade'), { idle: begins('idle') }),
      jobThat(begins('shutdown'), { purpose: 'shutdown' }),
    ]
    for (const job of jobs) await expect(it.run(job, signal)).rejects.toBeInstanceOf(Stopping)
    expect([begun, it.claims]).toEqual([[], []])
  })
})
