import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { signedBytesOf } from '../../../src/core/release/authenticode.ts'
import { type Pe, readPe } from '../../../src/core/release/pe.ts'
import { imageOf, sectionOf, sourceOf } from './images.ts'

const read = (image: Buffer) => readPe(sourceOf(image))

describe('a program whose parts overlap is refused', () => {
  test.each<{ name: string; change: (image: Buffer) => void; why: string }>([
    {
      name: 'two sections of the same bytes',
      change: (image) => image.writeUInt32LE(sectionOf(image, '.osrel').offset, sectionOf(image, '.uname').row + 20),
      why: 'its section .uname overlaps .osrel',
    },
    {
      name: 'a section that ends in the next one',
      change: (image) => {
        const { row, rawSize } = sectionOf(image, '.cmdline')
        image.writeUInt32LE(rawSize + 1, row + 16)
      },
      why: 'its section .uname overlaps .cmdline',
    },
    {
      name: 'a section in the section table',
      change: (image) => image.writeUInt32LE(0x200, sectionOf(image, '.text').row + 20),
      why: 'its section .text overlaps the headers',
    },
    {
      name: 'a certificate in a section',
      change: (image) => {
        image.writeUInt32LE(image.length - 8, 0x98 + 144)
        image.writeUInt32LE(8, 0x98 + 148)
      },
      why: 'its certificate table overlaps .profile',
    },
  ])('$name', async ({ change, why }) => {
    const image = imageOf()
    change(image)
    await expect(read(image)).rejects.toMatchObject({ code: 'malformed', message: why })
  })

  test('but not one with a section that has no bytes in the file', async () => {
    const image = imageOf()
    const { row } = sectionOf(image, '.uname')
    image.writeUInt32LE(0, row + 16)
    image.writeUInt32LE(0, row + 20)
    expect((await read(image)).sections.find(({ name }) => name === '.uname')?.bytes).toBe(0)
  })
})

describe('what a signature covers', () => {
  const digest = (image: Buffer, pe: Pe) => {
    const { ranges, padding } = signedBytesOf(pe, image.length)
    const hash = createHash('sha256')
    for (const { start, end } of ranges) hash.update(image.subarray(start, end))
    return hash.update(Buffer.alloc(padding)).digest('hex')
  }
  const digestOf = async (image: Buffer) => digest(image, await read(image))

  test('is all but the checksum and the certificate itself', async () => {
    const image = imageOf()
    const plain = await digestOf(image)
    const signed = Buffer.concat([image, Buffer.alloc(16, 0xaa)])
    signed.writeUInt32LE(0x1234, 0x98 + 64)
    signed.writeUInt32LE(image.length, 0x98 + 144)
    signed.writeUInt32LE(16, 0x98 + 148)
    expect(await digestOf(signed)).toBe(plain)
  })

  test('is every other byte', async () => {
    const image = imageOf()
    const pe = await read(image)
    const plain = digest(image, pe)
    for (const at of [
      0x80,
      0x98 + 60,
      0x98 + 68,
      0x98 + 152,
      ...pe.sections.map(({ offset }) => offset),
      image.length - 1,
    ]) {
      const other = Buffer.from(image)
      other[at] = other[at]! ^ 1
      expect(digest(other, pe), `byte ${at}`).not.toBe(plain)
    }
  })

  test('is also what stands behind the last section, padded to eight bytes', async () => {
    const image = Buffer.concat([imageOf(), Buffer.from('abc')])
    expect(await digestOf(image)).not.toBe(await digestOf(imageOf()))
    expect(await digestOf(image)).toBe(await digestOf(Buffer.concat([image, Buffer.alloc(5)])))
  })
})
