import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inChunks, modeOf, snapshotOf, type SnapshotsLab, startSnapshotsLab } from './lab.ts'
import { soon } from '../../patience.ts'

let at: SnapshotsLab
beforeEach(async () => {
  at = await startSnapshotsLab()
})
afterEach(() => at[Symbol.asyncDispose]())

describe('a snapshot of etcd', () => {
  test.each([1, 31, 32, 33, 1_000, 4_096, 100_000])('comes whole in pieces of %d bytes', async (size) => {
    const bytes = snapshotOf('secrets')
    const kept = await at.keep(inChunks(bytes, size))
    expect(kept).toEqual({
      file: join(at.directory, 'etcd-2026-11-22T030100.000Z-v1.13.9-cp-1.snapshot'),
      at: '2026-11-22T03:01:00.000Z',
      node: 'cp-1',
      release: 'v1.13.9',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    expect(await readFile(kept.file)).toEqual(bytes)
    expect(await at.open().list()).toEqual([kept])
  })

  test('may be read by its owner only, because it holds the secrets of Kubernetes', async () => {
    const { file } = await at.keep()
    expect(await modeOf(file)).toBe('600')
    expect(await modeOf(`${file}.json`)).toBe('600')
    expect(await modeOf(at.directory)).toBe('700')
    let part: string | undefined
    await at.keep(
      inChunks(snapshotOf('b'), 1_000, async () => {
        part = (await at.files()).find((name) => name.startsWith('.part-'))
        expect(await modeOf(join(at.directory, part!))).toBe('600')
      }),
    )
    expect(part).toBeDefined()
  })

  test('is described beside it', async () => {
    const { file, ...label } = await at.keep()
    expect(JSON.parse(await readFile(`${file}.json`, 'utf8'))).toEqual(label)
  })

  test('stays in its directory whatever node and release are called', async () => {
    const about = { node: '../../etc/cron.d/ü\n\0', release: `/${'9'.repeat(400)}` }
    const kept = await at.keep(undefined, about)
    expect(dirname(kept.file)).toBe(at.directory)
    expect(kept.file).toMatch(/\/etcd-2026-11-22T030100\.000Z-_9{63}-\.\._\.\._etc_cron\.d_\.snapshot$/)
    expect(await at.open().list()).toEqual([{ ...kept, ...about }])
    expect((await at.keep(undefined, { node: '', release: '' })).file).toMatch(/Z-_-_\.snapshot$/)
  })

  test('gets a name of its own when the clock stands still', async () => {
    const snapshots = at.open({ now: () => new Date('2026-11-22T03:00:00Z') })
    const about = { node: 'cp-1', release: 'v1.13.9' }
    const first = await snapshots.keep(about, inChunks(snapshotOf('a')), soon())
    const second = await snapshots.keep(about, inChunks(snapshotOf('b')), soon())
    expect(await snapshots.list()).toEqual([second, first])
  })
})

describe('of the snapshots that there are', () => {
  test('the newest are kept', async () => {
    const kept = []
    for (const content of ['a', 'b', 'c', 'd', 'e']) kept.unshift(await at.keep(inChunks(snapshotOf(content))))
    expect(await at.open().list()).toEqual(kept.slice(0, 3))
    expect(await at.files()).toHaveLength(6)
  })

  test('the one just taken stays though the clock was set back', async () => {
    for (const content of ['a', 'b', 'c']) await at.keep(inChunks(snapshotOf(content)))
    at.now -= 30 * 86_400_000
    const just = await at.keep()
    expect((await at.open().list()).at(-1)).toEqual(just)
    expect(await at.open().list()).toHaveLength(3)
  })

  test('one is kept where none is asked for', async () => {
    await at.keep()
    const about = { node: 'cp-1', release: 'v1.13.9' }
    const just = await at.open({ keep: 0 }).keep(about, inChunks(snapshotOf('b')), soon())
    expect(await at.open().list()).toEqual([just])
  })

  test('half-written and damaged ones are not told of', async () => {
    const [bare, longer, damaged, whole] = [await at.keep(), await at.keep(), await at.keep(), await at.keep()]
    // The oldest went when the fourth came.
    expect(await at.open().list()).toEqual([whole, damaged, longer])
    await writeFile(bare.file, 'without a label')
    await appendFile(longer.file, 'x')
    await writeFile(`${damaged.file}.json`, '{"at":"2026')
    await writeFile(join(at.directory, 'etcd-copy.snapshot.json'), '{}')
    await symlink(whole.file, join(at.directory, 'etcd-link.snapshot'))
    await writeFile(join(at.directory, 'etcd-link.snapshot.json'), await readFile(`${whole.file}.json`))
    await mkdir(join(at.directory, 'etcd-folder.snapshot'))
    expect(await at.open().list()).toEqual([whole])
  })

  test('what a crash left goes, and what is being written stays', async () => {
    await at.keep()
    const write = async (name: string, age: number) => {
      await writeFile(join(at.directory, name), '')
      await utimes(join(at.directory, name), 0, (at.now - age) / 1_000)
    }
    await write('.part-0123', 2 * 3_600_000)
    await write('.part-4567', 60_000)
    await write('etcd-2026-11-22T010000.000Z-v1.13.9-cp-1.snapshot.json', 2 * 3_600_000)
    await write('notes.txt', 2 * 3_600_000)
    await at.keep()
    const others = (await at.files()).filter((name) => !name.startsWith('etcd-2026-11-22T03'))
    expect(others).toEqual(['.part-4567', 'notes.txt'])
  })

  test('there are none where there is no directory yet', async () => {
    expect(await at.open().list()).toEqual([])
  })

  test('one that somebody took away is nothing to prune', async () => {
    const first = await at.keep()
    await rm(first.file)
    await at.keep()
    expect(await at.open().list()).toHaveLength(1)
  })
})
