import { expect, test } from 'vitest'
import { withBandwidth } from '../../../src/adapters/factory/bandwidth.ts'
import type { Factory } from '../../../src/core/release/ports.ts'
import type { ImageOrder } from '../../../src/core/release/image.ts'

const order: ImageOrder = {
  schematic: 'a',
  version: 'v1.13.9',
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  kernelArguments: [],
}

/** A line that brings 1,000 bytes at once, and a clock that only waiting moves. */
function lineAt(rate: () => number | undefined) {
  let time = 5_000
  const source: Pick<Factory, 'open'> = {
    open: async () => ({
      offset: 0,
      size: 4_000,
      etag: undefined,
      source: 'https://factory.example/image',
      proofs: async () => ({ sha256: undefined, hasSignature: false }),
      body: (async function* () {
        for (let piece = 0; piece < 4; piece++) yield new Uint8Array(1_000)
      })(),
    }),
  }
  const wait = async (ms: number) => void (time += ms)
  const factory = withBandwidth(source, rate, { now: () => time, wait })
  const download = async () => {
    let bytes = 0
    const { body } = await factory.open(order, undefined, new AbortController().signal)
    for await (const piece of body) bytes += piece.length
    return bytes
  }
  return { download, elapsed: () => time - 5_000 }
}

test('a download takes as long as its bytes at the rate that is allowed', async () => {
  const line = lineAt(() => 2_000)
  expect(await line.download()).toBe(4_000)
  expect(line.elapsed()).toBe(1_500)
})

test('downloads at the same time share one rate', async () => {
  const line = lineAt(() => 2_000)
  await Promise.all([line.download(), line.download()])
  expect(line.elapsed()).toBeGreaterThanOrEqual(3_500)
})

test('without a limit nothing waits, and a limit that is taken away counts at once', async () => {
  const free = lineAt(() => undefined)
  await free.download()
  expect(free.elapsed()).toBe(0)
  let asked = 0
  const freed = lineAt(() => (asked++ < 2 ? 1_000 : undefined))
  await freed.download()
  expect(freed.elapsed()).toBe(1_000)
})
