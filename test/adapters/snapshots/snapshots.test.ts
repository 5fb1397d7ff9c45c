import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { createEtcd } from '../../lab/talos/etcd.ts'
import { refusal } from '../refusal.ts'
import { inChunks, modeOf, realSnapshot, snapshotOf, type SnapshotsLab, startSnapshotsLab, withDigest } from './lab.ts'

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
    const first = await snapshots.keep(about, inChunks(snapshotOf('a')), AbortSignal.timeout(10_000))
    const second = await snapshots.keep(about, inChunks(snapshotOf('b')), AbortSignal.timeout(10_000))
    expect(await snapshots.list()).toEqual([second, first])
  })
})

describe('a snapshot that a real etcd made', () => {
  test('is kept as it came', async () => {
    const bytes = await realSnapshot()
    const kept = await at.keep(inChunks(bytes, 1_024))
    expect(await readFile(kept.file)).toEqual(bytes)
    expect(kept.bytes).toBe(32_800)
  })

  test('is refused wherever it ends too early', async () => {
    const bytes = await realSnapshot()
    const lengths = [0, 28, 80, 4_096, 4_128, 8_192, 8_224, 16_384, 16_416, 28_672, 28_704, 32_768, 32_799]
    for (const length of lengths) {
      const error = await refusal(at.keep(inChunks(bytes.subarray(0, length))))
      expect(error).toMatchObject({
        code: 'unreachable',
        message: `snapshot of etcd from cp-1: it ended early, after ${length} bytes`,
      })
    }
    expect(await at.files()).toEqual([])
  })

  test('is refused wherever a bit of it was changed', async () => {
    const bytes = await realSnapshot()
    const places = [16, 20, 25, 40, 56, 72, 4_112, 4_152, 4_168, 8_192, 12_300, 20_000, 32_767, 32_768, 32_799]
    for (const place of places) {
      const damaged = Buffer.from(bytes)
      damaged[place]! ^= 4
      expect(await refusal(at.keep(inChunks(damaged))), `a bit at ${place}`).toMatchObject({ code: 'malformed' })
    }
    expect(await at.files()).toEqual([])
  })

  test('is refused where whole pages are lost and the checksum is made for what is left', async () => {
    const database = (await realSnapshot()).subarray(0, -32)
    for (const pages of [2, 4, 7]) {
      const error = await refusal(at.keep(inChunks(withDigest(database.subarray(0, pages * 4_096)))))
      expect(error.message).toBe(`snapshot of etcd from cp-1: it ended early, after ${pages * 4_096 + 32} bytes`)
    }
    const longer = withDigest(Buffer.concat([database, Buffer.alloc(4_096)]))
    expect(await refusal(at.keep(inChunks(longer)))).toMatchObject({
      code: 'malformed',
      message: 'snapshot of etcd from cp-1: it goes on after its 32768 bytes and their checksum',
    })
  })
})

test('a snapshot that the lab makes is kept, with few members and with many', async () => {
  const etcd = createEtcd()
  for (let at = 1; at <= 40; at++) {
    etcd.join(`cp-${at}-${'x'.repeat(60)}`, `10.0.0.${at}`)
    const bytes = etcd.snapshot()
    expect(bytes.length).toBe(Number(etcd.dbSize) + 32)
  }
  expect(etcd.dbSize).toBeGreaterThan(12_288n)
  expect((await at.keep(inChunks(etcd.snapshot()))).bytes).toBe(Number(etcd.dbSize) + 32)
})

describe('a snapshot that is not whole', () => {
  const whole = snapshotOf('a')
  const changed = Buffer.from(whole)
  changed[20_000]! ^= 1
  const broken = async function* () {
    yield* inChunks(whole.subarray(0, 9_000))
    throw new TypeError('terminated')
  }
  const refused = async function* () {
    yield* inChunks(whole.subarray(0, 9_000))
    throw new AgentError('rejected', 'cp-1 answers: etcd is not running')
  }
  test.each([
    {
      name: 'has nothing in it',
      body: inChunks(Buffer.alloc(0)),
      code: 'unreachable',
      message: 'it ended early, after 0 bytes',
    },
    {
      name: 'ends in the middle',
      body: inChunks(whole.subarray(0, 16_384)),
      code: 'unreachable',
      message: 'it ended early, after 16384 bytes',
    },
    {
      name: 'lacks its checksum',
      body: inChunks(whole.subarray(0, -32)),
      code: 'unreachable',
      message: 'it ended early, after 32768 bytes',
    },
    {
      name: 'lacks a byte',
      body: inChunks(whole.subarray(0, -1)),
      code: 'unreachable',
      message: 'it ended early, after 32799 bytes',
    },
    {
      name: 'has one page',
      body: inChunks(snapshotOf('a').subarray(0, 4_128)),
      code: 'unreachable',
      message: 'it ended early, after 4128 bytes',
    },
    {
      name: 'was damaged',
      body: inChunks(changed),
      code: 'malformed',
      message: 'the checksum at its end is not that of what came before it: it was damaged',
    },
    {
      name: 'is something else',
      body: inChunks(Buffer.alloc(32_800, 'x')),
      code: 'malformed',
      message: 'it is no database of etcd',
    },
    {
      name: 'is of another format',
      body: inChunks(snapshotOf('a', { version: 3 })),
      code: 'malformed',
      message: "it is a database of bbolt's format 3, and only 2 is known",
    },
    {
      name: 'has pages of no size',
      body: inChunks(snapshotOf('a', { pageSize: 100 })),
      code: 'malformed',
      message: 'its pages are of 100 bytes',
    },
    {
      name: 'has pages of too great a size',
      body: inChunks(snapshotOf('a', { pageSize: 2 ** 30 })),
      code: 'malformed',
      message: 'its pages are of 1073741824 bytes',
    },
    {
      name: 'is shorter than it says itself',
      body: inChunks(snapshotOf('a', { says: 9 })),
      code: 'unreachable',
      message: 'it ended early, after 32800 bytes',
    },
    { name: 'breaks off', body: broken(), code: 'unreachable', message: 'it broke off: terminated' },
    { name: 'is refused by the node', body: refused(), code: 'rejected', message: 'cp-1 answers: etcd is not running' },
  ])('because it $name is refused, and nothing of it stays', async ({ body, code, message }) => {
    const before = await at.keep()
    const files = await at.files()
    const error = await refusal(at.keep(body))
    expect(error).toMatchObject({ code, message: `snapshot of etcd from cp-1: ${message}` })
    expect(await at.files()).toEqual(files)
    expect(await at.open().list()).toEqual([before])
  })

  test('because it was called off is given up at once, though the stream hangs', async () => {
    const over = new AbortController()
    const hanging = inChunks(whole, 1_000, () => {
      over.abort()
      return new Promise(() => undefined)
    })
    const call = at.open().keep({ node: 'cp-1', release: 'v1.13.9' }, hanging, over.signal)
    expect((await refusal(call)).message).toBe('snapshot of etcd from cp-1: it was called off')
    expect(await at.files()).toEqual([])
  })

  test('because it was called off before it began is not begun', async () => {
    const call = at.open().keep({ node: 'cp-1', release: 'v1.13.9' }, inChunks(whole), AbortSignal.abort())
    expect((await refusal(call)).message).toBe('snapshot of etcd from cp-1: it was called off')
    expect(await at.files()).toEqual([])
  })

  test('lets the node know that no more is wanted', async () => {
    let ended = false
    const body = async function* () {
      try {
        yield Buffer.alloc(4_096, 'x')
        yield Buffer.alloc(4_096, 'x')
      } finally {
        ended = true
      }
    }
    await refusal(at.keep(body()))
    expect(ended).toBe(true)
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
    const just = await at.open({ keep: 0 }).keep(about, inChunks(snapshotOf('b')), AbortSignal.timeout(10_000))
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
