import { describe, expect, test } from 'vitest'
import { isIso, openIso } from '../../../src/core/release/iso9660.ts'
import { type IsoOptions, writeIso } from '../../lab/iso-writer.ts'
import { filler } from '../../lab/uki-writer.ts'
import { sourceOf } from './images.ts'

const sector = 2_048
/** Where the parts are that the writer puts there, in sectors. */
const [primary, boot, end, catalogue, root] = [16, 17, 18, 19, 20]
const files = { 'boot/vmlinuz': filler(3_000, 'k'), 'boot/grub/grub.cfg': filler(70, 'g'), 'readme.': filler(9, 'r') }

/** An image with some of its bytes changed. */
function isoOf(change: (iso: Buffer) => void = () => {}, options: Partial<IsoOptions> = {}): Buffer {
  const iso = writeIso({ label: 'TALOS_V1_13_9', files, efi: filler(5_000, 'efi'), ...options })
  change(iso)
  return iso
}

const open = (iso: Uint8Array) => openIso(sourceOf(iso))

/** The contents of a file; undefined where it is not found. */
async function read(iso: Buffer, path: string): Promise<Buffer | undefined> {
  const extent = await (await open(iso)).find(path)
  return extent && iso.subarray(extent.start, extent.end)
}

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
    await expect(open(iso)).rejects.toThrow('it is no image of a CD')
  })

  test.each<{ says: string; iso: Buffer }>([
    {
      says: 'it is an image of a CD with odd sectors',
      iso: isoOf((iso) => iso.writeUInt16LE(512, primary * sector + 128)),
    },
    {
      says: 'it is an image of a CD with odd sectors',
      iso: isoOf((iso) => iso.writeUInt16LE(0x108, primary * sector + 128)),
    },
    { says: 'it is truncated: it ends inside its volume descriptor', iso: isoOf().subarray(0, 17 * sector - 1) },
    {
      says: 'it is truncated: ',
      iso: isoOf((iso) => iso.writeUInt32LE(iso.length / sector + 1, primary * sector + 80)),
    },
    {
      says: 'it is an image of a CD that does not boot',
      iso: isoOf((iso) => iso.fill('x', boot * sector + 7, boot * sector + 10)),
    },
    { says: 'it is an image of a CD that does not boot', iso: isoOf((iso) => (iso[boot * sector] = 0xff)) },
    { says: 'it is an image of a CD that does not boot', iso: isoOf((iso) => (iso[boot * sector + 1] = 0)) },
  ])('is refused: $says', async ({ says, iso }) => {
    await expect(open(iso)).rejects.toThrow(says)
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
        iso.copy(iso, at + 128, at + 64, at + 128)
        iso.writeUInt16LE(0, at + 66)
        iso.fill(0, at + 96, at + 128)
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
    const { found, is } = await efiAtOf((iso) => iso.writeUInt16LE(61, at + 66), beside)
    expect(found).toBe(is)
    await expect(open(isoOf((iso) => iso.writeUInt32LE(iso.length / sector, boot * sector + 0x47)))).rejects.toThrow(
      'it ends inside the list of what it boots',
    )
  })
})

interface Row {
  readonly plain: string
  /** What stands behind the name (SUSP). */
  readonly more?: Buffer
  readonly at?: number
  readonly bytes?: number
  readonly flags?: number
  readonly extended?: number
}

function rowOf({ plain, more = Buffer.alloc(0), at = 22, bytes = 9, flags = 0, extended = 0 }: Row): Buffer {
  const head = 33 + plain.length + (plain.length % 2 === 0 ? 1 : 0)
  const row = Buffer.alloc(head + more.length + ((head + more.length) % 2))
  row.writeUInt8(row.length, 0)
  row.writeUInt8(extended, 1)
  row.writeUInt32LE(at, 2)
  row.writeUInt32LE(bytes, 10)
  row.writeUInt8(flags, 25)
  row.writeUInt8(plain.length, 32)
  row.write(plain, 33, 'latin1')
  more.copy(row, head)
  return row
}

/** A field of SUSP: two letters, its length, and its version. */
const field = (kind: string, data: string, length = 4 + data.length) =>
  Buffer.from(`${kind}${String.fromCharCode(length)}\u0001${data}`, 'latin1')

describe('a name in a directory', () => {
  /** An image whose root has these rows alone, from this place in it on. */
  const withRows = (rows: readonly Buffer[], from = 0) =>
    isoOf((iso) => Buffer.concat(rows).copy(iso.fill(0, root * sector, (root + 1) * sector), root * sector + from))
  const found = async (rows: readonly Buffer[], path: string) => (await open(withRows(rows))).find(path)
  const place = { start: 22 * sector, end: 22 * sector + 9 }

  test.each([
    { plain: 'README.TXT;1', path: 'readme.txt' },
    { plain: 'README.;1', path: 'readme' },
    { plain: 'README;12', path: 'readme' },
    { plain: 'EVEN', path: 'even' },
    { plain: 'LONG_NAM.EFI;1', more: field('NM', '\0long name.efi'), path: 'Long Name.EFI' },
    { plain: 'A;1', more: Buffer.concat([field('NM', '\u0001two '), field('NM', '\0pieces')]), path: 'two pieces' },
    { plain: 'A;1', more: Buffer.concat([field('PX', '123456'), field('NM', '\0x')]), path: 'x' },
    // Without a name, too long for its row, or too short to be one: nothing of it counts.
    { plain: 'A;1', more: field('NM', '\0'), path: 'a' },
    { plain: 'A;1', more: field('NM', '\0x', 99), path: 'a' },
    { plain: 'A;1', more: Buffer.concat([field('PX', 'x', 3), field('NM', '\0x')]), path: 'a' },
    { plain: 'A;1', more: field('NN', '\0x'), path: 'a' },
  ])('$plain is $path', async ({ path, ...row }) => {
    expect(await found([rowOf({ plain: 'OTHER;1', at: 3 }), rowOf(row)], path)).toEqual(place)
  })

  test('is found behind what is damaged, and in a later sector', async () => {
    const short = Buffer.from(rowOf({ plain: 'B;1' }))
    short.writeUInt8(99, 32)
    expect(await found([short, rowOf({ plain: 'A;1' })], 'a')).toEqual(place)
    expect(await found([short], 'b')).toBeUndefined()
    const { length } = rowOf({ plain: 'A;1' })
    const iso = Buffer.concat([isoOf(), Buffer.alloc(2 * sector)])
    const at = iso.length - 2 * sector
    iso.writeUInt32LE(at / sector, primary * sector + 156 + 2)
    iso.writeUInt32LE(2 * sector, primary * sector + 156 + 10)
    rowOf({ plain: 'B;1' }).copy(iso, at + sector - length)
    rowOf({ plain: 'A;1' }).copy(iso, at + sector)
    // The end of the first sector is empty.
    for (const name of ['a', 'b'])
      expect(await (await open(iso)).find(name), name).toEqual(name === 'a' ? place : undefined)
    iso.fill(0, at, at + sector)
    rowOf({ plain: 'B;1' }).copy(iso, at)
    for (const name of ['a', 'b']) expect(await (await open(iso)).find(name), name).toEqual(place)
  })

  test('of less than its fields ends nothing', async () => {
    const stub = Buffer.alloc(33)
    stub.writeUInt8(33, 0)
    stub.write('X', 32)
    expect(await found([stub, Buffer.alloc(0), rowOf({ plain: 'A;1' })], 'a')).toEqual(place)
    // One that goes on behind the end of the directory is none.
    expect(await (await open(withRows([rowOf({ plain: 'A;1' })], sector - 20))).find('a')).toBeUndefined()
  })

  test('leads to its file behind what the file says of itself', async () => {
    expect(await found([rowOf({ plain: 'A;1', at: 21, extended: 1 })], 'a')).toEqual(place)
  })

  test('of a file in parts, or one that is cut off, is refused', async () => {
    await expect(found([rowOf({ plain: 'A;1', flags: 0x80 })], 'a')).rejects.toThrow('a in it is in more than one part')
    const { length } = isoOf()
    const at = length / sector - 1
    expect(await found([rowOf({ plain: 'A;1', at, bytes: sector })], 'a')).toEqual({
      start: length - sector,
      end: length,
    })
    await expect(found([rowOf({ plain: 'A;1', at, bytes: sector + 1 })], 'a')).rejects.toThrow('it ends inside a')
  })

  test('is not looked for in a directory that is far too large, or not there', async () => {
    const sized = (bytes: number) =>
      Buffer.concat([isoOf((iso) => iso.writeUInt32LE(bytes, primary * sector + 156 + 10)), Buffer.alloc(1_100_000)])
    expect(await (await open(sized(1_048_576))).find('none')).toBeUndefined()
    await expect((await open(sized(1_048_577))).find('none')).rejects.toThrow('a directory larger than')
    const gone = isoOf((iso) => iso.writeUInt32LE(iso.length / sector, primary * sector + 156 + 2))
    await expect((await open(gone)).find('none')).rejects.toThrow('it ends inside a directory')
  })
})
