import { mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, test } from 'vitest'
import { checkStore } from '../../../src/services/queue/program.ts'
import { openEmbeddedStore } from '../../../src/services/queue/store.ts'
import { done } from '../../../src/core/job.ts'
import { silentLog } from '../../fakes/log.ts'
import { startProcess, temporaryFolder } from '../../lab/process.ts'
import { inAnHour, isStoreMissing, jobThat, killProcess, openQueue, openStore, skippedWord, work } from './lab.ts'
import { patience } from '../../patience.ts'
import { isRunning, slowProgram } from './slow-program.ts'

const runner = new URL('job-runner.ts', import.meta.url)

/** What the store says of its log: what is no longer in its buffer, the kernel has, and survives the store's death. */
async function persistence(address: { readonly path: string }): Promise<string> {
  const redis = new Redis(address.path)
  try {
    return await redis.info('persistence')
  } finally {
    redis.disconnect()
  }
}

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

  test('gives out what a killed agent was running long before its lock of 30 s ends, and again when that one is killed too', async ({
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
      expect(performance.now() - before).toBeLessThan(20_000)
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
      await expect.poll(() => persistence(store.address), patience).toMatch(/^aof_buffer_length:0\r$/m)
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
      // The new store may take the job before whoever has started it looks up.
      await expect.poll(() => store.pid, patience).not.toBe(pid)
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
      expect(performance.now() - before).toBeLessThan(20_000)
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

  test('that does not listen in time is ended before anybody else starts one', async ({ expect }) => {
    await using folder = await temporaryFolder()
    await using program = await slowProgram(folder.path)
    await writeFile(program.deaf, '')
    const directory = join(folder.path, 'queue')
    const options = { directory, searchPath: program.folder, log: silentLog, startWithin: 500, checkEvery: 20 }
    await expect(openEmbeddedStore(options)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/valkey-server did not start: it does not listen$/),
    })
    const [first] = await program.started()
    expect(() => killProcess(first!)).toThrow('ESRCH')
    await rm(program.deaf)
    await using store = await openEmbeddedStore({ ...options, startWithin: 15_000 })
    expect(await program.started()).toEqual([first, store.pid])
  })

  test('that dies and does not listen in time when it is started again is never there twice', async ({ expect }) => {
    await using folder = await temporaryFolder()
    await using program = await slowProgram(folder.path)
    const directory = join(folder.path, 'queue')
    await using store = await openEmbeddedStore({
      directory,
      searchPath: program.folder,
      log: silentLog,
      startWithin: 4_000,
      checkEvery: 20,
    })
    await writeFile(program.deaf, '')
    const first = store.pid
    killProcess(first)
    await expect.poll(async () => (await program.started()).length, patience).toBe(3)
    await rm(program.deaf)
    await expect.poll(() => store.pid, patience).not.toBe(first)
    expect((await program.started()).at(-1)).toBe(store.pid)
    expect(await program.overlaps()).toBe('')
  })

  test.for(['listens and says nothing', 'says that it is loading'])(
    'that dies and then for long %s is waited for, and no other is started',
    async (how, { expect }) => {
      await using folder = await temporaryFolder()
      await using program = await slowProgram(folder.path)
      const directory = join(folder.path, 'queue')
      await using store = await openEmbeddedStore({
        directory,
        searchPath: program.folder,
        log: { ...silentLog, error: (fields) => void complaints.push(JSON.stringify(fields)) },
        startWithin: 4_000,
        checkEvery: 20,
      })
      const complaints: string[] = []
      const loads = how === 'says that it is loading'
      await writeFile(program.loading, loads ? 'loading' : 'silent')
      killProcess(store.pid)
      await expect.poll(async () => (await program.started()).length, patience).toBe(2)
      if (loads) await expect.poll(program.questions, patience).toBeGreaterThan(2)
      else await expect.poll(() => complaints.length, patience).toBeGreaterThan(1)
      expect(complaints.join()).toMatch(loads ? /^$/ : /it does not answer.*a queue store listens/)
      await rm(program.loading)
      const [, second] = await program.started()
      await expect.poll(() => store.pid, patience).toBe(second)
      expect(await program.started()).toHaveLength(2)
    },
  )

  test.for(['silent', 'loading'])(
    'that is %s when its agent stops is ended, and keeps nobody',
    async (how, { expect }) => {
      await using folder = await temporaryFolder()
      await using program = await slowProgram(folder.path)
      const complaints: string[] = []
      const store = await openEmbeddedStore({
        directory: join(folder.path, 'queue'),
        searchPath: program.folder,
        log: { ...silentLog, error: (fields) => void complaints.push(JSON.stringify(fields)) },
        startWithin: 4_000,
        checkEvery: 20,
      })
      await writeFile(program.loading, how)
      killProcess(store.pid)
      if (how === 'loading') await expect.poll(program.questions, patience).toBeGreaterThan(0)
      else await expect.poll(() => complaints, patience).toEqual([expect.stringContaining('it does not answer')])
      await store[Symbol.asyncDispose]()
      const [, second] = await program.started()
      await expect.poll(() => isRunning(second!), patience).toBe(false)
      expect(complaints.length).toBe(how === 'loading' ? 0 : 1)
    },
  )

  test('can be checked before it is opened, and nothing is made or started', async ({ expect }) => {
    await using folder = await temporaryFolder()
    const directory = join(folder.path, 'queue')
    const searchPath = process.env['PATH'] ?? ''
    await checkStore({ state: directory, searchPath })
    await expect(checkStore({ state: directory, searchPath: folder.path })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/apt-get install redis-server.*queue\.url/),
    })
    await expect(checkStore({ state: join(directory, 'x'.repeat(100)), searchPath })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/too long for a socket: set 'state'/),
    })
    await expect(stat(directory)).rejects.toThrow('ENOENT')
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

  // As a power cut leaves them behind.
  test.for([
    ['is a file', (path: string) => writeFile(path, '')],
    ['is a link to itself', (path: string) => symlink('appendonlydir', path)],
  ] as const)('whose folder of jobs %s says so alone, and what to do', async ([, spoil], { expect }) => {
    await using folder = await temporaryFolder()
    const at = join(folder.path, 'queue')
    await mkdir(at)
    await spoil(join(at, 'appendonlydir'))
    const error = await openStore(at).then(
      () => expect.unreachable(),
      (why: Error) => why.message,
    )
    expect(error).toMatch(/says: .*Can't open or create append-only dir.*move .+ away/)
    expect(error).not.toContain('WARNING')
    await rename(at, `${at}-damaged`)
    await using store = await openStore(at)
    expect(store.adopted).toBe(false)
  })
})
