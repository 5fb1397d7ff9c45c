import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { openEmbeddedStore } from '../../src/adapters/bullmq/store.ts'
import { done } from '../../src/core/job.ts'
import { silentLog } from '../fakes/log.ts'
import { startProcess, temporaryFolder } from '../lab/process.ts'
import { inAnHour, isStoreMissing, jobThat, killProcess, openQueue, openStore, skippedWord, work } from './queue-lab.ts'

const runner = new URL('processes/job-runner.ts', import.meta.url)
const patience = { timeout: 15_000, interval: 10 }

// At once, because most of them wait.
describe.skipIf(isStoreMissing).concurrent(`the store of our own${skippedWord}`, () => {
  test('is open to its own user only, keeps jobs over a restart, and ends with the agent', async ({ expect }) => {
    await using folder = await temporaryFolder()
    const directory = join(folder.path, 'state', 'queue')
    let pid: number
    {
      await using store = await openStore(directory)
      pid = store.pid
      expect(store.adopted).toBe(false)
      expect((await stat(directory)).mode & 0o777).toBe(0o700)
      expect((await stat(store.address.path)).mode & 0o777).toBe(0o700)
      await using queue = openQueue(store.address)
      await queue.add(jobThat('look', async () => done('')))
    }
    expect(() => killProcess(pid)).toThrow('ESRCH')
    await using store = await openStore(directory)
    await using queue = openQueue(store.address)
    expect(await queue.counts()).toMatchObject({ wait: 1 })
  })

  test('gives out what a killed agent was running within three seconds, and again when that one is killed too', async ({
    expect,
  }) => {
    await using folder = await temporaryFolder()
    await using first = startProcess(runner, folder.path, 'add')
    const pid = Number(/beside (\d+)/.exec(await first.until(/beside \d+\n/))![1])
    await first.kill()
    for (let again = 0; again < 2; again++) {
      const before = performance.now()
      await using next = startProcess(runner, folder.path)
      expect(await next.until(/beside \d+\n/)).toContain(`beside ${pid}\n`)
      expect(performance.now() - before).toBeLessThan(3_000)
      await next.kill()
    }
    // The store has outlived them all, and is ours now.
    await using store = await openStore(folder.path)
    expect(store).toMatchObject({ adopted: true, pid })
    await using queue = openQueue(store.address)
    const job = jobThat('endless', async () => done('at last'))
    await using _ = await work(store.address, queue, job)
    await expect.poll(() => job.count, patience).toBe(1)
    await expect.poll(() => queue.counts(), patience).toEqual({ wait: 0, active: 0, delayed: 0, failed: 0 })
  })

  test.for(['started', 'adopted'])(
    '%s and then killed while idle, is started again, and the next job runs',
    async (how, { expect }) => {
      await using folder = await temporaryFolder()
      if (how === 'adopted') {
        await using agent = startProcess(runner, folder.path, 'add')
        await agent.until(/beside/)
      }
      await using store = await openStore(folder.path)
      expect(store.adopted).toBe(how === 'adopted')
      await using queue = openQueue(store.address)
      const job = jobThat('look', async () => inAnHour())
      await using _ = await work(store.address, queue, job)
      await queue.add(job)
      await expect.poll(() => job.count, patience).toBe(1)
      await expect.poll(() => queue.counts(), patience).toMatchObject({ delayed: 1 })
      // Jobs are on the disk after a second at most.
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      const { pid } = store
      killProcess(pid)
      await expect
        .poll(
          () =>
            queue.add(job).then(
              () => true,
              () => false,
            ),
          patience,
        )
        .toBe(true)
      await expect.poll(() => job.count, patience).toBe(2)
      expect(store.pid).not.toBe(pid)
    },
  )

  test('that is frozen keeps nobody waiting: neither who adds, nor who counts, nor who stops', async ({ expect }) => {
    await using folder = await temporaryFolder()
    await using store = await openStore(folder.path)
    const queue = openQueue(store.address)
    const job = jobThat('look', async () => done(''))
    await queue.add(job)
    const worker = await work(store.address, queue, job)
    await expect.poll(() => job.count, patience).toBe(1)
    killProcess(store.pid, 'SIGSTOP')
    try {
      const before = performance.now()
      const [added, counted] = await Promise.allSettled([queue.add(job), queue.counts()])
      expect(added).toMatchObject({ status: 'rejected', reason: { code: 'unreachable' } })
      expect(counted).toEqual({ status: 'fulfilled', value: undefined })
      await Promise.all([worker[Symbol.asyncDispose](), queue[Symbol.asyncDispose]()])
      expect(performance.now() - before).toBeLessThan(8_000)
    } finally {
      killProcess(store.pid, 'SIGCONT')
    }
  })

  test('that is frozen when an agent starts is waited for: there are never two on the same files', async ({
    expect,
  }) => {
    await using folder = await temporaryFolder()
    await using agent = startProcess(runner, folder.path, 'add')
    const pid = Number(/beside (\d+)/.exec(await agent.until(/beside \d+\n/))![1])
    await agent.kill()
    killProcess(pid, 'SIGSTOP')
    const opening = openStore(folder.path)
    setTimeout(() => killProcess(pid, 'SIGCONT'), 2_600)
    await using store = await opening
    expect(store).toMatchObject({ adopted: true, pid })
  })

  test('does not start without its program, and says once how to get one', async ({ expect }) => {
    await using folder = await temporaryFolder()
    await expect(
      openEmbeddedStore({ directory: folder.path, searchPath: folder.path, log: silentLog }),
    ).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/apt-get install redis-server.*queue\.url/),
    })
  })

  test('does not start where its socket’s path is longer than a socket’s may be', async ({ expect }) => {
    await using folder = await temporaryFolder()
    const directory = join(folder.path, 'x'.repeat(100))
    await expect(openStore(directory)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/too long for a socket: set 'state'/),
    })
    await expect(stat(directory)).rejects.toThrow('ENOENT')
  })

  test('that can not start says why in its own words', async ({ expect }) => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'queue.sock'))
    await expect(openStore(folder.path)).rejects.toMatchObject({ code: 'misconfigured', message: /did not start/ })
  })
})
