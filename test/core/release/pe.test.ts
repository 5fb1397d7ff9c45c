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

describe('a program of the least that there may be', () => {
  /** Headers alone: the smallest optional header, and sections without a byte. */
  function programOf(sections: number, optionalSize = 152): Buffer {
    const program = Buffer.alloc(0x98 + optionalSize + 40 * sections)
    program.write('MZ', 0, 'latin1')
    program.writeUInt32LE(0x80, 0x3c)
    program.write('PE\0\0', 0x80, 'latin1')
    program.writeUInt16LE(sections, 0x86)
    program.writeUInt16LE(optionalSize, 0x94)
    program.writeUInt16LE(0x20b, 0x98)
    program.writeUInt16LE(10, 0x98 + 68)
    return program
  }
  const none = 'the PE header is not that of an EFI program'

  test.each([
    { sections: 96, optionalSize: 152, why: undefined },
    { sections: 0, optionalSize: 240, why: undefined },
    { sections: 97, optionalSize: 152, why: none },
    { sections: 1, optionalSize: 151, why: none },
  ])('with $sections sections and an optional header of $optionalSize bytes: $why', async (given) => {
    const { sections, optionalSize, why } = given
    const outcome = await read(programOf(sections, optionalSize)).then(
      (pe) => pe.sections.length,
      (error: Error) => error.message,
    )
    expect(outcome).toBe(why ?? sections)
  })

  test('tells how long its headers are, and a certificate of a byte', async () => {
    const image = imageOf()
    expect((await read(image)).headersSize).toBe(sectionOf(image, '.text').offset)
    image.writeUInt32LE(image.length, 0x98 + 144)
    image.writeUInt32LE(1, 0x98 + 148)
    const { certificates } = await read(Buffer.concat([image, Buffer.alloc(1)]))
    expect(certificates).toEqual({ offset: image.length, size: 1 })
    image.writeUInt32LE(image.length - 1, 0x98 + 144)
    await expect(read(image)).rejects.toThrow('its certificate table overlaps .profile')
  })

  test('is refused where a section of one byte lies in the headers', async () => {
    const image = imageOf()
    const { row } = sectionOf(image, '.uname')
    image.writeUInt32LE(1, row + 16)
    image.writeUInt32LE(0x40, row + 20)
    await expect(read(image)).rejects.toThrow('its section .uname overlaps the headers')
  })

  test('is told as cut off where its optional header begins', async () => {
    await expect(read(imageOf().subarray(0, 0x99))).rejects.toThrow('the file ends inside the optional header')
  })

  test('is not quoted from far inside where it is none', async () => {
    const page = Buffer.concat([Buffer.alloc(80, '\n'), Buffer.from('hidden')])
    await expect(read(page)).rejects.toThrow('it is not an EFI program; it starts with ""')
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
