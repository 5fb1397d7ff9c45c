import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openMemory } from '../../../src/adapters/journal/database.ts'
import { createRecords } from '../../../src/adapters/journal/records.ts'
import { openStore } from '../../../src/adapters/journal/store.ts'
import { createWriteBehind } from '../../../src/adapters/journal/write-behind.ts'
import { openJournal } from '../../../src/adapters/journal/journal.ts'
import type { RecordKind } from '../../../src/core/records.ts'
import { flag, object, text } from '../../../src/core/shape.ts'
import { withNodeState } from '../../../src/core/power/outage.ts'
import { outageOf } from '../../core/power/outages.ts'
import { temporaryFolder } from '../../lab/process.ts'

interface Leak {
  readonly where: string
  readonly isDry: boolean
}

const leakKind: RecordKind<Leak> = {
  name: 'leak',
  parse: object<Leak>({ where: text, isDry: flag }),
  keyOf: ({ where }) => where,
  isOpen: ({ isDry }) => !isDry,
  retention: { most: 10 },
}

async function openFile() {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'journal.db')
  return {
    folder,
    /** As somebody with another tool sees it. */
    look: (sql: string) => {
      using database = new DatabaseSync(file)
      return database.prepare(sql).all()
    },
    change: (sql: string) => {
      using database = new DatabaseSync(file)
      database.exec(sql)
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

describe('a record that can not be read', () => {
  test.each([
    { how: 'is no JSON', value: '{"where":' },
    { how: 'lacks a field', value: '{"where":"cellar"}' },
    { how: 'has a field of another type', value: '{"where":"cellar","isDry":"no"}' },
  ])('because it $how is set aside, is told once, and costs the others nothing', async ({ value }) => {
    await using it = await openFile()
    {
      using store = openStore(it.folder.path, {})
      for (const where of ['attic', 'cellar', 'roof']) store.records(leakKind).save({ where, isDry: false })
    }
    it.change(`UPDATE records SET value = '${value}' WHERE key = 'cellar'`)
    const told: string[] = []
    {
      using store = openStore(it.folder.path, { onSetAside: (kind, key) => told.push(`${kind} ${key}`) })
      const leaks = store.records(leakKind)
      expect(leaks.open().map(({ where }) => where)).toEqual(['roof', 'attic'])
      expect(leaks.newest(5).map(({ where }) => where)).toEqual(['roof', 'attic'])
      expect(leaks.get('cellar')).toBeUndefined()
      leaks.save({ where: 'cellar', isDry: true })
      expect(leaks.get('cellar')).toEqual({ where: 'cellar', isDry: true })
    }
    expect(told).toEqual(['leak cellar'])
    expect(it.look('SELECT kind, key, value FROM quarantine')).toEqual([{ kind: 'leak', key: 'cellar', value }])
    using store = openStore(it.folder.path, { onSetAside: () => expect.unreachable() })
    expect(store.records(leakKind).newest(5)).toHaveLength(3)
  })

  test('hides an open outage from nobody who has an older one', async () => {
    await using it = await openFile()
    const outages = ['2026-11-01', '2026-11-02'].map((day) =>
      outageOf(new Date(`${day}T10:00:00Z`), ['cp-1'], new Set(['cp-1'])),
    )
    {
      using journal = openJournal(it.folder.path)
      for (const outage of outages) journal.saveOutage(outage)
      journal.write({ kind: 'event', text: 'one' })
      journal.write({ kind: 'event', text: 'two' })
    }
    it.change(`UPDATE records SET value = 'x' WHERE key LIKE '2026-11-02%' OR (kind = 'entry' AND key LIKE '%2')`)
    using reader = openJournal(it.folder.path, { readOnly: true })
    expect([reader.openOutage(), reader.entries(5).map(({ text: said }) => said)]).toEqual([outages[0], ['one']])
    using journal = openJournal(it.folder.path)
    expect([journal.openOutage(), journal.outages(5)]).toEqual([outages[0], [outages[0]]])
    journal.write({ kind: 'event', text: 'three' })
    expect(journal.entries(5).map(({ text: said }) => said)).toEqual(['three', 'one'])
    expect(it.look('SELECT kind FROM quarantine ORDER BY id')).toEqual([{ kind: 'outage' }, { kind: 'entry' }])
  })
})

test('what may be written later is on the disk with the next write, and when the journal is closed', async () => {
  await using it = await openFile()
  const stored = () => it.look(`SELECT key FROM records WHERE kind = 'leak' ORDER BY key`).map(({ key }) => key)
  {
    using store = openStore(it.folder.path, {})
    const leaks = store.records(leakKind)
    leaks.save({ where: 'attic', isDry: false }, 'later')
    expect(stored()).toEqual([])
    leaks.save({ where: 'roof', isDry: false })
    expect(stored()).toEqual(['attic', 'roof'])
    leaks.remove('attic', 'later')
    leaks.save({ where: 'cellar', isDry: false }, 'later')
    expect(stored()).toEqual(['attic', 'roof'])
    // The same once more, and now it must not be lost.
    leaks.save({ where: 'cellar', isDry: false })
    expect(stored()).toEqual(['cellar', 'roof'])
    leaks.save({ where: 'shed', isDry: false }, 'later')
  }
  expect(stored()).toEqual(['cellar', 'roof', 'shed'])
})

test('what is there already is not written again', async () => {
  await using it = await openFile()
  using journal = openJournal(it.folder.path)
  const outage = outageOf(new Date('2026-11-22T10:00:00Z'), ['cp-1', 'w-1'], new Set(['cp-1', 'w-1']))
  journal.saveOutage(outage)
  using other = new DatabaseSync(join(it.folder.path, 'journal.db'))
  const version = () => other.prepare('PRAGMA data_version').get()
  const run = () => journal.endRun(journal.beginRun('shut-down-cluster'), 'later', 'every machine was told')
  const before = version()
  run()
  const after = version()
  expect(after).not.toEqual(before)
  for (let turn = 0; turn < 10; turn++) {
    journal.saveOutage(structuredClone(outage))
    run()
  }
  expect(version()).toEqual(after)
  journal.saveOutage(withNodeState(outage, 'w-1', 'shutdown-sent'))
  expect(version()).not.toEqual(after)
})

test('what comes and goes before it reaches the disk leaves nothing that waits for it', () => {
  const disk = createWriteBehind(openMemory(), { onDegraded: () => expect.unreachable() })
  const leaks = createRecords(leakKind, {
    disk,
    openRecords: new Map(),
    query: () => [],
    file: () => 'one',
    now: () => 0,
    beforeSave: () => {},
    setAside: () => expect.unreachable(),
  })
  for (let turn = 0; turn < 3; turn++) {
    leaks.save({ where: `${turn}`, isDry: true }, 'later')
    leaks.remove(`${turn}`, 'later')
  }
  expect(disk.of('leak')).toEqual([])
})

describe('a record that is asked for all the time', () => {
  const count = { parsed: 0 }
  const countedKind: RecordKind<Leak> = {
    ...leakKind,
    retention: { most: 10_000 },
    parse: (value) => {
      count.parsed += 1
      return leakKind.parse(value)
    },
  }
  const many = Array.from({ length: 700 }, (_, index) => ({ where: `cellar ${1_000 + index}`, isDry: true }))

  test('is read once as long as its text stays, and anew where anybody has changed it', async () => {
    await using it = await openFile()
    using store = openStore(it.folder.path, {})
    const leaks = store.records(countedKind)
    for (const leak of many) leaks.save(leak)
    leaks.newest(500)
    count.parsed = 0
    expect(leaks.newest(500)).toEqual(many.slice(-500).toReversed())
    expect(leaks.get('cellar 1699')).toEqual(many.at(-1))
    expect(count.parsed).toBe(0)
    leaks.save({ where: 'cellar 1699', isDry: false })
    expect(leaks.get('cellar 1699')).toEqual({ where: 'cellar 1699', isDry: false })
    leaks.save(many.at(-1)!)
    it.change(`UPDATE records SET value = '{"where":"cellar 1698","isDry":false}' WHERE key = 'cellar 1698'`)
    expect(leaks.newest(2)).toEqual([many.at(-1), { where: 'cellar 1698', isDry: false }])
    leaks.remove('cellar 1699')
    expect(leaks.get('cellar 1699')).toBeUndefined()
  })

  test('is read once however long it is, and not kept where there is too much of it together', async () => {
    await using it = await openFile()
    using store = openStore(it.folder.path, {})
    const leaks = store.records(countedKind)
    const long = Array.from({ length: 5 }, (_, index) => ({
      where: `cellar ${index} ${'x'.repeat(90_000)}`,
      isDry: true,
    }))
    for (const leak of long) leaks.save(leak, 'later')
    for (const { where } of long) leaks.get(where)
    count.parsed = 0
    for (const { where } of long.slice(1)) leaks.get(where)
    expect(count.parsed).toBe(0)
    leaks.get(long[0]!.where)
    expect(count.parsed).toBe(1)
  })

  test('takes no more memory the more there are', async () => {
    await using it = await openFile()
    using store = openStore(it.folder.path, {})
    const leaks = store.records(countedKind)
    for (const leak of many) leaks.save(leak, 'later')
    leaks.newest(700)
    count.parsed = 0
    leaks.get('cellar 1000')
    leaks.get('cellar 1699')
    expect(count.parsed).toBe(1)
  })
})

describe('a list that is asked for again', () => {
  const [first, second] = [
    { where: 'cellar 1', isDry: true },
    { where: 'cellar 2', isDry: true },
  ] as const

  /** Records over a file that counts the questions, and may fail. */
  function opened() {
    const file = { questions: 0, isFailing: false, name: 'one', rows: [first] as readonly Leak[] }
    const memory = openMemory()
    const disk = createWriteBehind(
      () => {
        if (file.isFailing) throw new Error('EIO')
        return memory
      },
      { onDegraded: () => {} },
    )
    const leaks = createRecords(leakKind, {
      disk,
      openRecords: new Map(),
      query: () => {
        file.questions += 1
        if (file.isFailing) disk.noteFailure(new Error('EIO'))
        return file.isFailing ? [] : file.rows.map((leak) => ({ key: leak.where, value: JSON.stringify(leak) }))
      },
      file: () => file.name,
      now: () => 0,
      beforeSave: () => {},
      setAside: () => expect.unreachable(),
    })
    return { file, disk, leaks }
  }

  test('is read from the file once, each length by itself', () => {
    const { file, leaks } = opened()
    for (let turn = 0; turn < 3; turn++) expect(leaks.newest(5)).toEqual([first])
    expect(file.questions).toBe(1)
    expect(leaks.newest(6)).toEqual([first])
    expect(file.questions).toBe(2)
    for (let limit = 7; limit < 20; limit++) leaks.newest(limit)
    leaks.newest(5)
    expect(file.questions).toBe(16)
  })

  test.each<{ what: string; happen: (it: ReturnType<typeof opened>) => void; left: readonly Leak[] }>([
    {
      what: 'a record is saved',
      happen: ({ leaks }) => leaks.save(second, 'later'),
      left: [second, first],
    },
    {
      what: 'one is removed',
      happen: ({ leaks }) => leaks.remove(first.where, 'later'),
      left: [],
    },
    {
      what: 'another file is used',
      happen: ({ file }) => {
        file.name = 'two'
        file.rows = [second]
      },
      left: [second],
    },
  ])('is read anew after $what', ({ happen, left }) => {
    const it = opened()
    it.leaks.newest(5)
    happen(it)
    expect(it.leaks.newest(5)).toEqual(left)
  })

  test('is not kept while the disk fails', () => {
    const { file, disk, leaks } = opened()
    file.isFailing = true
    expect(leaks.newest(5)).toEqual([])
    file.isFailing = false
    expect(leaks.newest(5)).toEqual([first])
    file.rows = []
    disk.put({ kind: 'other', key: '1', row: undefined }, 'now')
    expect(leaks.newest(5)).toEqual([])
  })
})
