import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { silent } from '../../src/cli/direct.ts'
import { messageOf } from '../../src/core/errors.ts'
import { refuseForeignState } from '../../src/main/foreign-state.ts'
import { temporaryFolder } from '../lab/process.ts'

interface Case {
  readonly name: string
  /** Whose the folder and the journal in it are. */
  readonly folder: number
  readonly journal?: number
  readonly mode?: number
  readonly by?: { readonly uid?: number; readonly isPerson?: boolean; readonly hasRun?: boolean }
  readonly isRefused: boolean
}

test.skipIf(process.geteuid?.() !== 0).each<Case>([
  { name: 'by root in the state of a service', folder: 996, journal: 996, isRefused: true },
  {
    name: 'by root in the state of a service, for the first time',
    folder: 996,
    by: { hasRun: false, isPerson: false },
    isRefused: true,
  },
  {
    name: 'by root, of itself, where it has run before',
    folder: 996,
    journal: 996,
    by: { isPerson: false },
    isRefused: false,
  },
  {
    name: 'by root in a folder that others may enter',
    folder: 996,
    mode: 0o755,
    by: { hasRun: false },
    isRefused: false,
  },
  { name: 'by root where root has run before', folder: 996, journal: 0, isRefused: false },
  { name: 'by the service itself', folder: 996, journal: 996, by: { uid: 996 }, isRefused: false },
])('a daemon started $name is refused: $isRefused', async ({ folder, journal, mode = 0o700, by = {}, isRefused }) => {
  await using place = await temporaryFolder()
  const state = join(place.path, 'state')
  await mkdir(state)
  if (journal !== undefined) {
    await writeFile(join(state, 'journal.db'), '')
    await chown(join(state, 'journal.db'), journal, journal)
  }
  await chmod(state, mode)
  await chown(state, folder, folder)
  const { uid = 0, isPerson = true, hasRun = true } = by
  const why = await refuseForeignState({ state, hasRun }, silent, { uid, isPerson }).catch(messageOf)
  const told = expect.stringMatching(/belongs to the user 996.*systemctl start caretaker/) as unknown
  expect(why).toEqual(isRefused ? told : undefined)
})
