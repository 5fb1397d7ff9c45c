import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missedOf } from '../../src/cli/journal-follow.ts'
import type { Entry } from '../../src/core/journal.ts'
import type { PageRequest } from '../../src/core/page.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { startDaemon } from '../http/daemon.ts'
import { serveApi } from '../http/server.ts'
import { runCli } from '../lab/daemon.ts'
import { followCli } from '../lab/followed.ts'
import { temporaryFolder } from '../lab/process.ts'
import { runAtTerminal } from '../lab/terminal.ts'
import { answers } from './answers.ts'
import { soon } from '../patience.ts'

const token = 'caretaker_0123456789abcdef'
const entry = (id: number, changed: Partial<Entry> = {}): Entry => ({
  id,
  at: `2026-11-26T21:00:${String(id).padStart(2, '0')}.000Z`,
  kind: 'step',
  subject: 'w-1',
  text: `step ${id} of w-1`,
  ...changed,
})

async function open(overrides: Parameters<typeof startDaemon>[0] = {}) {
  const stack = new AsyncDisposableStack()
  const at = stack.use(await startDaemon({ ...answers, ...overrides }))
  const server = stack.use(await serveApi(at.operator, token))
  const folder = stack.use(await temporaryFolder())
  await writeFile(join(folder.path, 'token'), token)
  const environment = { CARETAKER_SERVER: server.url, CARETAKER_TOKEN_FILE: join(folder.path, 'token'), TZ: 'UTC' }
  return { at, server, environment, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const patience = { timeout: 180_000, interval: 50 }

test('the journal is followed: what is written, what was missed, and nothing else', async () => {
  let written = [entry(1)]
  const asked: PageRequest[] = []
  await using it = await open({ journal: (page) => (asked.push(page), { items: written.toReversed() }) })
  await using cli = followCli(['journal', '--follow', '--json', '--node', 'w-1', '--kind', 'step'], it.environment)
  const ids = () => cli.lines().map((one) => (one as Entry).id)
  await expect.poll(ids, patience).toEqual([1])
  await expect.poll(() => it.at.following, patience).toBe(1)
  it.at.tell({ type: 'journal', entry: entry(2, { subject: 'w-2', text: 'w-2' }) })
  it.at.tell({ type: 'journal', entry: entry(3, { kind: 'alert' }) })
  it.at.tell({ type: 'journal', entry: entry(4) })
  await expect.poll(ids, patience).toEqual([1, 4])
  written = [entry(1), entry(4), entry(5)]
  it.server.cut()
  await expect.poll(ids, patience).toEqual([1, 4, 5])
  it.at.tell({ type: 'journal', entry: entry(6) })
  await expect.poll(ids, patience).toEqual([1, 4, 5, 6])
  expect(cli.notes()).toMatch(/closed the connection.*; trying again/)
  expect(asked.every((page) => 'node' in page && page.node === 'w-1' && 'kind' in page && page.kind === 'step')).toBe(
    true,
  )
  expect(await cli.interrupt()).toBe(0)
})

test('entries that are numbered anew, because the journal was lost, are told by their time', () => {
  const last = entry(40)
  expect(missedOf([entry(39), entry(40), entry(41)], last)).toEqual([entry(41)])
  const anew = [entry(1, { at: '2026-11-26T20:00:00.000Z' }), entry(2, { at: '2026-11-26T22:00:00.000Z' })]
  expect(missedOf(anew, last)).toEqual([anew[1]])
})

test('since when is a duration or a time with its zone, and all since then is shown', async () => {
  const asked: unknown[] = []
  await using it = await open({ journal: (page) => (asked.push(page), { items: [] }) })
  expect(await runCli(['journal', '--since', '2026-11-26T22:00:00+01:00'], it.environment)).toMatchObject({
    code: 0,
    stdout: 'no such entries\n',
  })
  expect(asked).toEqual([expect.objectContaining({ limit: 10_000, since: '2026-11-26T21:00:00.000Z' })])
  expect((await runCli(['journal', '--since', '2h ago', '-n', '3'], it.environment)).code).toBe(0)
  expect(asked[1]).toMatchObject({ limit: 3, since: expect.stringMatching(/^20.*Z$/) })
  for (const since of ['yesterday', '2026-11-26T22:00', '2026-13-01'])
    expect(await runCli(['journal', '--since', since], it.environment)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('use a duration such as'),
    })
})

test('at a terminal the status is drawn as it changes, outlives its daemon, and ends with q', async () => {
  const status = await answers!.status!(soon())
  let present: StatusAnswer = { ...status, target: 'v1.13.1' }
  await using it = await open({ status: async () => present })
  await using terminal = runAtTerminal(['status', '--watch'], { columns: 80, rows: 18, environment: it.environment })
  await expect.poll(() => terminal.written, patience).toContain('upgrading to v1.13.1')
  it.at.tell({ type: 'status', status: { ...present, target: 'v1.13.2' } })
  await expect.poll(() => terminal.written, patience).toContain('upgrading to v1.13.2')
  present = { ...status, target: 'v1.13.3' }
  it.server.cut()
  await expect.poll(() => terminal.written, patience).toContain('trying again')
  await expect.poll(() => terminal.written, patience).toContain('upgrading to v1.13.3')
  expect(terminal.written).toMatch(/… \d+ more lines/)
  terminal.type('q')
  expect(await terminal.ended).toBe(0)
  // A picture is no longer than the terminal, and nothing but its own is ever cleared.
  const pictures = terminal.written.split('\u001b[H').slice(1)
  for (const picture of pictures) expect(picture.split('\u001b[K\r\n').length - 1).toBeLessThan(18)
  expect(terminal.written).not.toContain('\u001b[2J')
  expect(terminal.written.trimEnd().endsWith('\u001b[?1049l')).toBe(true)
})

test('in a pipe every change of the status is a line of JSON', async () => {
  const status = await answers!.status!(soon())
  await using it = await open()
  await using cli = followCli(['status', '--watch', '--json'], it.environment)
  await expect.poll(() => cli.lines().length, patience).toBe(1)
  it.at.tell({ type: 'status', status: { ...status, target: 'v1.14.0' } })
  await expect.poll(() => cli.lines().at(-1), patience).toMatchObject({ target: 'v1.14.0' })
  expect(await cli.interrupt()).toBe(0)
})

test('what is longer than the terminal is shown by the pager, and by none where that is not wanted', async () => {
  await using it = await open()
  const environment = { ...it.environment, PAGER: 'sed s/^/paged:/' }
  const paged = runAtTerminal(['status'], { rows: 10, environment })
  expect(await paged.ended).toBe(0)
  expect(paged.written).toContain('paged:caretaker')
  const others = [
    runAtTerminal(['status', '--no-pager'], { rows: 10, environment }),
    runAtTerminal(['status'], { rows: 200, environment }),
    runAtTerminal(['status'], { rows: 10, environment: { ...environment, TERM: 'dumb' } }),
    runAtTerminal(['status'], { rows: 10, environment: { ...environment, PAGER: 'no-such-pager' } }),
  ]
  for (const one of others) {
    expect(await one.ended).toBe(0)
    expect(one.written).not.toContain('paged:')
    expect(one.written).toContain('kubernetes')
  }
})
