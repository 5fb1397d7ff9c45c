import { env } from 'node:process'
import { constants, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { readCarried, refuseCarried } from '../../../src/core/release/carried.ts'
import { openUki } from '../../../src/core/release/uki.ts'
import { parseYaml } from '../../../src/yaml.ts'
import { createRandom } from '../random.ts'
import { means } from './archives.ts'
import { sourceOf } from './images.ts'
import { mutant, schematic } from './mutants.ts'

const seeds = Number(env['SEEDS'] ?? 1_500)
/** In bytes: what reading one mutant may ask of the file, several times over, and have unpacked. */
const mostRead = 4 * 1_048_576
const mostUnpacked = 80 * 1_048_576

/** In one piece and in this thread: the daemon's own way waits for other threads, so it is every eighth mutant's. */
async function* unpackAtOnce(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of compressed) pieces.push(piece)
  const options = { params: { [constants.ZSTD_d_windowLogMax]: 24 }, maxOutputLength: mostUnpacked }
  let unpacked: Buffer
  try {
    unpacked = zstdDecompressSync(Buffer.concat(pieces), options)
  } catch (error) {
    throw new AgentError('malformed', 'the extensions in .initrd are damaged', error)
  }
  yield unpacked
}

/** What comes of an image, and what it took. Any other error than ours fails the test. */
async function outcomeOf(
  image: Buffer,
  unpack: typeof means.unpack,
): Promise<{ readonly outcome: string; readonly unpacked: number }> {
  const source = sourceOf(image)
  let unpacked = 0
  const counting = {
    ...means,
    async *unpack(compressed: AsyncIterable<Uint8Array>) {
      for await (const piece of unpack(compressed)) {
        unpacked += piece.length
        yield piece
      }
    },
  }
  try {
    const { initrd } = await openUki(source)
    const asked = { version: 'v1.13.9', id: schematic.id, schematic: undefined }
    const refusal = refuseCarried(await readCarried(source, initrd, counting), asked, parseYaml)
    return { outcome: refusal ?? 'taken', unpacked }
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'malformed') throw error
    return { outcome: error.message, unpacked }
  } finally {
    expect(source.asked.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(mostRead)
  }
}

test(
  'an image with anything in it is read or refused, with nothing but our own error, and without greed',
  { timeout: 3_600_000 },
  async () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < seeds; seed++) {
      const image = mutant(createRandom(seed))
      const { outcome, unpacked } = await outcomeOf(image, seed % 8 === 0 ? means.unpack : unpackAtOnce).catch(
        (error: unknown) => {
          throw new Error(`seed ${seed}`, { cause: error })
        },
      )
      expect(unpacked, `seed ${seed}`).toBeLessThan(mostUnpacked)
      outcomes.add(outcome.slice(0, 24))
    }
    expect([...outcomes]).toEqual(
      expect.arrayContaining([
        'taken',
        'it carries no schematic:',
        'the extensions in .initr',
        'a zstd frame of .initrd ',
        'an archive in .initrd is',
        'there is no PE signature',
      ]),
    )
  },
)
