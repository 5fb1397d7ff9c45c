import { expect, test } from 'vitest'
import type { Factory } from '../../../src/core/release/ports.ts'
import { startShareLab } from './lab.ts'

// Pieces that end where batches of a mebibyte do, that do not, and that are larger than one.
test.each([65_536, 99_991, 3_000_001])(
  'a body that comes in %i bytes of memory, used again and again, is written as it came',
  async (size) => {
    await using at = await startShareLab('127.0.44.37', { imageBytes: 7_500_000 })
    const sharing: Pick<Factory, 'warm' | 'open'> = {
      ...at.factory,
      open: async (...asked) => {
        const download = await at.factory.open(...asked)
        async function* body() {
          const memory = Buffer.alloc(size)
          let filled = 0
          for await (const chunk of download.body)
            for (let from = 0; from < chunk.length;) {
              const part = chunk.subarray(from, from + size - filled)
              memory.set(part, filled)
              filled += part.length
              from += part.length
              if (filled < size) continue
              yield memory
              filled = 0
              memory.fill(0)
            }
          yield memory.subarray(0, filled)
        }
        return { ...download, body: body() }
      },
    }
    await at.stage('v1.13.9', { factory: sharing })
    expect((await at.published()).equals(at.image('v1.13.9'))).toBe(true)
  },
)
