import { describe, expect, test } from 'vitest'
import { type FatEntry, openFat } from '../../../src/core/release/fat.ts'
import { type FatOptions, layFat, setNext, writeFat } from '../../lab/fat-writer.ts'
import { filler } from '../../lab/uki-writer.ts'
import { sourceOf } from './images.ts'

const open = (image: Uint8Array, start = 0) => openFat(sourceOf(image), start)
const namesOf = (entries: readonly FatEntry[] | undefined) => entries?.map(({ name }) => name)

/** The contents of a file by its folder and name. */
async function read(image: Uint8Array, folder: string, file: string, start = 0): Promise<Buffer> {
  const fat = await open(image, start)
  const part = await fat.open((await fat.list(folder))!.find(({ name }) => name === file)!)
  return Buffer.from(await part.read(0, part.size))
}

const long = filler(50_000, 'long')
const files = {
  'EFI/Linux/Talos-v1.13.9-beta.0.efi': long,
  'EFI/Linux/empty.efi': Buffer.alloc(0),
  'A.TXT': Buffer.from('a'),
}
/** Each with the least and the most that ends a chain, and the most that does not. */
const kinds = [
  { bits: 12, ends: [0xff8, 0xfff], bad: 0xff7, perCluster: 8 },
  { bits: 16, ends: [0xfff8, 0xffff], bad: 0xfff7, perCluster: 1, clusters: 4_085 },
  { bits: 32, ends: [0x0fff_fff8, 0x0fff_ffff], bad: 0x0fff_fff7, perCluster: 8 },
] as const

describe.each(kinds)('FAT$bits', ({ ends, bad, ...kind }) => {
  const { bits } = kind
  const { image, places } = layFat(files, kind)
  const change = (cluster: number, next: number) => {
    const other = Buffer.from(image)
    setNext(other, { bits, cluster, next, tableAt: places.tableAt })
    return other
  }
  /** The first and the last cluster of the long file. */
  const [first, last] = [2, 1 + Math.ceil(long.length / places.clusterSize)]

  test('shows what is in its folders, and neither its label nor the folders themselves', async () => {
    const fat = await open(image)
    expect(namesOf(await fat.list(''))).toEqual(['EFI', 'A.TXT'])
    expect(namesOf(await fat.list('efi'))).toEqual(['Linux'])
    expect(await fat.list('/EFI//LINUX/')).toMatchObject([
      { name: 'Talos-v1.13.9-beta.0.efi', isDirectory: false, bytes: long.length, cluster: first },
      { name: 'empty.efi', isDirectory: false, bytes: 0 },
    ])
    expect(await fat.list('EFI/Linux/empty.efi')).toBeUndefined()
    expect(await fat.list('EFI/Linux/Talos-v1.13.9-beta.0.efi')).toBeUndefined()
    expect(await fat.list('BOOT')).toBeUndefined()
  })

  test('is read wherever it begins, of sectors of any size and with one table', async () => {
    for (const sector of [512, 1_024, 2_048, 4_096])
      for (const tables of [1, 2] as const) {
        const other = Buffer.concat([
          filler(700, 'before'),
          writeFat(files, { ...kind, sector, tables }),
          filler(9, 'z'),
        ])
        expect((await read(other, 'EFI/Linux', 'Talos-v1.13.9-beta.0.efi', 700)).equals(long)).toBe(true)
        expect((await read(other, '', 'A.TXT', 700)).toString()).toBe('a')
        expect(await read(other, 'EFI/Linux', 'empty.efi', 700)).toHaveLength(0)
      }
  })

  test.each(ends.map((next) => ({ next })))('ends a chain with $next', async ({ next }) => {
    expect((await read(change(last, next), 'EFI/Linux', 'Talos-v1.13.9-beta.0.efi')).equals(long)).toBe(true)
    await expect(read(change(first + 1, next), 'EFI/Linux', 'Talos-v1.13.9-beta.0.efi')).rejects.toThrow(
      'Talos-v1.13.9-beta.0.efi is cut off in its file system',
    )
  })

  test.each([{ next: 0 }, { next: 1 }, { next: bad }])('is damaged where a chain leads to $next', async ({ next }) => {
    for (const cluster of [first, first + 1])
      await expect(read(change(cluster, next), 'EFI/Linux', 'Talos-v1.13.9-beta.0.efi')).rejects.toThrow(
        'the file system that it boots from is damaged',
      )
  })

  test('holds a file up to its last cluster, and none beyond', async () => {
    const options: FatOptions = { ...kind, perCluster: 1, clusters: bits === 16 ? 4_085 : 40 }
    const whole = layFat({ 'A.TXT': filler(512, 'a') }, options)
    const count = (whole.image.length - whole.places.dataAt) / 512
    // All that is left, the root of FAT32 being a cluster itself.
    const most = bits === 32 ? count - 1 : count
    const data = filler(most * 512, 'full')
    const full = layFat({ 'A.TXT': data }, options)
    expect((full.image.length - full.places.dataAt) / 512).toBe(count)
    expect((await read(full.image, '', 'A.TXT')).equals(data)).toBe(true)
    setNext(full.image, { bits, cluster: 2, next: count + 2, tableAt: full.places.tableAt })
    await expect(read(full.image, '', 'A.TXT')).rejects.toThrow('is damaged')
    for (const beyond of [count + 2, count + 3]) {
      setNext(full.image, { bits, cluster: 2, next: beyond, tableAt: full.places.tableAt })
      const fat = await open(full.image)
      const [two] = (await fat.list(''))!
      await expect(fat.open({ ...two!, bytes: 1_024 })).rejects.toThrow('is damaged')
      // What it has more of than its size is not asked for.
      expect((await fat.open({ ...two!, bytes: 500 })).size).toBe(500)
    }
    const [entry] = (await (await open(full.image)).list(''))!
    await expect((await open(full.image)).open({ ...entry!, bytes: count * 512 + 1 })).rejects.toThrow(
      'a file in it is larger than its file system',
    )
  })
})

test('whether it is FAT12 or FAT16 is said by how many clusters it has', async () => {
  const data = filler(5_000, 'x')
  for (const [bits, clusters] of [
    [12, 4_084],
    [16, 4_085],
  ] as const)
    expect((await read(writeFat({ 'A.EFI': data }, { bits, clusters, perCluster: 1 }), '', 'A.EFI')).equals(data)).toBe(
      true,
    )
})

test('of FAT32 the upper bits are not part of a number, and of the others no more than sixteen', async () => {
  const { image, places } = layFat({ 'A.EFI': long })
  for (let cluster = 2; cluster < 15; cluster++)
    setNext(image, {
      bits: 32,
      cluster,
      next: cluster === 14 ? 0xffff_ffff : 0xf000_0001 + cluster,
      tableAt: places.tableAt,
    })
  expect((await read(image, '', 'A.EFI')).equals(long)).toBe(true)
  const small = layFat({ 'A.EFI': long }, { bits: 16, clusters: 4_085, perCluster: 1 })
  // OS/2 kept something else there.
  small.image.writeUInt16LE(7, small.places.root + 32 + 20)
  expect((await read(small.image, '', 'A.EFI')).equals(long)).toBe(true)
})

test('a file may lie beyond the 65,536th cluster', async () => {
  const { image, places } = layFat({ 'A.EFI': Buffer.from('x') }, { clusters: 67_000, perCluster: 1 })
  image.write('far away', places.dataAt + (66_000 - 2) * 512, 'latin1')
  setNext(image, { bits: 32, cluster: 66_000, next: 0x0fff_ffff, tableAt: places.tableAt })
  const entryAt = places.dataAt + (places.root - 2) * 512 + 32
  image.writeUInt16LE(1, entryAt + 20)
  image.writeUInt16LE(66_000 - 65_536, entryAt + 26)
  image.writeUInt32LE(8, entryAt + 28)
  expect((await read(image, '', 'A.EFI')).toString()).toBe('far away')
})

describe('what is no file system', () => {
  const whole = writeFat(files)
  test.each([
    { name: 'a mark at its end', at: 510, byte: 0x54 },
    { name: 'sectors of 256 bytes', at: 12, byte: 1 },
    { name: 'sectors of 8 KiB', at: 12, byte: 0x20 },
    { name: 'clusters of no sector', at: 13, byte: 0 },
    { name: 'clusters of three sectors', at: 13, byte: 3 },
    { name: 'nothing before its table', at: 14, byte: 0 },
    { name: 'no table', at: 16, byte: 0 },
    { name: 'three tables', at: 16, byte: 3 },
    { name: 'a table of no sector', at: 36, byte: 0 },
  ])('is refused: $name', async ({ at, byte }) => {
    const other = Buffer.from(whole)
    other[at] = byte
    await expect(open(other)).rejects.toThrow('what it boots by UEFI is no FAT file system')
  })

  test('is refused where it has no room, or is cut off', async () => {
    const { image, places } = layFat(files)
    const other = Buffer.from(image)
    other.writeUInt32LE(places.dataAt / 512 + 7, 32)
    await expect(open(other)).rejects.toThrow('has no room')
    await expect(open(image.subarray(0, -1))).rejects.toThrow(
      `it is truncated: ${image.length} bytes expected, ${image.length - 1} present`,
    )
    await expect(open(Buffer.concat([Buffer.alloc(9), image.subarray(0, -9)]), 9)).rejects.toThrow('it is truncated: ')
    for (const size of [0, 511])
      await expect(open(image.subarray(0, size))).rejects.toThrow('it ends before what UEFI boots from')
    const least = writeFat({})
    expect(await (await open(least)).list('')).toEqual([])
    expect(least.length).toBe(33 * 512 + 512 + 4_096)
  })
})

describe('a file in pieces', () => {
  const kind = { bits: 16, perCluster: 1, clusters: 8_000 } as const
  const clusterOf = (pieces: number, index: number) => 2 + 2 * (pieces - 1 - (index >> 1)) + (index & 1)

  /** So many pieces of two clusters, the last one first. */
  function inPieces(count: number) {
    const data = filler(count * 1_024, 'pieces')
    const { image, places } = layFat({ 'A.EFI': data }, kind)
    const steps = 2 * count
    for (let index = 0; index < steps; index++) {
      const next = index === steps - 1 ? 0xffff : clusterOf(count, index + 1)
      setNext(image, { bits: 16, cluster: clusterOf(count, index), next, tableAt: places.tableAt })
      data.copy(image, places.dataAt + (clusterOf(count, index) - 2) * 512, index * 512, (index + 1) * 512)
    }
    image.writeUInt16LE(clusterOf(count, 0), places.root + 32 + 26)
    return { image, data }
  }

  test('is read whole where it has a thousand of them, and given up where it has more', async () => {
    const most = inPieces(1_024)
    expect((await read(most.image, '', 'A.EFI')).equals(most.data)).toBe(true)
    await expect(read(inPieces(1_025).image, '', 'A.EFI')).rejects.toThrow('in more pieces than that of any image')
  })

  test('is found by few questions where it is in one, however long its table is', async () => {
    const data = filler(5_000 * 512, 'one')
    const source = sourceOf(writeFat({ 'A.EFI': data }, { bits: 32, perCluster: 1 }))
    const fat = await openFat(source, 0)
    const [entry] = (await fat.list(''))!
    const part = await fat.open(entry!)
    // Its table has 20 kB.
    expect(source.asked.length).toBeLessThan(6)
    expect(Buffer.from(await part.read(0, part.size)).equals(data)).toBe(true)
    expect(Buffer.from(await part.read(40_000, 20_000)).equals(data.subarray(40_000, 60_000))).toBe(true)
  })
})

describe('a name', () => {
  test.each(['a', 'thirteen.long', 'fourteen.long1', 'twenty.six.letters.long.it', 'EFI.BIN.MORE'])(
    'of %s is read as it is',
    async (name) => {
      expect(namesOf(await (await open(writeFat({ [name]: long }))).list(''))).toEqual([name])
    },
  )

  const folderOf = (image: Buffer, { dataAt, root, clusterSize }: ReturnType<typeof layFat>['places']) =>
    image.subarray(dataAt + (root - 2) * clusterSize)

  test('that belongs to another file, or was deleted, is not read', async () => {
    // Its label, a long name in two rows, and its file.
    const damaged = (change: (rows: Buffer) => void) => {
      const { image, places } = layFat({ 'fourteen.long1': long })
      change(folderOf(image, places))
      return open(image).then((fat) => fat.list('').then(namesOf))
    }
    expect(await damaged(() => {})).toEqual(['fourteen.long1'])
    expect(await damaged((rows) => (rows[32 + 13]! ^= 1))).toEqual(['fourteen.long'])
    for (const row of [1, 2])
      expect(await damaged((rows) => (rows[32 * row + 13]! ^= 1))).not.toContain('fourteen.long1')
    expect(await damaged((rows) => (rows[64 + 13]! ^= 1))).toEqual(['LONG~100'])
    expect(await damaged((rows) => rows.fill(0xe5, 32, 33).fill(0xe5, 64, 65))).toEqual(['LONG~100'])
    expect(await damaged((rows) => (rows[96] = 0xe5))).toEqual([])
    expect(await damaged((rows) => (rows[32] = 0xe5))).toEqual(['fourteen.long'])
    expect(await damaged((rows) => rows.writeUInt16LE(0, 32 + 1))).toEqual(['fourteen.long'])
    // What begins anew has nothing to do with what stood before.
    expect(await damaged((rows) => (rows[64] = 0x41))).toEqual(['fourteen.long'])
    // The rest of the row is not part of it, however it is filled.
    expect(await damaged((rows) => rows.writeUInt16LE(0xffff, 32 + 3))).toEqual(['fourteen.long1'])
  })

  test('goes for one file alone: the next has its own', async () => {
    const { image, places } = layFat({ 'first.long.name': long, 'B.EFI': long })
    const rows = folderOf(image, places)
    // The second has the same short name, and so the same checksum.
    rows.copy(rows, 128, 96, 107)
    expect(namesOf(await (await open(image)).list(''))).toEqual(['first.long.name', 'LONG~100'])
  })
})

describe('a folder', () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`EFI/F${index}`, Buffer.alloc(0)]))

  test('may be full to its last entry', async () => {
    const fat = await open(writeFat(many(126)))
    expect(await fat.list('EFI')).toHaveLength(126)
  })

  test('may have two thousand entries, and no more', async () => {
    expect(await (await open(writeFat(many(2_046)))).list('EFI')).toHaveLength(2_046)
    await expect(open(writeFat(many(2_047))).then((fat) => fat.list('EFI'))).rejects.toThrow('a directory larger than')
  })

  test('that leads back to itself ends', async () => {
    const { image, places } = layFat(many(126))
    setNext(image, { bits: 32, cluster: places.root - 1, next: places.root - 1, tableAt: places.tableAt })
    // Full of names, so that no end is found.
    await expect(open(image).then((fat) => fat.list('EFI'))).rejects.toThrow('a directory larger than')
  })
})
