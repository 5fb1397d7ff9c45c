import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { EmbeddedStore } from '../../../src/services/queue/store.ts'
import type { StoreAddress } from '../../../src/services/queue/connection.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { cron, done, every, later, on } from '../../../src/core/job.ts'
import { type TemporaryFolder, temporaryFolder } from '../../lab/process.ts'
import { inAnHour, isStoreMissing, jobThat, openQueue, openStore, skippedWord, work } from './lab.ts'
import { patience } from '../../patience.ts'

describe.skipIf(isStoreMissing)(`the queue${skippedWord}`, () => {
  let folder: TemporaryFolder
  let store: EmbeddedStore
  let redis: Redis
  beforeAll(async () => {
    folder = await temporaryFolder()
    store = await openStore(folder.path)
    redis = new Redis(store.address.path)
  })
  beforeEach(async () => void (await redis.flushall()))
  afterAll(async () => {
    redis.disconnect()
    await store[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  const settled = (queue: ReturnType<typeof openQueue>) =>
    expect.poll(() => queue.counts(), patience).toMatchObject({ wait: 0, active: 0 })

  test('runs a job once for a hundred adds', async () => {
    await using queue = openQueue(store.address)
    const job = jobThat('look', async () => done('looked'))
    await Promise.all(Array.from({ length: 100 }, () => queue.add(job)))
    expect(await queue.counts()).toEqual({ wait: 1, active: 0, delayed: 0, failed: 0 })
    await using _ = await work(store.address, queue, job)
    await expect.poll(() => job.count, patience).toBe(1)
    await settled(queue)
    expect(job.count).toBe(1)
  })

  test('runs a job exactly once more when it is added while it runs, however often', async () => {
    await using queue = openQueue(store.address)
    const gate = Promise.withResolvers<void>()
    const job = jobThat('look', async (before) => {
      if (before === 0) await gate.promise
      return done('')
    })
    await using _ = await work(store.address, queue, job)
    await queue.add(job)
    await expect.poll(() => job.count, patience).toBe(1)
    for (let index = 0; index < 10; index++) await queue.add(job)
    gate.resolve()
    await expect.poll(() => job.count, patience).toBe(2)
    await settled(queue)
    expect(job.count).toBe(2)
  })

  test('runs a job again at once when it was added while it decided to wait for an hour', async () => {
    await using queue = openQueue(store.address)
    const gate = Promise.withResolvers<void>()
    const job = jobThat('look', async (before) => {
      if (before === 0) await gate.promise
      return inAnHour()
    })
    await using _ = await work(store.address, queue, job)
    await queue.add(job)
    await expect.poll(() => job.count, patience).toBe(1)
    await queue.add(job)
    gate.resolve()
    await expect.poll(() => job.count, patience).toBe(2)
    await expect.poll(() => queue.counts(), patience).toEqual({ wait: 0, active: 0, delayed: 1, failed: 0 })
    expect(job.count).toBe(2)
  })

  test('wakes a job that waits at once when it is added, and leaves one of it', async () => {
    await using queue = openQueue(store.address)
    const job = jobThat('look', async () => inAnHour())
    await using _ = await work(store.address, queue, job)
    for (let runs = 1; runs <= 3; runs++) {
      await queue.add(job)
      await expect.poll(() => job.count, patience).toBe(runs)
      await expect.poll(() => queue.counts(), patience).toMatchObject({ active: 0, delayed: 1 })
    }
  })

  test('lets a job wait as often as it likes: it uses up no attempt', async () => {
    await using queue = openQueue(store.address)
    const job = jobThat('look', async (before) => (before < 9 ? later('', new Date(Date.now() + 5)) : done('')))
    await using _ = await work(store.address, queue, job)
    await queue.add(job)
    await expect.poll(() => job.count, patience).toBe(10)
    await settled(queue)
    expect(await queue.counts()).toMatchObject({ delayed: 0, failed: 0 })
  })

  test('does not pile up jobs that wait under a schedule that goes on', async () => {
    await using queue = openQueue(store.address)
    const job = jobThat('look', async () => inAnHour(), [every('100ms')])
    await using _ = await work(store.address, queue, job)
    await queue.schedule([job])
    await expect.poll(() => job.count, patience).toBeGreaterThan(4)
    // The job itself and the next tick.
    await expect.poll(() => redis.zcard('bull:test:delayed'), patience).toBe(2)
    await queue.schedule([])
  })

  test('tries again what may yet work, and gives up at once what will not', async () => {
    await using queue = openQueue(store.address)
    const away = jobThat('away', async () => {
      throw new AgentError('unreachable', 'no answer')
    })
    const refused = jobThat('refused', async () => {
      throw new AgentError('rejected', 'no')
    })
    const broken = jobThat('broken', async () => {
      throw new TypeError('a fault of ours')
    })
    await using _ = await work(store.address, queue, away, refused, broken)
    for (const job of [away, refused, broken]) await queue.add(job)
    await expect.poll(() => queue.counts(), patience).toEqual({ wait: 0, active: 0, delayed: 2, failed: 1 })
    expect(refused.count).toBe(1)
    // What is kept of it shows where it came from.
    const [id = ''] = await redis.zrange('bull:test:failed', '0', '-1')
    expect(await redis.hget(`bull:test:${id}`, 'stacktrace')).toMatch(/AgentError: no.*queue\.test\.ts/)
    // Given up is not for ever: whatever wakes it next runs it.
    await queue.add(refused)
    await expect.poll(() => refused.count, patience).toBe(2)
    await queue.add(away)
    await expect.poll(() => away.count, patience).toBe(2)
  })

  test('shows what it has given up on, and forgets it when it is told to', async () => {
    await using queue = openQueue(store.address)
    const refused = jobThat('refused', async () => {
      throw new AgentError('rejected', 'the share is read-only')
    })
    const waiting = jobThat('waiting', async () => inAnHour())
    await using _ = await work(store.address, queue, refused, waiting)
    for (const job of [refused, waiting]) await queue.add(job)
    await expect.poll(() => queue.counts(), patience).toEqual({ wait: 0, active: 0, delayed: 1, failed: 1 })
    expect(await queue.failed()).toEqual([
      {
        job: 'refused',
        failedAt: expect.stringMatching(/^20\d\d-.*Z$/),
        reason: 'the share is read-only',
        attempts: 1,
      },
    ])
    expect(await queue.clearFailed()).toBe(1)
    expect(await queue.counts()).toEqual({ wait: 0, active: 0, delayed: 1, failed: 0 })
    expect([await queue.failed(), await queue.clearFailed()]).toEqual([[], 0])
    await queue.add(refused)
    await expect.poll(() => refused.count, patience).toBe(2)
  })

  test('has the schedules of the jobs, no more and no fewer, also where a job has two', async () => {
    await using queue = openQueue(store.address)
    const both = jobThat('both', async () => done(''), [on('node.lost'), every('30m'), cron('0 3 * * *')])
    const other = jobThat('other', async () => done(''), [every('1h')])
    const schedules = async () => {
      const keys = await redis.zrange('bull:test:repeat', '0', '-1')
      const found = await Promise.all(keys.map((key) => redis.hgetall(`bull:test:repeat:${key}`)))
      return found
        .map(({ every, pattern, data }) => `${(JSON.parse(data!) as { job: string }).job} ${every ?? pattern}`)
        .toSorted()
    }
    await queue.schedule([both, other])
    expect(await schedules()).toEqual(['both 0 3 * * *', 'both 1800000', 'other 3600000'])
    await queue.schedule([both, other])
    expect(await schedules()).toHaveLength(3)
    await queue.schedule([jobThat('both', async () => done(''), [every('10m')])])
    expect(await schedules()).toEqual(['both 600000'])
    await queue.schedule([])
    expect(await schedules()).toEqual([])
  })

  test('takes no schedule from a clock that was ahead: it would come as much too late', async () => {
    await using queue = openQueue(store.address)
    const job = jobThat('look', async () => done(''), [every('10m')])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * 3_600_000 })
    try {
      await queue.schedule([job])
    } finally {
      vi.useRealTimers()
    }
    const dueIn = async () => Number((await redis.zrange('bull:test:repeat', '0', '0', 'WITHSCORES'))[1]) - Date.now()
    expect(await dueIn()).toBeGreaterThan(4 * 3_600_000)
    await queue.schedule([job])
    expect(await dueIn()).toBeLessThanOrEqual(10 * 60_000)
  })

  test('gives a job back when the agent stops, and it goes on with the next one without a failed attempt', async () => {
    await using queue = openQueue(store.address)
    const job = jobThat('look', async (before, signal) => {
      if (before === 0) await once(signal, 'abort').then(() => Promise.reject(new Error('stopping')))
      return done('')
    })
    const first = await work(store.address, queue, job)
    await queue.add(job)
    await expect.poll(() => job.count, patience).toBe(1)
    const before = performance.now()
    await first[Symbol.asyncDispose]()
    expect(performance.now() - before).toBeLessThan(15_000)
    expect(job.count).toBe(1)
    expect(await queue.counts()).toEqual({ wait: 1, active: 0, delayed: 0, failed: 0 })
    await using _ = await work(store.address, queue, job)
    await expect.poll(() => job.count, patience).toBe(2)
    await settled(queue)
  })

  test('drops a tick for a job that is no more, and goes on', async () => {
    await using queue = openQueue(store.address)
    const job = jobThat('look', async () => done(''))
    await queue.add(jobThat('gone', async () => done('')))
    await queue.schedule([jobThat('gone too', async () => done(''), [every('50ms')])])
    await using _ = await work(store.address, queue, job)
    await queue.add(job)
    await expect.poll(() => job.count, patience).toBe(1)
    await queue.schedule([])
    await expect.poll(() => queue.counts(), patience).toMatchObject({ wait: 0, active: 0 })
  })

  test('is away where nobody listens: whoever adds is told so soon, and counts nothing', async () => {
    await using queue = openQueue({ path: `${folder.path}/nobody.sock` })
    const before = performance.now()
    const job = jobThat('look', async () => done(''))
    await expect(queue.add(job)).rejects.toMatchObject({ name: 'AgentError', code: 'unreachable' })
    expect(await queue.counts()).toBeUndefined()
    expect(performance.now() - before).toBeLessThan(15_000)
  })
})

describe.skipIf(isStoreMissing)(`a store of the operator's, with a password,${skippedWord}`, () => {
  const host = '127.0.43.21'
  const password = 'p#s s"w\\rd'
  let address: StoreAddress
  let server: ReturnType<typeof spawn>
  beforeAll(async () => {
    const probe = createServer().listen(0, host)
    await once(probe, 'listening')
    const { port } = probe.address() as { port: number }
    probe.close()
    await once(probe, 'close')
    const settings = ['--bind', host, '--port', `${port}`, '--save', '', '--appendonly', 'no']
    server = spawn('redis-server', [...settings, '--requirepass', 'x'], { stdio: 'ignore' })
    address = { url: `redis://${host}:${port}/3`, password }
    const client = new Redis({ host, port, password: 'x' })
    client.on('error', () => {})
    await client.config('SET', 'requirepass', password)
    client.disconnect()
  })
  afterAll(async () => {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  })

  test('is used with it, in the database that the URL names', async () => {
    await using queue = openQueue(address)
    const job = jobThat('look', async () => done(''))
    await using _ = await work(address, queue, job)
    await queue.add(job)
    await expect.poll(() => job.count, patience).toBe(1)
    const { url } = address as { url: string }
    const client = new Redis(url, { password, db: 3 })
    expect(await client.exists('bull:test:id')).toBe(1)
    client.disconnect()
  })

  test('refuses who has it wrong, which is an error soon and no call that hangs', async () => {
    await using queue = openQueue({ ...(address as { url: string }), password: 'wrong' })
    await expect(queue.add(jobThat('look', async () => done('')))).rejects.toMatchObject({ code: 'unreachable' })
  })
})
