import { chmod, mkdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import { lockState } from '../../../src/adapters/journal/lock.ts'
import { withNodeState } from '../../../src/core/power/outage.ts'
import { beginRollout, endRollout, withNodeStarted } from '../../../src/core/upgrade/record.ts'
import { startProcess, temporaryFolder } from '../../lab/process.ts'
import { unprivileged } from '../../lab/unprivileged.ts'
import { outageOf } from '../../core/power/outages.ts'
import { recall, remember } from './facts.ts'
import { whileWritten } from './recovery.ts'

const writer = new URL('journal-writer.ts', import.meta.url)
const holder = new URL('state-holder.ts', import.meta.url)
const outage = outageOf(new Date('2026-11-22T10:00:00Z'), ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))
const stopping = withNodeState(outage, 'w-1', 'shutdown-sent')
const begun = beginRollout('v1.13.9', new Date('2026-11-22T09:00:00Z'))
const rollout = withNodeStarted(begun, { name: 'w-1', role: 'worker', from: 'v1.13.8' }, new Date(0))

describe('the journal', () => {
  test('has everything of an agent that was killed the moment after it wrote', async () => {
    await using folder = await temporaryFolder()
    await using agent = startProcess(writer, folder.path)
    await agent.until(/saved/)
    await agent.kill()
    using journal = openJournal(folder.path)
    expect(journal.openOutage()).toEqual(stopping)
    expect(journal.openRollout()).toEqual(rollout)
    expect(journal.rollouts(5)).toEqual([rollout])
    expect(recall(journal, 'wishes')).toEqual(['v1.14.0'])
    expect(journal.entries(1)).toEqual([expect.objectContaining({ text: 'ups is critical' })])
    expect(journal.firstSeen(['v1.13.9'], 9).get('v1.13.9')).toBe(7)
    const [run] = journal.runs(1)
    expect(run).toMatchObject({ job: 'shut-down-cluster' })
    expect(run!.outcome).toBeUndefined()
    expect(journal.beginRun('wake-cluster')).toBeGreaterThan(run!.id)
  })

  test('is read beside the one who writes it, and never changed by the reader', async () => {
    await using folder = await temporaryFolder()
    using journal = openJournal(folder.path)
    journal.saveOutage(outage)
    using reader = openJournal(folder.path, { readOnly: true })
    expect(reader.openOutage()).toEqual(outage)
    journal.write({ kind: 'event', text: 'after it was opened' })
    expect(reader.entries(1)).toEqual([expect.objectContaining({ text: 'after it was opened' })])
    expect(Object.fromEntries(reader.firstSeen(['v1.14.0'], 5))).toEqual({ 'v1.14.0': 5 })
    expect(Object.fromEntries(journal.firstSeen([], 6))).toEqual({})
  })

  test('is read after a killed agent, by a reader alone', async () => {
    await using folder = await temporaryFolder()
    await using agent = startProcess(writer, folder.path)
    await agent.until(/saved/)
    await agent.kill()
    using reader = openJournal(folder.path, { readOnly: true })
    expect(reader.openOutage()).toEqual(stopping)
  })

  test('keeps what is new of what only people read, and everything that decisions need', async () => {
    await using folder = await temporaryFolder()
    using journal = openJournal(folder.path)
    for (let index = 0; index < 600; index++) journal.write({ kind: 'event', text: `${index}` })
    expect(journal.entries(10_000)).toHaveLength(600)
    expect(journal.entries(1)[0]!.text).toBe('599')
  })

  test('of an agent that is often restarted is cut at each start, and while it runs', async () => {
    await using folder = await temporaryFolder()
    openJournal(folder.path)[Symbol.dispose]()
    {
      using database = new DatabaseSync(join(folder.path, 'journal.db'))
      const numbers = (most: number) =>
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${most}) SELECT`
      const record = (more: string) => `printf('%012d', i), 0, ${Date.now()}, json_object('id', i, ${more})`
      const into = 'INSERT INTO records (kind, key, open, at, value)'
      database.exec(
        `${into} ${numbers(7_200)} 'run', ${record(`'job', 'look', 'startedAt', '2026-11-26T10:00:00Z'`)} FROM n`,
      )
      database.exec(
        `${into} ${numbers(20_100)} 'entry', ${record(`'at', '2026-11-26T10:00:00Z', 'kind', 'event', 'text', '' || i`)} FROM n`,
      )
    }
    using journal = openJournal(folder.path)
    expect(journal.runs(10_000)).toHaveLength(5_000)
    expect(journal.entries(30_000)).toHaveLength(20_000)
    expect(journal.entries(1)[0]!.text).toBe('20100')
    for (let index = 0; index < 500; index++) journal.endRun(journal.beginRun('look'), 'done', `${index}`)
    expect(journal.runs(10_000).length).toBeLessThanOrEqual(5_001)
    expect(journal.runs(1)[0]!.id).toBe(7_700)
  })

  test('recalls a pause of before the start although the disk fails after it', async () => {
    await using folder = await temporaryFolder()
    {
      using journal = openJournal(folder.path)
      for (let index = 0; index < 200; index++) remember(journal, `fact ${index}`, 'x'.repeat(200))
      remember(journal, 'paused', 'by hand')
    }
    using journal = openJournal(folder.path)
    await truncate(join(folder.path, 'journal.db'), 5_000)
    expect(recall(journal, 'paused')).toBe('by hand')
    expect(recall(journal, 'fact 7')).toBe('x'.repeat(200))
    remember(journal, 'paused', undefined)
    expect(recall(journal, 'paused')).toBeUndefined()
  })

  test('tells a reader beside the writer what is remembered since it was opened', async () => {
    await using folder = await temporaryFolder()
    using journal = openJournal(folder.path)
    using reader = openJournal(folder.path, { readOnly: true })
    remember(journal, 'paused', 'by hand')
    expect(recall(reader, 'paused')).toBe('by hand')
  })

  test('tells a reader beside the writer of a rollout that began and went on since it was opened', async () => {
    await using folder = await temporaryFolder()
    using journal = openJournal(folder.path)
    using reader = openJournal(folder.path, { readOnly: true })
    journal.saveRollout(begun)
    expect(reader.openRollout()).toEqual(begun)
    journal.saveRollout(rollout)
    expect(reader.openRollout()).toEqual(rollout)
    journal.saveRollout(endRollout(rollout, 'done', new Date('2026-11-22T10:00:00Z')))
    expect(reader.openRollout()).toBeUndefined()
    expect(reader.rollouts(5)).toEqual([expect.objectContaining({ id: begun.id, outcome: 'done' })])
  })

  test('makes its folder for its own user only', async () => {
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'a', 'state')
    using _ = openJournal(state)
    expect((await stat(state)).mode & 0o777).toBe(0o700)
  })

  test.each([
    ['is not there', async () => {}],
    ['has no journal in it', (path: string) => mkdir(path)],
    [
      'has something else in its place',
      async (path: string) => {
        await mkdir(path)
        await writeFile(join(path, 'journal.db'), 'not a database, but long enough to be taken for one '.repeat(50))
      },
    ],
    [
      'has an empty file in its place',
      async (path: string) => {
        await mkdir(path)
        await writeFile(join(path, 'journal.db'), '')
      },
    ],
  ])('can not be read where the folder %s, and says which', async (_, prepare) => {
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'state')
    await prepare(state)
    expect(() => openJournal(state, { readOnly: true })).toThrow(
      expect.objectContaining({ code: 'misconfigured', message: expect.stringContaining(state) }),
    )
  })

  test('is not written where a file is in the way of its folder', async () => {
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'state')
    await writeFile(state, '')
    expect(() => openJournal(state)).toThrow(expect.objectContaining({ code: 'misconfigured' }))
    expect(() => lockState(state)).toThrow(expect.objectContaining({ code: 'misconfigured' }))
  })

  test('that the disk no longer gives back throws nothing at an agent in a power cut', async () => {
    await using folder = await temporaryFolder()
    const said: (string | undefined)[] = []
    {
      using journal = openJournal(folder.path)
      for (let index = 0; index < 200; index++) journal.write({ kind: 'event', text: 'x'.repeat(200) })
      journal.saveOutage(outage)
    }
    using journal = openJournal(folder.path, { onDegraded: (why) => said.push(why) })
    await truncate(join(folder.path, 'journal.db'), 5_000)
    for (let index = 0; index < 3; index++) journal.entries(1_000)
    journal.saveOutage(stopping)
    journal.runs(10)
    expect(recall(journal, 'never asked for before')).toBeUndefined()
    journal.outages(5)
    journal.firstSeen(['v1.13.9'], 3)
    journal.saveRollout(rollout)
    expect(journal.openRollout()).toEqual(rollout)
    expect(journal.rollouts(5)).toEqual([rollout])
    expect(journal.openOutage()).toEqual(stopping)
    expect(said.length).toBeGreaterThan(0)
  })
})

test('a lock that somebody else keeps on the journal holds up nobody for long, and nothing is lost', async () => {
  await using folder = await temporaryFolder()
  {
    using journal = openJournal(folder.path)
    journal.saveOutage(outage)
    const other = new DatabaseSync(join(folder.path, 'journal.db'))
    other.exec('BEGIN IMMEDIATE')
    const begin = performance.now()
    for (let index = 0; index < 200; index++) journal.write({ kind: 'event', text: `event ${index}` })
    journal.saveOutage(stopping)
    // Each of these would have waited by itself, for 50 s altogether.
    expect(performance.now() - begin).toBeLessThan(20_000)
    expect(journal.degraded).toMatch(/locked/)
    expect(journal.openOutage()).toEqual(stopping)
    other.exec('ROLLBACK')
    other.close()
    await whileWritten(journal, () => journal.degraded, 20_000).toBeUndefined()
  }
  using again = openJournal(folder.path, { readOnly: true })
  expect(again.openOutage()).toEqual(stopping)
})

describe('the state directory', () => {
  test('is one agent’s alone: a second one is refused in words, and told what to do', async () => {
    await using folder = await temporaryFolder()
    await using first = startProcess(holder, folder.path)
    await first.until(/held/)
    await using second = startProcess(holder, folder.path)
    expect(await second.until(/\n/)).toBe(
      `refused: another Caretaker uses ${folder.path}: stop it first, or give this one its own 'state'\n`,
    )
    expect(() => lockState(folder.path)).toThrow(expect.objectContaining({ code: 'misconfigured' }))
  })

  test('is free again when its agent was killed', async () => {
    await using folder = await temporaryFolder()
    await using first = startProcess(holder, folder.path)
    await first.until(/held/)
    await first.kill()
    using _ = lockState(folder.path)
    await using second = startProcess(holder, folder.path)
    expect(await second.until(/\n/)).toMatch(/refused/)
  })

  test('is free again when it was given back, and is held only once by one process', async () => {
    await using folder = await temporaryFolder()
    const held = lockState(folder.path)
    expect(() => lockState(folder.path)).toThrow(/another Caretaker/)
    held[Symbol.dispose]()
    using _ = lockState(folder.path)
  })

  test('that can not be written to is refused with its path', async () => {
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'state')
    await mkdir(state)
    await chmod(state, 0o500)
    await unprivileged(() =>
      expect(() => lockState(state)).toThrow(expect.objectContaining({ message: expect.stringContaining(state) })),
    )
  })
})
