import { env } from 'node:process'
import { constants, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { readCarried, refuseCarried } from '../../../src/core/release/carried.ts'
import { openUki } from '../../../src/core/release/uki.ts'
import { parseYaml } from '../../../src/yaml.ts'
import { cpio, extensionsFrame, filler, zstd } from '../../lab/uki-writer.ts'
import { createRandom, type Random } from '../random.ts'
import { means, schematicOf } from './archives.ts'
import { imageOf, sectionOf, sourceOf } from './images.ts'

const seeds = Number(env['SEEDS'] ?? 1_500)
const largeNumbers = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff] as const
/** In bytes: what reading one mutant may ask of the file, several times over, and have unpacked. */
const mostRead = 4 * 1_048_576
const mostUnpacked = 80 * 1_048_576

const yaml = 'customization:\n    systemExtensions:\n        officialExtensions:\n            - siderolabs/i915\n'
const schematic = schematicOf(yaml)
const extensions = ['siderolabs/i915', 'siderolabs/intel-ucode']
const whole = imageOf({ schematic, extensions, fillBytes: 30_000 })
/** The last archive, unpacked. */
const list = `layers:\n  - image: 0.sqsh\n    metadata:\n      name: schematic\n      version: ${schematic.id}\n      extraInfo: |\n${yaml.replaceAll(/^/gm, '        ')}`
const archive = cpio({ '0.sqsh': filler(300, 'x'), 'extensions.yaml': Buffer.from(list), 'usr/x': filler(9, 'y') })

/** Changes some bytes from `from` on, below `to`. */
function mutate(image: Buffer, random: Random, from: number, to: number): void {
  const place = () => from + random.below(Math.max(1, to - from - 4))
  for (let count = 1 + random.below(5); count > 0; count--) {
    const at = place()
    const kind = random.below(4)
    if (kind === 0) image[at] = random.below(256)
    else if (kind === 1) image[at] = image[at]! ^ (1 << random.below(8))
    else if (kind === 2) image.writeUInt32LE(random.pick(largeNumbers), at)
    else image.copyWithin(at, place(), Math.min(to, place() + random.below(64)))
  }
}

function mutant(random: Random): Buffer {
  const kind = random.below(5)
  if (kind === 0) {
    // What an archive holds, well packed.
    const other = Buffer.from(archive)
    mutate(other, random, 0, other.length)
    return imageOf({ initrd: Buffer.concat([zstd(Buffer.from('base')), zstd(other)]) })
  }
  if (kind === 1) {
    const frames = [extensionsFrame(schematic, extensions), zstd(filler(50, 'z')), archive, Buffer.alloc(9)]
    const initrd = Buffer.concat(Array.from({ length: 1 + random.below(5) }, () => random.pick(frames)))
    mutate(initrd, random, 0, initrd.length)
    return imageOf({ initrd })
  }
  const image = Buffer.from(whole)
  const { offset, rawSize } = sectionOf(image, '.initrd')
  if (kind === 2) mutate(image, random, 0, 1_024)
  else if (kind === 3) mutate(image, random, offset, offset + rawSize)
  else mutate(image, random, 0, image.length)
  return random.chance(0.1) ? image.subarray(0, random.below(image.length)) : image
}

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
    let slowest = 0
    const before = process.memoryUsage().rss
    let largest = before
    for (let seed = 0; seed < seeds; seed++) {
      const image = mutant(createRandom(seed))
      const began = performance.now()
      const { outcome, unpacked } = await outcomeOf(image, seed % 8 === 0 ? means.unpack : unpackAtOnce).catch(
        (error: unknown) => {
          throw new Error(`seed ${seed}`, { cause: error })
        },
      )
      slowest = Math.max(slowest, performance.now() - began)
      if (seed % 64 === 0) largest = Math.max(largest, process.memoryUsage().rss)
      expect(unpacked, `seed ${seed}`).toBeLessThan(mostUnpacked)
      outcomes.add(outcome.slice(0, 24))
    }
    if (seeds > 100_000)
      console.log(
        `${seeds} mutants: slowest ${slowest.toFixed(0)} ms, grown by ${Math.round((largest - before) / 2 ** 20)} MiB`,
      )
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
