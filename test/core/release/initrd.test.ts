import { constants, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { refusal } from '../../adapters/refusal.ts'
import { cpio, extensionsFrame, filler, zstd } from '../../lab/uki-writer.ts'
import { carriedBy, schematicOf } from './archives.ts'
import { imageOf } from './images.ts'

describe('an .initrd', () => {
  const frame = extensionsFrame(schematicOf('customization: {}\n'))
  const twice = Buffer.from('layers: []')
  const headOf = (name: string, size: number) => {
    const fields = [1, 0o100644, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length + 1, 0]
    return Buffer.from(`070701${fields.map((one) => one.toString(16).padStart(8, '0')).join('')}${name}\0`)
  }
  const block = (kind: number, size: number, isLast: boolean, body: Buffer) => {
    const field = (size << 3) | (kind << 1) | Number(isLast)
    return Buffer.concat([Buffer.from([field & 0xff, (field >> 8) & 0xff, field >> 16]), body])
  }
  const repeated = block(1, 131_072, false, Buffer.from('A'))
  /** A frame that begins a file of 4 GB, of blocks that repeat one byte for 128 KiB and take four bytes each. */
  const bomb = (blocks: number, window = '58') => {
    const start = headOf('0.sqsh', 0xffff_fff0)
    const end = block(1, 131_072, true, Buffer.from('A'))
    return Buffer.concat([
      Buffer.from(`28b52ffd00${window}`, 'hex'),
      block(0, start.length, false, start),
      ...Array.from({ length: blocks }, () => repeated),
      end,
    ])
  }

  test.each<{ name: string; initrd: Buffer; why: string | RegExp }>([
    { name: 'without an archive', initrd: Buffer.alloc(100), why: '.initrd has no archive' },
    { name: 'that ends in a frame', initrd: frame.subarray(0, 5), why: 'the file ends inside a zstd frame of .initrd' },
    {
      name: 'that ends in a block of a frame',
      initrd: frame.subarray(0, -3),
      why: '.initrd ends inside an archive',
    },
    {
      name: 'with a block of a kind that does not exist',
      initrd: Buffer.from('28b52ffd005807000000', 'hex'),
      why: 'a zstd frame of .initrd has a block that no decoder knows',
    },
    {
      name: 'with a block beyond its window',
      initrd: Buffer.from('28b52ffd0000ffffff00', 'hex'),
      why: 'a zstd frame of .initrd has a block that no decoder knows',
    },
    {
      name: 'with a frame of the future',
      initrd: Buffer.from('28b52ffd0858010000', 'hex'),
      why: 'a zstd frame of .initrd has a header that no decoder knows',
    },
    {
      name: 'that unpacks to gigabytes',
      initrd: bomb(60_000),
      why: 'the extensions in .initrd unpack to far more than any image has',
    },
    { name: 'of blocks without end', initrd: bomb(140_000), why: '.initrd has more parts than any image' },
    {
      name: 'of archives without end',
      initrd: Buffer.concat(Array.from({ length: 65 }, () => zstd(Buffer.from('x')))),
      why: '.initrd has more archives than any image',
    },
    {
      name: 'of empty space',
      initrd: Buffer.concat([zstd(Buffer.from('x')), Buffer.alloc(1_100_000), frame]),
      why: '.initrd has more padding than any image',
    },
    {
      name: 'with an early archive that promises more than there is',
      initrd: Buffer.concat([headOf('a', 0xffff_ff00), Buffer.alloc(600)]),
      why: /^the file ends inside an archive of .initrd$/,
    },
    {
      name: 'with an early archive whose names have no end',
      initrd: Buffer.concat([headOf('a'.repeat(5_000), 0)]),
      why: 'an archive in .initrd has a file without a usable name',
    },
    {
      name: 'that needs a window of 128 MiB',
      initrd: bomb(1, '88'),
      why: /^the extensions in .initrd can't be unpacked: /,
    },
    {
      name: 'with a list of extensions that is far too long',
      initrd: zstd(Buffer.concat([headOf('extensions.yaml', 600_000), Buffer.alloc(600_100)])),
      why: 'extensions.yaml in .initrd is larger than that of any image',
    },
    {
      name: 'with two lists of extensions',
      initrd: zstd(
        Buffer.concat([cpio({ 'extensions.yaml': twice }).subarray(0, 140), cpio({ 'extensions.yaml': twice })]),
      ),
      why: 'the extensions in .initrd have extensions.yaml twice',
    },
    {
      name: 'whose last archive ends early',
      initrd: zstd(cpio({ 'extensions.yaml': twice, more: filler(900, 'more') }).subarray(0, 700)),
      why: 'the extensions in .initrd end early',
    },
    {
      name: 'whose last archive is none',
      initrd: zstd(filler(4_000, 'noise')),
      why: 'an archive in .initrd is damaged',
    },
    {
      name: 'whose list is no YAML',
      initrd: zstd(cpio({ 'extensions.yaml': Buffer.from('layers: [') })),
      why: /^extensions.yaml in .initrd: it is not valid YAML: line 1, column \d+: /,
    },
    {
      name: 'whose list is none',
      initrd: zstd(cpio({ 'extensions.yaml': Buffer.from('layers: [{ metadata: 3 }]') })),
      why: 'extensions.yaml in .initrd.layers[0].metadata is not an object',
    },
  ])('$name is refused', async ({ initrd, why }) => {
    const error = await refusal(carriedBy(imageOf({ initrd })))
    expect(error.message).toMatch(why)
    expect(error.code).toBe('malformed')
  })

  test('of a damaged frame is refused, whichever byte it is', async () => {
    const params = { [constants.ZSTD_c_checksumFlag]: 1 }
    const list = Buffer.from('layers: [{ metadata: { name: i915, version: v1 } }]')
    const archive = zstdCompressSync(cpio({ '0.sqsh': filler(400, 'x'), 'extensions.yaml': list }), { params })
    // The bit in byte 4 has no meaning.
    for (let at = 5; at < archive.length; at += 7) {
      const initrd = Buffer.from(archive)
      initrd[at] = initrd[at]! ^ 0x10
      await expect(carriedBy(imageOf({ initrd })), `byte ${at}`).rejects.toMatchObject({ code: 'malformed' })
    }
  })
})
