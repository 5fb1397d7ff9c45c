import { readdirSync } from 'node:fs'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type JournalHandle, openJournal } from '../../../src/adapters/journal/journal.ts'
import { lockState } from '../../../src/adapters/journal/lock.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { unprivileged } from '../../lab/unprivileged.ts'
import { expectLeft, expectToWork, filledFolder, outage, stopping } from './filled.ts'

describe('a journal that may not be written to', () => {
  const noRight = { mode: 0o000, left: 'nothing' } as const
  test.each([{ mode: 0o500, left: 'everything' } as const, noRight])(
    'because its folder has the mode $mode is kept in memory, with what could be read, and written when it may be',
    async ({ mode, left }) => {
      await using folder = await filledFolder()
      await chmod(folder.path, 0o777)
      for (const name of readdirSync(folder.path)) await chmod(join(folder.path, name), 0o444)
      await chmod(folder.path, mode === 0 ? 0o700 : 0o555)
      const said: (string | undefined)[] = []
      let journal!: JournalHandle
      await unprivileged(() => {
        journal = openJournal(folder.path, {
          onDamaged: () => {},
          onDegraded: (why) => said.push(why),
          reopensEvery: 0,
        })
        expectLeft(journal, left)
        journal.saveOutage(stopping)
      })
      expect(journal.openOutage()).toEqual(stopping)
      expect(journal.degraded).toBeDefined()
      await chmod(folder.path, 0o777)
      for (const name of readdirSync(folder.path)) await chmod(join(folder.path, name), 0o666)
      journal.write({ kind: 'event', text: 'there is a disk again' })
      expect(journal.degraded).toBeUndefined()
      expect(said).toEqual([expect.any(String), undefined])
      expect(remembered.paused.recall(journal)).toBe('the plumber is here')
      expectToWork(folder.path, journal)
    },
  )

  test('brings back no order that nobody could read while the agent ran', async () => {
    await using folder = await temporaryFolder()
    {
      using journal = openJournal(folder.path)
      remembered.ordered.remember(journal, '2026-11-26T10:00:00.000Z')
      remembered.paused.remember(journal, 'the plumber is here')
    }
    await chmod(folder.path, 0o700)
    let journal!: JournalHandle
    const isOrder = (kind: string) => kind === 'fact.power.ordered'
    await unprivileged(() => {
      journal = openJournal(folder.path, { onDamaged: () => {}, reopensEvery: 0, isOrder })
    })
    expect(remembered.ordered.recall(journal)).toBeUndefined()
    journal.write({ kind: 'event', text: 'there is a disk again' })
    expect(journal.degraded).toBeUndefined()
    expect(remembered.ordered.recall(journal)).toBeUndefined()
    expect(remembered.paused.recall(journal)).toBe('the plumber is here')
    journal[Symbol.dispose]()
    using next = openJournal(folder.path)
    expect(remembered.ordered.recall(next)).toBeUndefined()
  })

  test('because a file is in the way of its folder is kept in memory', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'state'), '')
    using journal = openJournal(join(folder.path, 'state'), { onDamaged: () => {} })
    journal.saveOutage(outage)
    expect(journal.openOutage()).toEqual(outage)
    expect(journal.degraded).toMatch(/exists already|not a directory/)
  })
})

test.each([
  { how: 'something else', damage: (path: string) => writeFile(path, 'no database'.repeat(500)) },
  { how: 'a directory', damage: (path: string) => mkdir(path) },
  { how: 'a link to itself', damage: (path: string) => symlink('lock.db', path) },
])('a lock that has become $how keeps nobody out, and is a lock again', async ({ damage }) => {
  await using folder = await temporaryFolder()
  await damage(join(folder.path, 'lock.db'))
  using _ = lockState(folder.path)
  expect(() => lockState(folder.path)).toThrow(/another Caretaker/)
})
