import { execFileSync } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { closeSync, constants, openSync } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createFileGate, readText, stampOfFile } from '../../src/main/file-gate.ts'
import { keepFile } from '../../src/main/kept-file.ts'
import { temporaryFolder } from '../lab/process.ts'

/** Files that hang as those of a dead share do: a pipe is opened when somebody opens its other end. */
async function hangingFiles(directory: string, count: number) {
  const paths = Array.from({ length: count }, (_, index) => join(directory, `pipe-${index}`))
  execFileSync('mkfifo', paths)
  const opened: Promise<FileHandle>[] = []
  return {
    paths,
    open: (path: string) => {
      const handle = open(path, 'r')
      opened.push(handle)
      return handle
    },
    /** The share is back. Asked in a loop, since only what is being opened has another end. */
    async recover() {
      const state = { isOver: false }
      const all = Promise.allSettled(opened).then(async (handles) => {
        state.isOver = true
        for (const one of handles) if (one.status === 'fulfilled') await one.value.close()
      })
      while (!state.isOver) {
        for (const path of paths) {
          try {
            closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
          } catch {
            // Nobody is opening it.
          }
        }
        await sleep(5)
      }
      await all
    },
  }
}

describe('a share that hangs', () => {
  test('takes at most half of the threads, so that names and other files go on', async () => {
    await using folder = await temporaryFolder()
    const good = join(folder.path, 'good')
    await writeFile(good, 'well')
    const hanging = await hangingFiles(folder.path, 12)
    const gate = createFileGate()
    const calls = hanging.paths.map((path) => gate.run(path, () => hanging.open(path)))
    try {
      const others = Promise.all([readFile(good, 'utf8'), lookup('localhost'), readFile(good, 'utf8')])
      const late = sleep(20_000, 'no thread is left', { ref: false })
      expect(await Promise.race([others, late])).toEqual(['well', expect.anything(), 'well'])
    } finally {
      // Each that comes to its turn opens the next pipe.
      const done = Promise.allSettled(calls)
      const state = { isDone: false }
      void done.then(() => (state.isDone = true))
      while (!state.isDone) await Promise.race([hanging.recover(), done])
    }
  })

  test('gets one call for each file, however many ask', async () => {
    const gate = createFileGate(4)
    const started: number[] = []
    const first = Promise.withResolvers<void>()
    const calls = [0, 1, 2].map((index) =>
      gate.run('/share/secret', async () => {
        started.push(index)
        await first.promise
        return index
      }),
    )
    expect(await gate.run('/etc/other', async () => 'other')).toBe('other')
    expect(started).toEqual([0])
    first.resolve()
    expect(await Promise.all(calls)).toEqual([0, 1, 2])
  })

  test('keeps no place of a call that failed', async () => {
    const gate = createFileGate(1)
    const fail = () => Promise.reject(new Error('stale file handle'))
    await expect(gate.run('/share/a', fail)).rejects.toThrow('stale')
    await expect(gate.run('/share/a', fail)).rejects.toThrow('stale')
    expect(await gate.run('/share/b', async () => 'b')).toBe('b')
  })
})

describe('a file that is named in the configuration', () => {
  test.each([
    { name: 'is missing', make: async () => {}, says: /secret does not exist$/ },
    { name: 'is a directory', make: (path: string) => mkdir(path), says: /secret can't be read: it is a directory$/ },
    {
      name: 'is a pipe, which would never open',
      make: async (path: string) => void execFileSync('mkfifo', [path]),
      says: /secret can't be read: it is not a file$/,
    },
    {
      name: 'is far too large for what it should be',
      make: (path: string) => writeFile(path, Buffer.alloc(5_000_000, 'x')),
      says: /secret can't be read: it is larger than 4 MiB$/,
    },
  ])('and $name is refused in one line', async ({ make, says }) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'secret')
    await make(path)
    await expect(readText(path)).rejects.toMatchObject({ code: 'misconfigured', message: expect.stringMatching(says) })
  })

  test('and never ends is refused as well', async () => {
    await expect(readText('/dev/zero')).rejects.toThrow('it is not a file')
    expect(await stampOfFile('/nowhere/at/all')).toBe('none')
  })

  test('and becomes a pipe later costs nothing but an alert: the last good version stays', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'secret')
    await writeFile(path, 'hunter2')
    const told: (string | undefined)[] = []
    const kept = await keepFile({
      read: async () => ({ value: await readText(path), files: [path] }),
      trouble: (why) => void told.push(why),
    })
    execFileSync('rm', [path])
    execFileSync('mkfifo', [path])
    expect(await kept.current()).toBe('hunter2')
    await expect.poll(() => told).toEqual([expect.stringContaining('it is not a file')])
  })
})
