import { expect, test } from 'vitest'
import type { Job } from '../../src/operations/job.ts'
import { done, later, type Outcome } from '../../src/core/job.ts'
import { createInProcess } from '../../src/engine/in-process.ts'

const job: Job = { name: 'shut-down', about: '', triggers: [], runs: 'in-process', run: async () => done('') }
const soon = (ms: number) => new Date(Date.now() + ms)

function hereThat(
  run: (count: number) => Promise<Outcome>,
  failed: () => Outcome = () => done('given up'),
  now: () => Date = () => new Date(),
) {
  const runs = { count: 0, atOnce: 0, most: 0 }
  const here = createInProcess({
    run: async () => {
      runs.most = Math.max(runs.most, ++runs.atOnce)
      try {
        return await run(++runs.count)
      } finally {
        runs.atOnce -= 1
      }
    },
    failed,
    now,
  })
  return { here, runs }
}

test('woken a hundred times while it runs, a job runs once more, and never beside itself', async () => {
  const gate = Promise.withResolvers<void>()
  const { here, runs } = hereThat(async () => {
    await gate.promise
    return done('')
  })
  for (let index = 0; index < 100; index++) here.wake(job)
  gate.resolve()
  await here.idle()
  expect(runs).toEqual({ count: 2, atOnce: 0, most: 1 })
})

test('a wake-up in whatever moment of a run that ends is not lost', async () => {
  for (let turns = 0; turns < 30; turns++) {
    const ended = Promise.withResolvers<void>()
    const { here, runs } = hereThat(async (count) => {
      if (count === 1) ended.resolve()
      return done('')
    })
    here.wake(job)
    await ended.promise
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    here.wake(job)
    await here.idle()
    expect(runs, `woken ${turns} turns after the end`).toMatchObject({ count: 2, most: 1 })
  }
})

test('a job that wants to go on later does so by itself, and at once when it is woken before', async () => {
  const { here, runs } = hereThat(async (count) => (count < 3 ? later('', soon(10)) : later('', soon(3_600_000))))
  here.wake(job)
  await expect.poll(() => runs.count).toBe(3)
  await here.idle()
  here.wake(job)
  await here.idle()
  expect(runs.count).toBe(4)
  await here.stop()
})

test('woken while it waits, a job has one timer and not two', async () => {
  const { here, runs } = hereThat(async (count) => (count <= 5 ? later('', soon(15)) : done('')))
  for (let index = 0; index < 5; index++) {
    here.wake(job)
    await here.idle()
  }
  await expect.poll(() => runs.count).toBe(6)
  await new Promise((resolve) => setTimeout(resolve, 40))
  expect(runs.count).toBe(6)
})

test('a time further away than a timer can be is no busy loop', async () => {
  const { here, runs } = hereThat(async () => later('', new Date(8_640_000_000_000_000)))
  here.wake(job)
  await here.idle()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(runs.count).toBe(1)
  await here.stop()
})

test('a run that fails is tried again when its maker says', async () => {
  const { here, runs } = hereThat(
    async (count) => {
      if (count < 3) throw new Error('no')
      return done('')
    },
    () => later('failed', soon(5)),
  )
  here.wake(job)
  await expect.poll(() => runs.count).toBe(3)
})

test('stopping waits for what runs, and begins nothing more', async () => {
  const gate = Promise.withResolvers<void>()
  const { here, runs } = hereThat(async () => {
    await gate.promise
    return later('', soon(0))
  })
  here.wake(job)
  here.wake(job)
  let stopped = false
  const stopping = here.stop().then(() => (stopped = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect(stopped).toBe(false)
  gate.resolve()
  await stopping
  here.wake(job)
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(runs.count).toBe(1)
})

test('a clock that is set back while a job runs does not delay what it says by as much', async () => {
  let setBack = 0
  const now = () => new Date(Date.now() - setBack)
  const { here, runs } = hereThat(
    async (count) => {
      if (count > 1) return done('')
      const at = new Date(now().getTime() + 20)
      setBack = 5 * 3_600_000
      return later('not yet', at)
    },
    undefined,
    now,
  )
  here.wake(job)
  await expect.poll(() => runs.count).toBe(2)
  await here.stop()
})
