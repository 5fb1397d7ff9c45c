import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { asks, uuid } from '../../fakes/machines.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { openDesk } from './at-desk.ts'

const script = fileURLToPath(new URL('killed-process.ts', import.meta.url))
const stack = new AsyncDisposableStack()
let folder: string

beforeAll(async () => {
  folder = stack.use(await temporaryFolder()).path
  const names = ['pending', 'approved', 'rendering', 'taken', 'sent', 'verified', 'rejected', 'forgotten']
  await Promise.all(names.map((name) => mkdir(`${folder}/${name}`)))
  const { signal, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' })
  if (signal !== 'SIGKILL') throw new Error(`it was not killed: ${stderr}`)
})
afterAll(() => stack.disposeAsync())

const cases = [
  { at: 'pending', state: 'pending', kind: 'wait', open: ['provision.pending'] },
  { at: 'approved', state: 'approved', kind: 'deliver', open: [] },
  { at: 'rendering', state: 'approved', kind: 'deliver', open: [] },
  { at: 'taken', state: 'delivering', kind: 'wait', open: ['provision.trouble'] },
  { at: 'sent', state: 'delivered', kind: 'wait', open: [] },
  { at: 'verified', state: 'verified', kind: 'wait', open: [] },
  { at: 'rejected', state: 'rejected', kind: 'refuse', open: [] },
  { at: 'forgotten', state: undefined, kind: 'wait', open: [] },
] as const

test.for(cases)('kill -9 where a machine is $at loses nothing of it on the disk', async ({ at, state, kind, open }) => {
  using journal = openJournal(`${folder}/${at}`)
  const before = journal.entries(100).filter(({ kind: entry }) => entry === 'alert').length
  const it = openDesk({ journal: () => journal })
  await it.told()
  expect(it.desk.get(uuid)?.state).toBe(state)
  expect(it.alerts.all.map(({ id }) => id)).toEqual(open.map((one) => `${one}:${uuid}`))
  // Whoever was asked before is not asked again.
  const asked = journal.entries(100).filter(({ kind: entry }) => entry === 'alert').length - before
  expect(asked).toBe(at === 'taken' ? 1 : 0)
  expect(it.desk.ask(asks()).kind).toBe(kind)
  const all = await Promise.allSettled([it.desk.take(asks()), it.desk.take(asks())])
  expect(all.filter(({ status }) => status === 'fulfilled').length).toBe(kind === 'deliver' ? 1 : 0)
})
