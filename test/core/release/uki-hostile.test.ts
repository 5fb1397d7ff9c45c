import { expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { readUki, refuseUki } from '../../../src/core/release/uki.ts'
import { imageOf, sectionOf, sectionsOf, sourceOf } from './images.ts'
import { createRandom, type Random } from '../random.ts'

const largeNumbers = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff] as const
const largest = 1_048_576

/** Reads it, and returns what came of it. Any error but ours, and any greedy question to the file, fails the test. */
async function outcomeOf(image: Buffer): Promise<string> {
  const source = sourceOf(image)
  const outcome = await readUki(source).then(
    (uki) =>
      refuseUki(uki, {
        schematic: '',
        version: 'v1.13.9',
        architecture: 'amd64',
        secureBoot: false,
        kind: 'uki',
        kernelArguments: [],
      }) ?? 'taken',
    (error: unknown) => {
      if (error instanceof AgentError && error.code === 'malformed') return error.message
      throw error
    },
  )
  expect(source.asked.length).toBeLessThan(12)
  for (const { offset, length } of source.asked) {
    expect(length).toBeLessThanOrEqual(largest)
    expect(offset).toBeGreaterThanOrEqual(0)
  }
  return outcome
}

function mutate(image: Buffer, random: Random): void {
  const header = Math.min(1024, image.length)
  for (let count = 1 + random.below(6); count > 0; count--) {
    const at = random.below(header - 4)
    if (random.chance(0.4)) image[at] = random.below(256)
    else if (random.chance(0.5)) image.writeUInt32LE(random.pick(largeNumbers), at)
    else image.copyWithin(at, random.below(header), random.below(header))
  }
}

test('a header with anything in it is read or refused, without another error and without greed', async () => {
  const whole = imageOf()
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 6_000; seed++) {
    const random = createRandom(seed)
    const image = Buffer.from(whole)
    mutate(image, random)
    outcomes.add(
      (await outcomeOf(random.chance(0.2) ? image.subarray(0, random.below(image.length)) : image)).slice(0, 20),
    )
  }
  expect([...outcomes]).toEqual(
    expect.arrayContaining(['taken', 'it is truncated: 429', 'there is no PE signa', 'it has no section .o']),
  )
})

test('a field of the headers with any large number in it is read or refused', async () => {
  const whole = imageOf()
  const fields = [
    0x3c,
    0x80 + 6,
    0x80 + 20,
    ...Array.from({ length: 60 }, (_, index) => 0x98 + 4 * index),
    ...sectionsOf(whole).flatMap(({ row }) => [8, 12, 16, 20, 36].map((field) => row + field)),
  ]
  for (const at of fields) {
    for (const number of largeNumbers) {
      const image = Buffer.from(whole)
      image.writeUInt32LE(number, at)
      expect(await outcomeOf(image), `${number} at ${at}`).not.toBe('')
    }
  }
})

test('a header that points at itself is refused', async () => {
  const image = imageOf()
  image.writeUInt32LE(0, 0x3c)
  expect(await outcomeOf(image)).toBe('there is no PE signature')
})

test.each([
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
  ['a name that every object has', Buffer.from('__proto__=x\nCONSTRUCTOR=y\nID=talos\n')],
  ['quotes that do not end', Buffer.from('ID="talos\nVERSION_ID=\'v1\n')],
])('a release file of %s does no harm', async (_, text) => {
  const image = imageOf()
  const { offset, rawSize, row } = sectionOf(image, '.osrel')
  image.fill(0, offset, offset + rawSize)
  text.copy(image, offset)
  image.writeUInt32LE(text.length, row + 8)
  expect(await outcomeOf(image)).not.toBe('taken')
  expect(({} as { x?: string }).x).toBeUndefined()
})

test('a MiB of NULs in a section of text, and then something, is read at once', async () => {
  const image = imageOf({ cmdline: `${'\0'.repeat(largest - 1)}x` })
  const began = process.cpuUsage()
  expect((await readUki(sourceOf(image))).commandLine).toHaveLength(largest)
  // With the square of its length it takes minutes.
  expect(process.cpuUsage(began).user / 1_000).toBeLessThan(5_000)
})
