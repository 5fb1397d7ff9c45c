import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMemoryJournal } from '../../src/adapters/journal/journal.ts'
import { lockState } from '../../src/adapters/journal/lock.ts'
import { silent } from '../../src/cli/direct.ts'
import { type Finished, finishInterrupted, tellFinished } from '../../src/main/interrupted-restore.ts'
import { recordBeside } from '../../src/main/swap-files.ts'
import { type TemporaryFolder, temporaryFolder } from '../lab/process.ts'

let folder: TemporaryFolder
let place: { readonly file: string; readonly state: string }
const at = (name: string) => join(folder.path, name)
beforeEach(async () => {
  folder = await temporaryFolder()
  place = { file: at('caretaker.yaml'), state: at('state') }
  await mkdir(place.state)
  await writeFile(place.file, 'old\n')
})
afterEach(() => folder[Symbol.asyncDispose]())

/** What a killed process has left: the new configuration beside the old one, and the order to take its place. */
async function leave(record: string, what = 'the restore of the backup of yesterday'): Promise<void> {
  await writeFile(at('.new'), 'new\n')
  await mkdir(join(record, '..'), { recursive: true })
  await writeFile(record, JSON.stringify({ what, replacements: [{ beside: at('.new'), target: place.file }] }))
}
const restoreRecord = () => at('state/.restoring/replacements.json')
const text = () => readFile(place.file, 'utf8')

test('a start with nothing to finish does nothing, and does not take the state', async () => {
  using _ = lockState(place.state)
  expect(await finishInterrupted(place)).toEqual([])
})

test('a start finishes what restore and what init have begun, and says that files have changed', async () => {
  await leave(restoreRecord())
  const told = 'the restore of the backup of yesterday was interrupted, and is finished now'
  expect(await finishInterrupted(place)).toEqual([{ told, isChanged: true, isFault: false }])
  expect(await text()).toBe('new\n')
  await writeFile(place.file, 'old\n')
  await leave(recordBeside(place.file), 'the writing of the configuration')
  expect(await finishInterrupted(place)).toMatchObject([{ isChanged: true, isFault: false }])
  expect([await text(), await finishInterrupted(place)]).toEqual(['new\n', []])
})

test('while somebody restores, a start leaves that to them', async () => {
  await leave(restoreRecord())
  using _ = lockState(place.state)
  expect([await finishInterrupted(place), await text()]).toEqual([[], 'old\n'])
})

test('only what a restore has laid ready is cleared away', async () => {
  await mkdir(at('state/.restoring'))
  await writeFile(at('.x.restoring'), '')
  await writeFile(at('state/.restoring/laid.json'), JSON.stringify([at('.x.restoring'), place.file]))
  const told = 'a restore was interrupted before it replaced anything: all is as it was'
  expect(await finishInterrupted(place)).toEqual([{ told, isChanged: false, isFault: false }])
  expect(await text()).toBe('old\n')
  await expect(readFile(at('.x.restoring'))).rejects.toThrow('ENOENT')
})

test.skipIf(process.geteuid?.() !== 0)(
  'what can not be finished is a fault with its cure, and nothing ends',
  async () => {
    await leave(restoreRecord())
    await chown(restoreRecord(), 4_711, 4_711)
    expect(await finishInterrupted(place)).toEqual([
      {
        told: expect.stringMatching(
          /belongs to the user 4711, who has to finish it\. As its user, restore the backup again/,
        ) as string,
        isChanged: false,
        isFault: true,
      },
    ])
    expect(await text()).toBe('old\n')
    await rm(restoreRecord())
  },
)

test('what became of it stands in the journal, a fault as an alert until a start without one', () => {
  const journal = openMemoryJournal()
  const reported: unknown[] = []
  const alerts = { report: (id: string, content?: unknown) => (reported.push([id, content]), true) }
  const tell = (finished: readonly Finished[] | undefined) =>
    tellFinished(finished, { journal, alerts: alerts as never, log: silent })
  tell([{ told: 'it is not finished', isChanged: false, isFault: true }])
  tell(undefined)
  expect(journal.entries(5)).toMatchObject([{ kind: 'event', subject: 'state', text: 'it is not finished' }])
  expect(reported).toEqual([
    ['state.unfinished', { severity: 'critical', subject: 'state', text: 'it is not finished' }],
    ['state.unfinished', undefined],
  ])
})
