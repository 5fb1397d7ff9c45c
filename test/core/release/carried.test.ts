import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { refuseCarried } from '../../../src/core/release/carried.ts'
import { listArchives } from '../../../src/core/release/initrd.ts'
import { canonicalYaml, type Schematic } from '../../../src/core/release/schematic.ts'
import { openUki } from '../../../src/core/release/uki.ts'
import { parseYaml } from '../../../src/yaml.ts'
import { cpio, extensionsFrame, filler, type UkiOptions, zstd } from '../../lab/uki-writer.ts'
import { carriedBy, schematicOf } from './archives.ts'
import { imageOf, sourceOf } from './images.ts'

const i915: Schematic = { customization: { systemExtensions: { officialExtensions: ['siderolabs/i915'] } } }
const withExtensions = (...officialExtensions: string[]): Schematic => ({
  customization: { systemExtensions: { officialExtensions } },
})

/** An image as the Factory builds it for a schematic. */
function imageFor(schematic: Schematic, options: Partial<UkiOptions> = {}): Buffer {
  const extensions = schematic.customization?.systemExtensions?.officialExtensions ?? []
  return imageOf({ schematic: schematicOf(canonicalYaml(schematic)), extensions, ...options })
}

describe('an image from a Factory', () => {
  test('carries its extensions and its schematic', async () => {
    const schematic = withExtensions('siderolabs/i915', 'siderolabs/iscsi-tools')
    const { id, yaml } = schematicOf(canonicalYaml(schematic))
    expect(await carriedBy(imageFor(schematic))).toEqual({
      extensions: [
        { name: 'i915', version: 'v1.0.0' },
        { name: 'iscsi-tools', version: 'v1.0.0' },
      ],
      schematic: { id, yaml, author: 'Image Factory (https://factory.example/)' },
      unread: undefined,
    })
  })

  test('has its microcode in an archive before the others', async () => {
    const image = imageFor(withExtensions('siderolabs/intel-ucode'))
    const source = sourceOf(image)
    const archives = await listArchives(source, (await openUki(source)).initrd)
    expect(archives.map(({ compression }) => compression)).toEqual(['none', 'zstd', 'zstd'])
    expect((await carriedBy(image)).extensions).toEqual([{ name: 'intel-ucode', version: 'v1.0.0' }])
  })

  test('is read without its system', async () => {
    const source = sourceOf(imageFor(i915, { fillBytes: 4_000_000 }))
    const { initrd } = await openUki(source)
    await listArchives(source, initrd)
    expect(source.asked.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(250_000)
  })

  test('carries nothing where no Factory has built it', async () => {
    expect(await carriedBy(imageOf())).toEqual({ extensions: [], schematic: undefined, unread: undefined })
  })

  test.each([
    ['gzip', gzipSync('an archive')],
    ['xz', Buffer.from('fd377a585a000004', 'hex')],
    ['unknown', Buffer.from('BZh91AY&SY')],
    ['none', cpio({ init: Buffer.from('#!') }, 512)],
  ] as const)('says that its archive is %s, and not zstd', async (unread, initrd) => {
    expect(await carriedBy(imageOf({ initrd }))).toEqual({ extensions: [], schematic: undefined, unread })
  })

  test('may have frames that decoders skip, and padding between its archives', async () => {
    const skipped = Buffer.from('532a4d1803000000616263', 'hex')
    const own = extensionsFrame(schematicOf(canonicalYaml(i915)), ['siderolabs/i915'])
    const initrd = Buffer.concat([cpio({ a: filler(9_000, 'a') }), Buffer.alloc(5_000), skipped, own, Buffer.alloc(7)])
    expect((await carriedBy(imageOf({ initrd }))).extensions).toEqual([{ name: 'i915', version: 'v1.0.0' }])
  })

  test.each([1, 3, 9, 18])('is read from an archive of level %i with and without a checksum', async (level) => {
    const list = Buffer.from('layers: [{ metadata: { name: i915, version: v1 } }]')
    const archive = cpio({ '0.sqsh': filler(300_000, 'x'), './extensions.yaml': list, empty: Buffer.alloc(0) })
    for (const checksum of [0, 1]) {
      const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: checksum }
      const initrd = Buffer.concat([zstd(filler(10, 'base')), zstdCompressSync(archive, { params })])
      expect((await carriedBy(imageOf({ initrd }))).extensions).toEqual([{ name: 'i915', version: 'v1' }])
    }
  })
})

describe('an image that was requested', () => {
  const refusalOf = async (
    image: Buffer,
    schematic: Schematic | undefined,
    asked: { id?: string; version?: string } = {},
  ) =>
    refuseCarried(
      await carriedBy(image),
      { version: 'v1.13.9', id: schematicOf(canonicalYaml(schematic ?? {})).id, schematic, ...asked },
      parseYaml,
    )

  test.each<{ name: string; wanted: Schematic; image: Buffer; why: string | undefined }>([
    { name: 'is taken with its schematic', wanted: i915, image: imageFor(i915), why: undefined },
    { name: 'is taken without extensions', wanted: {}, image: imageFor({}), why: undefined },
    {
      name: 'is taken where the schematic has an old name',
      wanted: withExtensions('siderolabs/i915-ucode'),
      image: imageFor(i915),
      why: undefined,
    },
    {
      name: 'is taken where the image has an old name',
      wanted: i915,
      image: imageFor(withExtensions('siderolabs/i915-ucode')),
      why: undefined,
    },
    {
      name: 'is taken where the builder has quoted otherwise',
      wanted: { customization: { secureboot: { enrollKeys: 'off' } } },
      image: imageOf({
        schematic: schematicOf('customization:\n    secureboot:\n        enrollKeys: "off"\n'),
      }),
      why: undefined,
    },
    {
      name: 'is taken where the manifest of an extension has another name than the catalogue',
      wanted: withExtensions('siderolabs/a', 'siderolabs/b'),
      image: imageFor(withExtensions('siderolabs/a', 'siderolabs/b'), { extensions: ['siderolabs/a', 'siderolabs/c'] }),
      why: undefined,
    },
    {
      name: 'is not one without the extension',
      wanted: i915,
      image: imageFor({}),
      why: 'it is built from another schematic: it lacks siderolabs/i915',
    },
    {
      name: 'is not one with other extensions',
      wanted: i915,
      image: imageFor(withExtensions('siderolabs/gvisor')),
      why: 'it is built from another schematic: it lacks siderolabs/i915, has siderolabs/gvisor in addition',
    },
    {
      name: 'is not one with the same in another order',
      wanted: withExtensions('siderolabs/a', 'siderolabs/b'),
      image: imageFor(withExtensions('siderolabs/b', 'siderolabs/a')),
      why: 'it is built from another schematic: it lists the same things in another way',
    },
    {
      name: 'is not one with other arguments',
      wanted: { customization: { extraKernelArgs: ['a=1'] } },
      image: imageFor({ customization: { extraKernelArgs: ['a=2'] } }),
      why: 'it is built from another schematic: it lacks the kernel argument a=1, has the kernel argument a=2 in addition',
    },
    {
      name: 'is not one with another embedded configuration, which is not quoted',
      wanted: { customization: { embeddedMachineConfiguration: 'token: hunter2\n' } },
      image: imageFor({ customization: { embeddedMachineConfiguration: 'token: hunter3\n' } }),
      why: 'it is built from another schematic: it has another embedded machine configuration',
    },
    {
      name: 'is not one with another overlay, META, bootloader, SecureBoot, disk or owner',
      wanted: {},
      image: imageFor({
        owner: 'me',
        overlay: { name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi' },
        customization: {
          meta: [{ key: 10, value: 'x' }],
          bootloader: 'grub',
          secureboot: { includeWellKnownCertificates: true },
          diskImage: { sectorSize: 4_096 },
        },
      }),
      why:
        'it is built from another schematic: it has another owner, has another overlay, has another META, ' +
        'has another bootloader, has another SecureBoot enrolment, has another disk image',
    },
    {
      name: 'is not one whose schematic names an extension that is not in it',
      wanted: withExtensions('siderolabs/i915', 'siderolabs/iscsi-tools'),
      image: imageFor(withExtensions('siderolabs/i915', 'siderolabs/iscsi-tools'), { extensions: ['siderolabs/i915'] }),
      why: 'it lacks siderolabs/iscsi-tools, which its schematic names',
    },
    {
      name: 'is not one whose missing extension is made up for by the builder’s own layer',
      wanted: withExtensions('siderolabs/i915', 'siderolabs/zfs'),
      image: imageFor(withExtensions('siderolabs/i915', 'siderolabs/zfs'), {
        extensions: ['siderolabs/i915', 'siderolabs/modules.dep'],
      }),
      why: 'it lacks siderolabs/zfs, which its schematic names',
    },
    {
      name: 'is not one that no Factory has built',
      wanted: {},
      image: imageOf(),
      why: 'it carries no schematic: no Image Factory has built it',
    },
  ])('$name', async ({ wanted, image, why }) => {
    expect(await refusalOf(image, wanted)).toBe(why)
  })

  test('is compared by the id where its schematic is not known', async () => {
    const { id } = schematicOf(canonicalYaml(i915))
    expect(await refusalOf(imageFor(i915), undefined, { id })).toBeUndefined()
    expect(await refusalOf(imageFor({}), undefined, { id })).toBe(
      `it carries the schematic 376567988ad3…, and ${id.slice(0, 12)}… was requested`,
    )
  })

  test('can be of Talos 1.7, whose archives are not read', async () => {
    const image = imageOf({ version: 'v1.7.6', initrd: Buffer.from('fd377a585a000004', 'hex') })
    expect(await refusalOf(image, i915, { version: 'v1.7.6' })).toBeUndefined()
    expect(await refusalOf(image, i915, { version: 'v1.8.0' })).toMatch('no schematic')
  })
})
