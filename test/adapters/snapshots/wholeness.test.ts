import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { createEtcd } from '../../lab/talos/etcd.ts'
import { refusal } from '../refusal.ts'
import { inChunks, realSnapshot, snapshotOf, type SnapshotsLab, startSnapshotsLab, withDigest } from './lab.ts'

let at: SnapshotsLab
beforeEach(async () => {
  at = await startSnapshotsLab()
})
afterEach(() => at[Symbol.asyncDispose]())

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
      message: 'snapshot of etcd from cp-1: it has data after its 32768 bytes and their checksum',
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
      message: 'its checksum does not match: it is damaged',
    },
    {
      name: 'is something else',
      body: inChunks(Buffer.alloc(32_800, 'x')),
      code: 'malformed',
      message: 'it is not an etcd database',
    },
    {
      name: 'is of another format',
      body: inChunks(snapshotOf('a', { version: 3 })),
      code: 'malformed',
      message: 'its bbolt format is 3, and only 2 is supported',
    },
    {
      name: 'has pages of no size',
      body: inChunks(snapshotOf('a', { pageSize: 100 })),
      code: 'malformed',
      message: 'its page size of 100 bytes is not valid',
    },
    {
      name: 'has pages of too great a size',
      body: inChunks(snapshotOf('a', { pageSize: 2 ** 30 })),
      code: 'malformed',
      message: 'its page size of 1073741824 bytes is not valid',
    },
    {
      name: 'is shorter than it says itself',
      body: inChunks(snapshotOf('a', { says: 9 })),
      code: 'unreachable',
      message: 'it ended early, after 32800 bytes',
    },
    { name: 'breaks off', body: broken(), code: 'unreachable', message: 'it was cut off: terminated' },
    { name: 'is refused by the node', body: refused(), code: 'rejected', message: 'cp-1 answers: etcd is not running' },
  ])('because it $name is refused, and nothing of it stays', async ({ body, code, message }) => {
    const before = await at.keep()
    const files = await at.files()
    const error = await refusal(at.keep(body))
    expect(error).toMatchObject({ code, message: `snapshot of etcd from cp-1: ${message}` })
    expect(await at.files()).toEqual(files)
    expect(await at.open().list()).toEqual([before])
  })

  test('because it was cancelled is given up at once, though the stream hangs', async () => {
    const over = new AbortController()
    const hanging = inChunks(whole, 1_000, () => {
      over.abort()
      return new Promise(() => undefined)
    })
    const call = at.open().keep({ node: 'cp-1', release: 'v1.13.9' }, hanging, over.signal)
    expect((await refusal(call)).message).toBe('snapshot of etcd from cp-1: it was cancelled')
    expect(await at.files()).toEqual([])
  })

  test('because it was cancelled before it began is not begun', async () => {
    const call = at.open().keep({ node: 'cp-1', release: 'v1.13.9' }, inChunks(whole), AbortSignal.abort())
    expect((await refusal(call)).message).toBe('snapshot of etcd from cp-1: it was cancelled')
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
