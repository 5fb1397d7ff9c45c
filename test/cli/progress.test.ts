import { expect, test } from 'vitest'
import { describeProgress } from '../../src/cli/progress.ts'
import { runCli } from '../lab/daemon.ts'
import { runAtTerminal } from '../lab/terminal.ts'
import { startDaemon } from '../http/daemon.ts'
import { serveApi } from '../http/server.ts'
import { temporaryFolder } from '../lab/process.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const since = '2026-11-26T21:00:00Z'
const now = Date.parse(since)
const download = { job: 'stage-image', step: 'stage v1.13.9', since }

test.each([
  {
    progress: { doneBytes: 40_000_000, totalBytes: 100_000_000 },
    began: { at: now - 4_000, doneBytes: 20_000_000 },
    says: 'stage v1.13.9: 40.0 of 100.0 MB, 5.0 MB/s, 12 s left',
  },
  {
    progress: { doneBytes: 40_000_000 },
    began: { at: now - 4_000, doneBytes: 20_000_000 },
    says: 'stage v1.13.9: 40.0 MB, 5.0 MB/s',
  },
  {
    progress: { doneBytes: 40_000_000, totalBytes: 100_000_000 },
    began: undefined,
    says: 'stage v1.13.9: 40.0 of 100.0 MB',
  },
  {
    progress: { doneBytes: 20_000_000, totalBytes: 100_000_000 },
    began: { at: now - 60_000, doneBytes: 20_000_000 },
    says: 'stage v1.13.9: 20.0 of 100.0 MB',
  },
])('a download that was $began and is $progress', ({ progress, began, says }) => {
  expect(describeProgress({ ...download, progress }, began, now)).toBe(says)
})

test('any other step has how long it takes, and what is waited for', () => {
  const step = { job: 'upgrade-node', step: 'drain w-1', since, hint: 'waiting for postgres-0' }
  expect(describeProgress(step, undefined, now + 12_000)).toBe('drain w-1 for 12 s: waiting for postgres-0')
})

/** A daemon that stages until it is told to have done so. */
async function open() {
  const stack = new AsyncDisposableStack()
  const done = Promise.withResolvers<void>()
  let doneBytes = 0
  let asked = 0
  const at = stack.use(
    await startDaemon({
      activities: () => {
        asked += 1
        return [
          {
            ...download,
            since: new Date().toISOString(),
            progress: { doneBytes: (doneBytes += 1_000_000), totalBytes: 100_000_000 },
          },
          { ...download, job: 'upgrade-node', step: 'drain w-1' },
        ]
      },
      staging: { stage: async () => (await done.promise, { outcome: 'done', detail: 'v1.13.9 staged' }) },
    }),
  )
  const server = stack.use(await serveApi(at.operator, 'caretaker_0'))
  const folder = stack.use(await temporaryFolder())
  await writeFile(join(folder.path, 'token'), 'caretaker_0')
  const environment = { CARETAKER_SERVER: server.url, CARETAKER_TOKEN_FILE: join(folder.path, 'token') }
  return { environment, end: done.resolve, asked: () => asked, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
const patience = { timeout: 180_000, interval: 50 }

test('at a terminal staging shows how far it is, with rate and time left, on a line that is gone at the end', async () => {
  await using it = await open()
  await using terminal = runAtTerminal(['stage'], { columns: 60, environment: it.environment })
  await expect
    .poll(() => terminal.written, patience)
    .toMatch(/stage v1\.13\.9: \d+\.0 of 100\.0 MB, \d+\.\d MB\/s, \d+ (s|min) left/)
  it.end()
  expect(await terminal.ended).toBe(0)
  expect(terminal.written).not.toContain('drain w-1')
  expect(terminal.written.endsWith('\r\u001b[Kdone: v1.13.9 staged\r\n')).toBe(true)
})

test('in a pipe it is told once by step, beside the answer, and with --json not at all', async () => {
  await using it = await open()
  const piped = runCli(['stage'], it.environment)
  await expect.poll(it.asked, patience).toBeGreaterThan(2)
  it.end()
  const { code, stdout, stderr } = await piped
  expect([code, stdout]).toEqual([0, 'done: v1.13.9 staged\n'])
  expect(stderr).toMatch(/^caretaker: stage v1\.13\.9: .*MB\n$/)
  const asked = it.asked()
  expect(await runCli(['stage', '--json'], it.environment)).toMatchObject({ code: 0, stderr: '' })
  expect(it.asked()).toBe(asked)
})
