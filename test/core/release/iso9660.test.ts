import { describe, expect, test } from 'vitest'
import { isIso } from '../../../src/core/release/iso9660.ts'
import type { IsoOptions } from '../../lab/iso-writer.ts'
import { filler } from '../../lab/uki-writer.ts'
import { boot, catalogue, end, files, isoOf, open, primary, read, sector } from './cds.ts'
import { sourceOf } from './images.ts'

describe('an image of a CD', () => {
  test('tells its label, and where its files are, whatever the case of their names', async () => {
    expect((await open(isoOf())).label).toBe('TALOS_V1_13_9')
    for (const [path, data] of Object.entries(files)) {
      expect((await read(isoOf(), path))?.equals(data)).toBe(true)
      expect((await read(isoOf(), `//${path.toUpperCase()}/`))?.equals(data)).toBe(true)
    }
    for (const path of ['', 'boot', 'boot/grub', 'boot/none', 'none/vmlinuz', 'boot/vmlinuz/x'])
      expect(await read(isoOf(), path), path).toBeUndefined()
  })

  test('may be followed by anything', async () => {
    const iso = Buffer.concat([isoOf(), filler(999, 'more')])
    expect((await read(iso, 'boot/vmlinuz'))?.equals(files['boot/vmlinuz'])).toBe(true)
  })

  test.each([
    { name: 'another first descriptor', at: primary * sector, byte: 2 },
    { name: 'another standard', at: primary * sector + 5, byte: 0x32 },
  ])('is none with $name', async ({ at, byte }) => {
    const iso = isoOf((bytes) => (bytes[at] = byte))
    expect(await isIso(sourceOf(iso))).toBe(false)
    await expect(open(iso)).rejects.toThrow('it is not a CD image')
  })

  test.each<{ says: string; iso: Buffer }>([
    {
      says: 'it is a CD image with odd sectors',
      iso: isoOf((iso) => iso.writeUInt16LE(512, primary * sector + 128)),
    },
    {
      says: 'it is a CD image with odd sectors',
      iso: isoOf((iso) => iso.writeUInt16LE(0x108, primary * sector + 128)),
    },
    { says: 'it is truncated: it ends inside its volume descriptor', iso: isoOf().subarray(0, 17 * sector - 1) },
    {
      says: 'it is truncated: ',
      iso: isoOf((iso) => iso.writeUInt32LE(iso.length / sector + 1, primary * sector + 80)),
    },
    {
      says: 'it is a CD image that does not boot',
      iso: isoOf((iso) => iso.fill('x', boot * sector + 7, boot * sector + 10)),
    },
    { says: 'it is a CD image that does not boot', iso: isoOf((iso) => (iso[boot * sector] = 0xff)) },
    { says: 'it is a CD image that does not boot', iso: isoOf((iso) => (iso[boot * sector + 1] = 0)) },
  ])('is refused: $says', async ({ says, iso }) => {
    await expect(open(iso)).rejects.toThrow(says)
  })

  test.each([
    {
      name: 'stands behind the last descriptor',
      change: (iso: Buffer) => {
        iso.copy(iso, end * sector, boot * sector, (boot + 1) * sector)
        iso[boot * sector] = 0xff
      },
    },
    { name: 'is of another kind', change: (iso: Buffer) => void (iso[boot * sector] = 2) },
  ])('does not boot by what $name', async ({ change }) => {
    await expect(open(isoOf(change))).rejects.toThrow('it is a CD image that does not boot')
  })

  test('is as long as it says', async () => {
    await expect(
      open(isoOf((iso) => iso.writeUInt32LE(iso.length / sector, primary * sector + 80))),
    ).resolves.toBeDefined()
  })

  test('may have other descriptors before the one of what it boots, but not any number', async () => {
    const moved = (to: number) => {
      const iso = Buffer.concat([isoOf(), Buffer.alloc(40 * sector)])
      const record = Buffer.from(iso.subarray(boot * sector, (boot + 1) * sector))
      const list = Buffer.from(iso.subarray(catalogue * sector, (catalogue + 1) * sector))
      // Joliet's, all the way.
      for (let at = boot; at < to; at++)
        iso.fill(0, at * sector, (at + 1) * sector).write('\u0002CD001\u0001', at * sector, 'latin1')
      record.writeUInt32LE(70, 0x47)
      record.copy(iso, to * sector)
      return Buffer.concat([iso, Buffer.alloc(Math.max(0, 71 * sector - iso.length))]).fill(
        list,
        70 * sector,
        71 * sector,
      )
    }
    await expect(open(moved(18))).resolves.toBeDefined()
    await expect(open(moved(31))).resolves.toBeDefined()
    await expect(open(moved(32))).rejects.toThrow('that does not boot')
  })

  test('is refused where it ends among its descriptors', async () => {
    const iso = isoOf((bytes) => {
      bytes.writeUInt32LE(0, primary * sector + 80)
      bytes.fill('x', boot * sector + 7, boot * sector + 10)
      bytes[end * sector] = 2
    })
    await expect(open(iso.subarray(0, (end + 1) * sector))).rejects.toThrow('it ends inside its volume descriptors')
  })
})

interface Boots {
  readonly name: string
  readonly options?: Partial<IsoOptions>
  readonly change?: (iso: Buffer) => void
}

describe('what it boots by UEFI', () => {
  const at = catalogue * sector
  const efiAtOf = async (change: (iso: Buffer) => void, options: Partial<IsoOptions> = {}) => {
    const iso = isoOf(change, options)
    return { found: (await open(iso)).efiAt, is: iso.length - 3 * sector }
  }
  const beside = { bios: true } as const

  test.each<Boots>([
    { name: 'its only entry', options: {} },
    { name: 'beside what it boots by BIOS', options: beside },
    { name: 'with bits that say nothing', options: {}, change: (iso) => void (iso[at + 33] = 0xf0) },
    { name: 'in a section that others follow', options: beside, change: (iso) => void (iso[at + 64] = 0x90) },
  ])('is found: $name', async ({ options, change = () => {} }) => {
    const { found, is } = await efiAtOf(change, options)
    expect(found).toBe(is)
  })

  test.each<Boots>([
    { name: 'there is none', options: { ...beside, efi: undefined } },
    { name: 'it is marked as one that does not boot', change: (iso) => void (iso[at + 32] = 0) },
    { name: 'it is for another platform', change: (iso) => void (iso[at + 1] = 0) },
    { name: 'its section is none', options: beside, change: (iso) => void (iso[at + 64] = 0) },
    { name: 'its section is for another platform', options: beside, change: (iso) => void (iso[at + 65] = 0) },
    { name: 'its section is empty', options: beside, change: (iso) => void iso.writeUInt16LE(0, at + 66) },
    {
      name: 'it stands behind the last section',
      options: beside,
      change: (iso) => {
        iso.copy(iso, at + 96, at + 64, at + 128)
        iso.writeUInt16LE(0, at + 66)
      },
    },
  ])('is nothing where $name', async ({ options = {}, change = () => {} }) => {
    expect((await efiAtOf(change, options)).found).toBeUndefined()
  })

  test('may stand in the second section', async () => {
    const { found, is } = await efiAtOf((iso) => {
      iso.copy(iso, at + 128, at + 64, at + 128)
      // The first is one of BIOS, with an entry of its own.
      iso.fill(0, at + 64, at + 128).writeUInt16LE(0x0090, at + 64)
      iso.writeUInt16LE(1, at + 66)
      iso[at + 96] = 0x88
    }, beside)
    expect(found).toBe(is)
  })

  test.each<{ says: string; change: (iso: Buffer) => void; options?: Partial<IsoOptions> }>([
    { says: 'its list of what it boots is damaged', change: (iso) => void (iso[at] = 2) },
    { says: 'its list of what it boots is damaged', change: (iso) => void (iso[at + 30] = 0) },
    { says: 'its list of what it boots is damaged', change: (iso) => iso.writeUInt16LE(62, at + 66), options: beside },
    { says: 'what it boots by UEFI is to pass for a floppy disk', change: (iso) => void (iso[at + 33] = 2) },
    {
      says: 'it boots more than one thing by UEFI',
      change: (iso) => {
        iso.writeUInt16LE(2, at + 66)
        iso.copy(iso, at + 128, at + 96, at + 128)
      },
      options: beside,
    },
  ])('is refused: $says', async ({ says, change, options }) => {
    await expect(open(isoOf(change, options))).rejects.toThrow(says)
  })

  test('may be listed up to the end of the list', async () => {
    for (const kind of [0x90, 0x91]) {
      const { found, is } = await efiAtOf((iso) => {
        iso[at + 64] = kind
        iso.writeUInt16LE(61, at + 66)
      }, beside)
      expect(found).toBe(is)
    }
    await expect(open(isoOf((iso) => iso.writeUInt32LE(iso.length / sector, boot * sector + 0x47)))).rejects.toThrow(
      'it ends inside the list of what it boots',
    )
  })
})
