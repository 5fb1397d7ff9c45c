import { expect, test } from 'vitest'
import type { Progress } from '../../src/core/activity.ts'
import type { ImageOrder } from '../../src/core/release/image.ts'
import { countedDownloads } from '../../src/engine/counted-download.ts'
import { unproven } from '../fakes/factory.ts'

const order: ImageOrder = {
  schematic: 'a',
  version: 'v1.13.9',
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  kernelArguments: [],
}

test('a download that is resumed tells how far it is from there on, and who leaves early closes it', async () => {
  let isClosed = false
  async function* body() {
    try {
      for (const length of [10, 20, 30]) yield new Uint8Array(length)
    } finally {
      isClosed = true
    }
  }
  const told: Progress[] = []
  const counted = countedDownloads(
    { warm: async () => 160, open: async () => ({ offset: 100, size: 160, etag: 'e', body: body(), ...unproven }) },
    (progress) => told.push(progress),
  )
  const { signal } = new AbortController()
  expect(await counted.warm(order, signal)).toBe(160)
  const download = await counted.open(order, undefined, signal)
  const lengths: number[] = []
  for await (const chunk of download.body) {
    lengths.push(chunk.length)
    if (lengths.length === 3) break
  }
  expect(lengths).toEqual([10, 20, 30])
  expect(told.map(({ doneBytes, totalBytes }) => [doneBytes, totalBytes])).toEqual([
    [100, 160],
    [110, 160],
    [130, 160],
  ])
  expect(isClosed).toBe(true)
})
